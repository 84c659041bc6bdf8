package desk

import (
	"net/http"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/web"
)

func (d *Desk) mountStates(mux *web.Mux) {
	for _, change := range []stateChange{suspend, resume} {
		path := "/desk/companies/{id}/" + change.Path
		mux.Get(path, d.changing(d.requireFor(access.SuspendCompany, d.confirmState(change))))
		mux.Post(path, d.changing(d.requireFor(access.SuspendCompany, d.changeState(change))))
	}
}

// stateChange suspends a company or resumes it.
type stateChange struct {
	Path       string // the end of its address
	Title, Do  string // catalogue keys
	Suspending bool
	done       string // key of doneKeys
}

var suspend = stateChange{
	Path:       "suspend",
	Title:      "desk.suspend.title",
	Do:         "desk.suspend.do",
	Suspending: true,
	done:       "suspended",
}

var resume = stateChange{
	Path:  "resume",
	Title: "desk.resume.title",
	Do:    "desk.resume.do",
	done:  "resumed",
}

// statePage says what suspending or resuming a company does, and asks for it to be confirmed.
type statePage struct {
	frame
	pages.Problem
	stateChange
	ID, Name      string
	People        int
	Reason, Typed string
}

func (p statePage) View() web.View {
	return web.View{Template: "desk/state", ReturnTo: companyURL(p.ID) + "/" + p.Path}
}

// statePage loads what the page says.
func (d *Desk) statePage(r *http.Request, m *member, change stateChange) (page statePage, err error) {
	o, err := d.Company.Overview(r.Context(), m.Actor, r.PathValue("id"))
	return statePage{
		frame:       frameOf(r, "companies"),
		stateChange: change,
		ID:          o.Tenant.ID,
		Name:        o.Tenant.Name,
		People:      o.Forecast.People,
	}, err
}

func (d *Desk) confirmState(change stateChange) handler {
	return func(w http.ResponseWriter, r *http.Request, m *member) error {
		page, err := d.statePage(r, m, change)
		if err != nil {
			return err
		}
		page.Reason = d.Typed(r, m.Actor.UserID).Get("reason")
		return d.Web.Draw(w, r, http.StatusOK, page)
	}
}

func (d *Desk) changeState(change stateChange) handler {
	return func(w http.ResponseWriter, r *http.Request, m *member) error {
		id := r.PathValue("id")
		_, err := d.Company.Change(r.Context(), m.Actor, id, company.Changes{
			Suspended:   &change.Suspending,
			Reason:      r.PostForm.Get("reason"),
			ConfirmName: r.PostForm.Get("company"),
		})
		if err == nil {
			return d.Web.Redirect(w, companyURL(id)+"?done="+change.done)
		}
		page, pageErr := d.statePage(r, m, change)
		if pageErr != nil {
			return pageErr
		}
		return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
			page.Problem, page.Reason, page.Typed = p, r.PostForm.Get("reason"), r.PostForm.Get("company")
			return page
		})
	}
}
