// Package portal draws the sign-in pages: password, second step, links in mails, reports, forgotten passwords, setting
// a method up in the middle of a sign-in, and the first run. It decodes forms, calls one function of a journey and
// draws the step that comes back. It refuses to decide and to open a transaction that writes; what a person sees of
// their own account belongs to account.
package portal

import (
	"countersign/internal/binding"
	"countersign/internal/enrollpages"
	"countersign/internal/fault"
	"countersign/internal/incident"
	"countersign/internal/pages"
	"countersign/internal/passwordlink"
	"countersign/internal/setup"
	"countersign/internal/web"
)

// Portal serves the pages of a sign-in.
type Portal struct {
	*pages.Base
	SetUp         *setup.Service
	Binding       *binding.Service
	Incident      *incident.Service
	PasswordLinks *passwordlink.Service
	Enroll        *enrollpages.Pages
}

// Mount adds the portal's routes. This list is the portal's whole surface.
func (p *Portal) Mount(mux *web.Mux) {
	mux.Popup("/signin", "/why")
	mux.Get("/signin", p.showSignIn)
	mux.Post("/signin/password", p.submitPassword)
	mux.Post("/signin/step-up", p.stepUp)
	mux.Get("/signin/code", p.withFlow(p.showStep))
	mux.Post("/signin/code", p.withFlow(p.submitCode), "code")
	mux.Post("/signin/code/new", p.withFlow(p.newCode))
	mux.Post("/signin/new-password", p.withFlow(p.newPassword))
	mux.Post("/signin/cancel", p.withFlow(p.cancel))
	mux.Get("/signin/delivery", p.delivery)
	p.mountMailed(mux, signInLink, p.showLink, p.pressLink)
	p.mountWord(mux, reportLink, func(w wordPage) web.Page { return notMePage{w} }, notMeDonePage{}, p.Incident.Disown)
	p.mountWord(mux, undoLink, func(w wordPage) web.Page { return undoPage{w} }, undoDonePage{}, p.Incident.UndoAddress)
	p.mountAdmission(mux)
	mux.Get("/why", p.why)
	mux.Get("/signin/other", p.withFlow(p.showOther))
	mux.Post("/signin/other", p.withFlow(p.useOther))
	mux.Get("/signin/passkey", p.offerPasskey)
	mux.Post("/signin/passkey", p.submitPasskey)
	p.Enroll.Mount(mux, enrollpages.InFlow, p.enrollment)
	p.mountForgot(mux)
	mux.Post("/signout", p.SignOut)
	mux.Get("/setup", p.showSetUp)
	mux.Post("/setup", p.setUp)
}

var errOver = fault.New(fault.NotFound, "signin.flow_over")
