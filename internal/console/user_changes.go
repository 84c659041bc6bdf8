package console

import (
	"context"
	"net/http"
	"strings"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountUserChanges(mux *web.Mux) {
	mux.Get("/company/users/{id}/role", c.withRecentProof(c.showRole))
	mux.Post("/company/users/{id}/role", c.withRecentProof(c.changeRole))
	mux.Post("/company/users/{id}/invite", c.withRecentProof(c.inviteUser))
	mux.Post("/company/users/{id}/methods/restore", c.withRecentProof(c.restoreMethod))
	c.mountAddress(mux)
	c.mountExempt(mux)
	for _, change := range []userChange{withdrawInvitation, resetMethods, signOutPerson, disablePerson, enablePerson} {
		mux.Get("/company/users/{id}/"+change.Path, c.withRecentProof(c.confirmUserChange(change)))
		mux.Post("/company/users/{id}/"+change.Path, c.withRecentProof(c.changeUser(change)))
	}
}

// userChange is a change to a person that is confirmed before it is made.
type userChange struct {
	Path              string // the end of its address
	Title, Effect, Do string // catalogue keys
	AsksReason        bool
	Alarming          bool
	action            access.Action
	done              string // key of doneKeys
	run               func(ctx context.Context, s *people.Service, a access.Actor, ref people.Ref, reason string) error
}

var withdrawInvitation = userChange{
	Path:     "withdraw-invitation",
	Title:    "console.withdraw.title",
	Effect:   "console.withdraw.effect",
	Do:       "console.withdraw.do",
	Alarming: true,
	action:   access.InvitePerson,
	done:     "withdrawn",
	run: func(ctx context.Context, s *people.Service, a access.Actor, ref people.Ref, _ string) error {
		return s.WithdrawInvitation(ctx, a, ref)
	},
}

var resetMethods = userChange{
	Path:       "reset",
	Title:      "console.reset.title",
	Effect:     "console.reset.effect",
	Do:         "console.reset.do",
	AsksReason: true,
	Alarming:   true,
	action:     access.ResetMethods,
	done:       "reset",
	run: func(ctx context.Context, s *people.Service, a access.Actor, ref people.Ref, reason string) error {
		_, err := s.ResetMethods(ctx, a, ref, reason)
		return err
	},
}

var signOutPerson = userChange{
	Path:     "sign-out",
	Title:    "console.sign_out_user.title",
	Effect:   "console.sign_out_user.effect",
	Do:       "console.sign_out_user.do",
	Alarming: true,
	action:   access.SignOutPerson,
	done:     "signed_out",
	run: func(ctx context.Context, s *people.Service, a access.Actor, ref people.Ref, _ string) error {
		return s.SignOut(ctx, a, ref, true)
	},
}

var disablePerson = userChange{
	Path:     "disable",
	Title:    "console.disable_user.title",
	Effect:   "console.disable_user.effect",
	Do:       "console.disable_user.do",
	Alarming: true,
	action:   access.DisablePerson,
	done:     "disabled",
	run:      setDisabled(true),
}

var enablePerson = userChange{
	Path:   "enable",
	Title:  "console.enable_user.title",
	Effect: "console.enable_user.effect",
	Do:     "console.enable_user.do",
	action: access.EnablePerson,
	done:   "enabled",
	run:    setDisabled(false),
}

func setDisabled(to bool) func(context.Context, *people.Service, access.Actor, people.Ref, string) error {
	return func(ctx context.Context, s *people.Service, a access.Actor, ref people.Ref, _ string) error {
		return s.Change(ctx, a, ref, people.Changes{Disabled: &to})
	}
}

// userChangePage says what a change does to a person, and asks for it to be confirmed.
type userChangePage struct {
	frame
	problem
	userChange
	ID, Name, Email string
	Reason          string
}

func (p userChangePage) View() web.View {
	return web.View{Template: "console/user_change", ReturnTo: userURL(p.ID) + "/" + p.Path}
}

func userURL(id string) string { return "/company/users/" + id }

// person loads the person that an address names, for a page on which they are changed.
func (c *Console) person(r *http.Request, a *administrator) (people.Ref, user.User, error) {
	ref := people.ByID(a.company(), r.PathValue("id"))
	d, err := c.People.Find(r.Context(), a.Actor, ref)
	return ref, d.User, err
}

func (a *administrator) changePage(r *http.Request, u user.User, change userChange, reason string) userChangePage {
	return userChangePage{
		frame:      a.frame(r, "users"),
		userChange: change,
		ID:         u.ID,
		Name:       u.Name,
		Email:      u.Email,
		Reason:     reason,
	}
}

func (c *Console) confirmUserChange(change userChange) handler {
	return func(w http.ResponseWriter, r *http.Request, a *administrator) error {
		_, u, err := c.person(r, a)
		if err != nil {
			return err
		}
		if err := c.Check(r, a.Administrator, change.action, targetOf(u)); err != nil {
			return err
		}
		reason := c.Typed(r, a.Actor.UserID).Get("reason")
		return c.Web.Draw(w, r, http.StatusOK, a.changePage(r, u, change, reason))
	}
}

func (c *Console) changeUser(change userChange) handler {
	return func(w http.ResponseWriter, r *http.Request, a *administrator) error {
		ref, u, err := c.person(r, a)
		if err != nil {
			return err
		}
		reason := strings.TrimSpace(r.PostForm.Get("reason"))
		if err = change.run(r.Context(), c.People, a.Actor, ref, reason); err == nil {
			return c.Web.Redirect(w, userURL(u.ID)+"?done="+change.done)
		}
		page := a.changePage(r, u, change, reason)
		return c.DrawProblem(w, r, err, func(p problem) web.Page {
			page.problem = p
			return page
		})
	}
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
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

// inviteUser mails an invitation again; the one before stops working.
func (c *Console) inviteUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref := people.ByID(a.company(), r.PathValue("id"))
	return c.afterChange(w, r, a, ref, "invited", c.People.Invite(r.Context(), a.Actor, ref))
}

func (c *Console) restoreMethod(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref := people.ByID(a.company(), r.PathValue("id"))
	err := c.People.RestoreMethod(r.Context(), a.Actor, ref, r.PostForm.Get("method"))
	return c.afterChange(w, r, a, ref, "restored", err)
}

// rolePage asks for a person's new role.
type rolePage struct {
	frame
	problem
	ID, Name string
	Roles    []option
	Seen     user.Role // that they have
	Outdated outdated
}

func (p rolePage) View() web.View {
	return web.View{Template: "console/role", ReturnTo: userURL(p.ID) + "/role"}
}

func (a *administrator) rolePage(r *http.Request, u user.User) rolePage {
	p := rolePage{
		frame: a.frame(r, "users"),
		ID:    u.ID,
		Name:  u.Name,
		Seen:  u.Role,
	}
	for _, role := range a.rolesFor(u) {
		p.Roles = append(p.Roles, pages.NewOption(string(role), pages.RoleKeys[role], role == u.Role))
	}
	return p
}

func (c *Console) showRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	_, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	if err := c.Check(r, a.Administrator, access.ChangeRole, targetOf(u)); err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, a.rolePage(r, u))
}

func (c *Console) changeRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	role, err := user.ParseRole(r.PostForm.Get("role"))
	if err == nil {
		shown := people.Seen{Role: user.Role(r.PostForm.Get(seenField))}
		err = c.People.Change(r.Context(), a.Actor, ref, people.Changes{Role: &role, Seen: shown})
	}
	if err == nil {
		return c.Web.Redirect(w, userURL(u.ID)+"?done=role")
	}
	page := a.rolePage(r, u)
	if fault.Is(err, fault.Outdated) {
		page.Outdated = outdated{Stored: key(pages.RoleKeys[u.Role]), Yours: key(pages.RoleKeys[role])}
		for i := range page.Roles {
			page.Roles[i].Selected = page.Roles[i].Value == string(role)
		}
		return c.Web.Draw(w, r, http.StatusPreconditionFailed, page)
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}
