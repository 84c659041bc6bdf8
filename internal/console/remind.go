package console

import (
	"net/http"
	"strconv"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountReminders(mux *web.Mux) {
	mux.Get("/company/users/remind", c.showReminder)
	mux.Post("/company/users/remind", c.remindPending)
	mux.Post("/company/users/{id}/remind", c.remindUser)
	mux.Post("/company/users/export", c.exportUsers)
}

// remindPage says what a reminder to everyone is, and what came of it.
type remindPage struct {
	frame
	Sent, Skipped int
	Finished      bool
	Left          bool // there are more to remind
	Problem       string
}

func (remindPage) View() web.View {
	return web.View{Template: "console/remind", ReturnTo: "/company/users/remind"}
}

func (c *Console) showReminder(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	if err := c.checkReminding(r, a); err != nil {
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

// checkReminding fails where the administrator may remind no one, and records that.
func (c *Console) checkReminding(r *http.Request, a *administrator) error {
	err := access.Check(a.actor, access.RemindPerson, access.Target{TenantID: a.company(), Role: user.Agent})
	return people.RecordRefusal(r.Context(), c.DB, err)
}

func (c *Console) remindPending(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	if err := c.checkReminding(r, a); err != nil {
		return err
	}
	done, err := c.People.RemindPending(r.Context(), a.actor, a.company())
	if err != nil {
		return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
			return remindPage{frame: a.frame(r, "users"), Problem: f.Message}
		})
	}
	to := "/company/users/remind?sent=" + strconv.Itoa(done.Sent) + "&skipped=" + strconv.Itoa(done.Skipped)
	if done.Left {
		to += "&left=yes"
	}
	return c.Web.Redirect(w, to)
}

func (c *Console) remindUser(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	ref := people.ByID(a.company(), r.PathValue("id"))
	return c.afterChange(w, r, a, ref, "reminded", c.People.Remind(r.Context(), a.actor, ref))
}
