// Package console draws the pages on which a company's owners, admins and supervisors look after their people and the
// rules of two-factor authentication. Each handler finds who is signed in, calls one function of a journey with them
// as the actor, and draws. It refuses to decide who may do what (access does) and to write to the database.
package console

import (
	"net/http"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/gate"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/web"
)

// Console serves the pages of a company's administrators.
type Console struct {
	*pages.Base
	People  *people.Service
	Company *company.Service
}

// Mount adds the console's routes. This list is its whole surface.
func (c *Console) Mount(mux *web.Mux) {
	mux.Get("/company", c.first)
	c.mountUsers(mux)
	c.mountSecurity(mux)
	c.mountActivity(mux)
}

// administrator is who is signed in, and the company that they look after.
type administrator struct {
	session gate.SessionCheck
	actor   access.Actor
}

// signedIn finds the administrator. recent asks for a proof that is recent, for changes. Where it is nil without an
// error, they were sent to sign in.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request, recent bool) (*administrator, error) {
	st, ok, err := c.RequireSession(w, r, recent)
	if err != nil || !ok {
		return nil, err
	}
	return &administrator{session: st, actor: c.Actor(r, st)}, nil
}

// company is the company that the pages are about.
func (a *administrator) company() string { return a.actor.TenantID }

// may reports whether the table lets the administrator do something to their company, for what is shown.
func (a *administrator) may(action access.Action) bool {
	return access.Check(a.actor, action, access.Target{TenantID: a.company()}) == nil
}

// check fails where the table does not let the administrator do something to their company, and records that.
func (a *administrator) check(r *http.Request, c *Console, action access.Action) error {
	err := access.Check(a.actor, action, access.Target{TenantID: a.company()})
	return people.RecordRefusal(r.Context(), c.DB, err)
}

// frame is what surrounds each page of the console.
type frame struct {
	Company  string
	Current  string // the part of the console that the page belongs to
	Security bool   // which parts the administrator may see
	Activity bool
	Done     string // catalogue key of what was just done
}

func (a *administrator) frame(r *http.Request, current string) frame {
	return frame{
		Company:  a.session.Tenant.Name,
		Current:  current,
		Security: a.may(access.ViewCompany),
		Activity: a.may(access.ViewActivity),
		Done:     doneKeys[r.URL.Query().Get("done")],
	}
}

// first leads to the part of the console that everyone who has any right in it may see.
func (c *Console) first(w http.ResponseWriter, r *http.Request) error {
	a, err := c.signedIn(w, r, false)
	if err != nil || a == nil {
		return err
	}
	if a.may(access.ViewCompany) {
		return c.Web.Redirect(w, "/company/security")
	}
	return c.Web.Redirect(w, "/company/users")
}
