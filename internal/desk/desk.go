// Package desk draws the pages on which the vendor's own staff looks after companies, the rules for all of them, and
// apps: operators, and support, who may only look. Each handler finds who is signed in, calls one function of a journey
// with them as the actor, and draws. It refuses to decide who may do what (access does) and to write to the database.
package desk

import (
	"errors"
	"net/http"

	"countersign/internal/access"
	"countersign/internal/apps"
	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/web"
)

// Desk serves the pages of the vendor's staff.
type Desk struct {
	*pages.Base
	People  *people.Service
	Company *company.Service
	Apps    *apps.Service
}

// Mount adds the desk's routes. This list is its whole surface.
func (d *Desk) Mount(mux *web.Mux) {
	mux.Get("/desk", d.looking(d.first))
	d.mountCompanies(mux)
	d.mountDecisions(mux)
	d.mountAdoption(mux)
	d.mountDelivery(mux)
	d.mountWhy(mux)
	d.mountApps(mux)
}

// member is someone of the vendor's staff who is signed in.
type member struct{ pages.Administrator }

// handler answers a request of a member of the staff.
type handler func(http.ResponseWriter, *http.Request, *member) error

// looking makes a handler of one that only shows something. People without a session are sent to sign in.
func (d *Desk) looking(h handler) web.Handler { return d.withSession(false, h) }

// changing is looking for changes: who signed in too long ago confirms first who they are.
func (d *Desk) changing(h handler) web.Handler { return d.withSession(true, h) }

func (d *Desk) withSession(recent bool, h handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, ok, err := d.RequireAdministrator(w, r, recent)
		if err != nil || !ok {
			return err
		}
		if err := d.Check(r, a, access.ListCompanies, access.Target{}); err != nil {
			return err
		}
		if err := h(w, r, &member{a}); !errors.Is(err, people.ErrCounting) {
			return err
		}
		return d.Web.Draw(w, r, http.StatusOK, countingPage{frameOf(r, "decision"), pages.CountingOf(r)})
	}
}

// countingPage says that people are being counted, and asks again until that is done.
type countingPage struct {
	frame
	pages.Counting
}

func (p countingPage) View() web.View {
	return web.View{Template: "desk/counting", ReturnTo: p.Action}
}

// require is a handler for members who may do something that concerns no particular company.
func (d *Desk) require(action access.Action, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, m *member) error {
		if err := d.Check(r, m.Administrator, action, access.Target{}); err != nil {
			return err
		}
		return h(w, r, m)
	}
}

// requireFor is require for the company that the address names.
func (d *Desk) requireFor(action access.Action, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, m *member) error {
		if err := d.Check(r, m.Administrator, action, access.Target{TenantID: r.PathValue("id")}); err != nil {
			return err
		}
		return h(w, r, m)
	}
}

// frame is what surrounds each page of the desk.
type frame struct {
	Current string // the part of the desk that the page belongs to
	Done    string // catalogue key of what was just done
}

func frameOf(r *http.Request, current string) frame {
	return frame{Current: current, Done: doneKeys[r.URL.Query().Get("done")]}
}

// first leads to the list of companies.
func (d *Desk) first(w http.ResponseWriter, _ *http.Request, _ *member) error {
	return d.Web.Redirect(w, companiesPath)
}
