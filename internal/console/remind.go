package console

import (
	"net/http"
	"strconv"

	"countersign/internal/access"
	"countersign/internal/people"
	"countersign/internal/web"
)

func (c *Console) mountReminders(mux *web.Mux) {
	mux.Get("/company/users/remind", c.withRecentProof(c.showReminder))
	mux.Post("/company/users/remind", c.withRecentProof(c.remindPending))
	mux.Post("/company/users/{id}/remind", c.withRecentProof(c.remindUser))
}

// remindPage says what a reminder to everyone is, and what came of it.
type remindPage struct {
	frame
	problem
	Sent, Skipped int
	Finished      bool
	Left          bool // there are more to remind
}

func (remindPage) View() web.View {
	return web.View{Template: "console/remind", ReturnTo: "/company/users/remind"}
}

func (c *Console) showReminder(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.RemindPerson, a.anyone()); err != nil {
		return err
	}
	page := remindPage{frame: a.frame(r, "users")}
	page.Sent, page.Skipped = count(r.URL.Query().Get("sent")), count(r.URL.Query().Get("skipped"))
	page.Finished, page.Left = r.URL.Query().Has("sent"), r.URL.Query().Has("left")
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// count reads how many from an address; what makes no sense is none.
func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > people.MaxReminded {
		return 0
	}
	return n
}

func (c *Console) remindPending(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.RemindPerson, a.anyone()); err != nil {
		return err
	}
	done, err := c.People.RemindPending(r.Context(), a.Actor, a.company())
	if err != nil {
		return c.DrawProblem(w, r, err, func(p problem) web.Page {
			return remindPage{frame: a.frame(r, "users"), problem: p}
		})
	}
	to := "/company/users/remind?sent=" + strconv.Itoa(done.Sent) + "&skipped=" + strconv.Itoa(done.Skipped)
	if done.Left {
		to += "&left=yes"
	}
	return c.Web.Redirect(w, to)
}

func (c *Console) remindUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref := people.ByID(a.company(), r.PathValue("id"))
	return c.afterChange(w, r, a, ref, "reminded", c.People.Remind(r.Context(), a.Actor, ref))
}
