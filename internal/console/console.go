// Package console draws the pages on which a company's owners, admins and supervisors look after their people and the
// rules of two-factor authentication. Each handler finds who is signed in, calls one function of a journey with them
// as the actor, and draws. It refuses to decide who may do what (access does) and to write to the database.
package console

import (
	"errors"
	"net/http"
	"strings"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/rollout"
	"countersign/internal/user"
	"countersign/internal/web"
)

// Console serves the pages of a company's administrators.
type Console struct {
	*pages.Base
	People  *people.Service
	Company *company.Service
	Rollout *rollout.Service
}

// Mount adds the console's routes. This list is its whole surface.
func (c *Console) Mount(mux *web.Mux) {
	mux.Get("/company", c.signedIn(c.first))
	c.mountUsers(mux)
	c.mountImport(mux)
	c.mountSecurity(mux)
	c.mountActivity(mux)
	c.mountSharing(mux)
	c.mountBranding(mux)
}

// administrator is who is signed in, and the company that they look after.
type administrator struct{ pages.Administrator }

// handler answers a request of the administrator who is signed in.
type handler func(http.ResponseWriter, *http.Request, *administrator) error

// signedIn makes a handler of one for administrators. Others are sent to sign in.
func (c *Console) signedIn(h handler) web.Handler { return c.withSession(false, h) }

// withRecentProof is signedIn for changes: who signed in too long ago confirms first who they are.
func (c *Console) withRecentProof(h handler) web.Handler { return c.withSession(true, h) }

func (c *Console) withSession(recent bool, h handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, ok, err := c.RequireAdministrator(w, r, recent)
		if err != nil || !ok {
			return err
		}
		of := &administrator{a}
		if err := h(w, r, of); !errors.Is(err, people.ErrCounting) {
			return err
		}
		return c.Web.Draw(w, r, http.StatusOK, of.countingPage(r))
	}
}

// countingPage says that the people of the company are being counted, and asks again until that is done.
type countingPage struct {
	frame
	pages.Counting
}

func (p countingPage) View() web.View {
	v := web.View{Template: "console/counting"}
	if p.Posts {
		v.ReturnTo = "/company/security"
	}
	return v
}

func (a *administrator) countingPage(r *http.Request) countingPage {
	current := "security"
	if strings.HasPrefix(r.URL.Path, "/company/users") {
		current = "users"
	}
	return countingPage{a.frame(r, current), pages.CountingOf(r)}
}

// company is the company that the pages are about.
func (a *administrator) company() string { return a.Actor.TenantID }

// own is the company of the administrator.
func (a *administrator) own() access.Target { return access.Target{TenantID: a.company()} }

// anyone is a person of the company in its lowest role: who may not do something to them may do it to no one.
func (a *administrator) anyone() access.Target {
	return access.Target{TenantID: a.company(), Role: user.Agent}
}

func targetOf(u user.User) access.Target {
	return access.Target{TenantID: u.TenantID, UserID: u.ID, Role: u.Role}
}

// frame is what surrounds each page of the console.
type frame struct {
	Company  string
	Current  string // the part of the console that the page belongs to
	Security bool   // which parts the administrator may see
	Activity bool
	Sharing  bool
	Branding bool
	Done     string // catalogue key of what was just done
	Offer    offer  // what to do about that
}

// offer is what a page offers beside what was just done, such as to undo it.
type offer struct {
	URL, Label string // Label is a catalogue key; no URL = nothing
	Posts      bool   // it is done at once, and not on a page that asks for it
}

func (a *administrator) frame(r *http.Request, current string) frame {
	return frame{
		Company:  a.Session.Tenant.Name,
		Current:  current,
		Security: a.May(access.ViewCompany, a.own()),
		Activity: a.May(access.ViewActivity, a.own()),
		Sharing:  a.May(access.ViewSharing, a.own()),
		Branding: a.May(access.SetBranding, a.own()),
		Done:     doneKeys[r.URL.Query().Get("done")],
	}
}

// first leads to the part of the console that everyone who has any right in it may see.
func (c *Console) first(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if a.May(access.ViewCompany, a.own()) {
		return c.Web.Redirect(w, "/company/security")
	}
	return c.Web.Redirect(w, "/company/users")
}
