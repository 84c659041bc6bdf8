package console

import (
	"net/http"
	"strconv"

	"countersign/internal/fault"
	"countersign/internal/people"
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
}

func (remindPage) View() web.View {
	return web.View{Template: "console/remind", ReturnTo: "/company/users/remind"}
}

func (c *Console) showReminder(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	if !a.mayRemind() {
		return fault.New(fault.Denied, "access.denied")
	}
	page := remindPage{frame: a.frame(r, "users")}
	page.Sent, _ = strconv.Atoi(r.URL.Query().Get("sent"))
	page.Skipped, _ = strconv.Atoi(r.URL.Query().Get("skipped"))
	page.Finished = r.URL.Query().Has("sent")
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (c *Console) remindPending(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	if !a.mayRemind() {
		return fault.New(fault.Denied, "access.denied")
	}
	done, err := c.People.RemindPending(r.Context(), a.actor, a.company())
	if err != nil {
		return err
	}
	to := "/company/users/remind?sent=" + strconv.Itoa(done.Sent) + "&skipped=" + strconv.Itoa(done.Skipped)
	return c.Web.Redirect(w, to)
}

func (c *Console) remindUser(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	ref := people.ByID(a.company(), r.PathValue("id"))
	if err := c.People.Remind(r.Context(), a.actor, ref); err != nil {
		return err
	}
	return c.Web.Redirect(w, userURL(ref.UserID)+"?done=reminded")
}
