package console

import (
	"net/http"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountUserChanges(mux *web.Mux) {
	mux.Get("/company/users/{id}/role", c.showRole)
	mux.Post("/company/users/{id}/role", c.changeRole)
	mux.Post("/company/users/{id}/invite", c.inviteUser)
	mux.Post("/company/users/{id}/methods/restore", c.restoreMethod)
	for _, change := range []string{"reset", "disable", "enable"} {
		mux.Get("/company/users/{id}/"+change, c.confirmUserChange(change))
		mux.Post("/company/users/{id}/"+change, c.changeUser(change))
	}
}

// userChangePage says what a change does to a person, and asks for it to be confirmed.
type userChangePage struct {
	frame
	ID, Name, Email string
	Change          string // reset, disable or enable
	Reason          string
	AsksReason      bool
	Problem         string
	Wait            time.Duration
}

func (p userChangePage) View() web.View {
	return web.View{Template: "console/user_change", ReturnTo: userURL(p.ID) + "/" + p.Change}
}

// Title, Effect and Do are catalogue keys.
func (p userChangePage) Title() string  { return changeKeys[p.Change].Title }
func (p userChangePage) Effect() string { return changeKeys[p.Change].Effect }
func (p userChangePage) Do() string     { return changeKeys[p.Change].Do }

func userURL(id string) string { return "/company/users/" + id }

// person loads the person that an address names, for a page on which they are changed.
func (c *Console) person(r *http.Request, a *administrator) (people.Ref, user.User, error) {
	ref := people.ByID(a.company(), r.PathValue("id"))
	d, err := c.People.Find(r.Context(), a.actor, ref)
	return ref, d.User, err
}

// actionOf is the right that a change needs.
var actionOf = map[string]access.Action{
	"reset":   access.ResetMethods,
	"disable": access.DisablePerson,
	"enable":  access.EnablePerson,
}

func (a *administrator) changePage(r *http.Request, u user.User, change string) userChangePage {
	return userChangePage{
		frame:      a.frame(r, "users"),
		ID:         u.ID,
		Name:       u.Name,
		Email:      u.Email,
		Change:     change,
		AsksReason: change == "reset",
	}
}

func (c *Console) confirmUserChange(change string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := c.signedIn(w, r, true)
		if err != nil || a == nil {
			return err
		}
		_, u, err := c.person(r, a)
		if err != nil {
			return err
		}
		target := access.Target{TenantID: u.TenantID, UserID: u.ID, Role: u.Role}
		err = access.Check(a.actor, actionOf[change], target)
		if err := people.RecordRefusal(r.Context(), c.DB, err); err != nil {
			return err
		}
		page := a.changePage(r, u, change)
		page.Reason = c.Typed(r, a.actor.UserID).Get("reason")
		return c.Web.Draw(w, r, http.StatusOK, page)
	}
}

func (c *Console) changeUser(change string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := c.signedIn(w, r, true)
		if err != nil || a == nil {
			return err
		}
		ref, u, err := c.person(r, a)
		if err != nil {
			return err
		}
		reason := strings.TrimSpace(r.PostForm.Get("reason"))
		done, err := c.runUserChange(r, a, ref, change, reason)
		if err == nil {
			return c.Web.Redirect(w, userURL(u.ID)+"?done="+done)
		}
		page := a.changePage(r, u, change)
		page.Reason = reason
		return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
			page.Problem, page.Wait = f.Message, f.RetryAfter
			return page
		})
	}
}

// drawProblem draws a form again with what is wrong with it; other errors are returned.
func (c *Console) drawProblem(
	w http.ResponseWriter, r *http.Request, err error, page func(*fault.Fault) web.Page,
) error {
	f := fault.Of(err)
	if f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.RateLimited {
		return err
	}
	pages.SetRetryAfter(w, f.RetryAfter)
	return c.Web.Draw(w, r, web.Status(f.Kind), page(f))
}

func (c *Console) runUserChange(
	r *http.Request, a *administrator, ref people.Ref, change, reason string,
) (done string, err error) {
	closed := change == "disable"
	if change == "reset" {
		_, err := c.People.ResetMethods(r.Context(), a.actor, ref, reason)
		return "reset", err
	}
	return change + "d", c.People.Change(r.Context(), a.actor, ref, people.Changes{Disabled: &closed})
}

// afterChange leads back to the person's page, which says what was done, or why it could not be.
func (c *Console) afterChange(
	w http.ResponseWriter, r *http.Request, a *administrator, ref people.Ref, done string, err error,
) error {
	if err == nil {
		return c.Web.Redirect(w, userURL(ref.UserID)+"?done="+done)
	}
	page, pageErr := c.userPage(r, a, ref)
	if pageErr != nil {
		return err
	}
	return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
		page.Problem = f.Message
		return page
	})
}

// inviteUser mails an invitation again; the one before stops working.
func (c *Console) inviteUser(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	ref := people.ByID(a.company(), r.PathValue("id"))
	return c.afterChange(w, r, a, ref, "invited", c.People.Invite(r.Context(), a.actor, ref))
}

func (c *Console) restoreMethod(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	ref := people.ByID(a.company(), r.PathValue("id"))
	err = c.People.RestoreMethod(r.Context(), a.actor, ref, r.PostForm.Get("method"))
	return c.afterChange(w, r, a, ref, "restored", err)
}

// rolePage asks for a person's new role.
type rolePage struct {
	frame
	ID, Name string
	Roles    []option
	Problem  string
}

func (p rolePage) View() web.View {
	return web.View{Template: "console/role", ReturnTo: userURL(p.ID) + "/role"}
}

func (a *administrator) rolePage(r *http.Request, u user.User) rolePage {
	p := rolePage{frame: a.frame(r, "users"), ID: u.ID, Name: u.Name}
	for _, role := range a.rolesFor(u) {
		p.Roles = append(p.Roles, option{string(role), roleKeys[role], role == u.Role})
	}
	return p
}

func (c *Console) showRole(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	_, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	page := a.rolePage(r, u)
	if len(page.Roles) == 0 {
		return fault.New(fault.Denied, "access.role")
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (c *Console) changeRole(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, true)
	if err != nil || a == nil {
		return err
	}
	ref, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	role, err := user.ParseRole(r.PostForm.Get("role"))
	if err == nil {
		err = c.People.Change(r.Context(), a.actor, ref, people.Changes{Role: &role})
	}
	if err == nil {
		return c.Web.Redirect(w, userURL(u.ID)+"?done=role")
	}
	page := a.rolePage(r, u)
	return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
		page.Problem = f.Message
		return page
	})
}
