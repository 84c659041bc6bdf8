package console

import (
	"net/http"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountAddress(mux *web.Mux) {
	mux.Get("/company/users/{id}/address", c.withRecentProof(c.showAddress))
	mux.Post("/company/users/{id}/address", c.withRecentProof(c.changeAddress))
}

// addressPage asks for a person's new email address.
type addressPage struct {
	frame
	problem
	ID, Name, Email string
	Typed           string
	Outdated        outdated
}

func (p addressPage) View() web.View {
	return web.View{Template: "console/address", ReturnTo: userURL(p.ID) + "/address"}
}

func (a *administrator) addressPage(r *http.Request, u user.User, typed string) addressPage {
	return addressPage{
		frame: a.frame(r, "users"),
		ID:    u.ID,
		Name:  u.Name,
		Email: u.Email,
		Typed: typed,
	}
}

func (c *Console) showAddress(w http.ResponseWriter, r *http.Request, a *administrator) error {
	_, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	if err := c.Check(r, a.Administrator, access.ChangeAddress, targetOf(u)); err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, a.addressPage(r, u, c.Typed(r, a.Actor.UserID).Get("email")))
}

func (c *Console) changeAddress(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	typed := r.PostForm.Get("email")
	changes := people.Changes{Email: &typed, Seen: people.Seen{Email: r.PostForm.Get(seenField)}}
	if err = c.People.Change(r.Context(), a.Actor, ref, changes); err == nil {
		return c.Web.Redirect(w, userURL(u.ID)+"?done=address")
	}
	if fault.Is(err, fault.Outdated) {
		page := a.addressPage(r, u, typed)
		page.Outdated = outdated{Stored: texts(u.Email), Yours: texts(typed)}
		return c.Web.Draw(w, r, http.StatusPreconditionFailed, page)
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page := a.addressPage(r, u, typed)
		page.problem = p
		return page
	})
}
