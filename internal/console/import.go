package console

import (
	"net/http"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/web"
)

// importPage asks for many people at once, and says row by row what will happen before anything does.
type importPage struct {
	frame
	problem
	Text    string
	Checked bool // what is below is known
	Added   bool // and done
	Created int
	Exists  int
	Failed  []failedRow
	Max     int
}

func (importPage) View() web.View {
	return web.View{Template: "console/import", ReturnTo: "/company/users/import"}
}

// failedRow is a row that cannot be added; Why is a catalogue key.
type failedRow struct {
	Line int
	Why  string
}

func (c *Console) mountImport(mux *web.Mux) {
	mux.Get("/company/users/import", c.withRecentProof(c.showImport))
	mux.Post("/company/users/import", c.withRecentProof(c.importUsers))
}

func (c *Console) showImport(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.ImportPeople, a.anyone()); err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, a.importPage(r, ""))
}

func (a *administrator) importPage(r *http.Request, text string) importPage {
	return importPage{frame: a.frame(r, "users"), Text: text, Max: people.MaxAdded}
}

func (c *Console) importUsers(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.ImportPeople, a.anyone()); err != nil {
		return err
	}
	page := a.importPage(r, r.PostForm.Get("rows"))
	sure := r.PostForm.Get("sure") != ""
	rows, err := readPasted(c.Web.Printer(r), page.Text)
	if err == nil {
		for i := range rows {
			rows[i].Lang = c.Web.Printer(r).Lang()
		}
		err = page.add(c.People.AddMany(r.Context(), a.Actor, a.company(), rows, !sure))
	}
	switch {
	case err != nil:
		return c.DrawProblem(w, r, err, func(p problem) web.Page {
			page.problem = p
			return page
		})
	case sure && len(page.Failed) == 0:
		return c.Web.Redirect(w, "/company/users?done=imported")
	}
	page.Added = sure
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// add shows what became of the rows, or would.
func (p *importPage) add(done people.Imported, err error) error {
	p.Checked, p.Created, p.Exists = err == nil, done.Created, done.Exists
	for _, row := range done.Failed {
		p.Failed = append(p.Failed, failedRow{row.Line, fault.Of(row.Err).Message})
	}
	return err
}
