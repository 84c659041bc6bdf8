// Package portal is the face that people see: sign-in, the secure link, "this wasn't me",
// first run. It decodes forms, calls one journey function and draws the step that comes
// back. It decides nothing.
package portal

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"countersign/internal/binding"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/message/push"
	"countersign/internal/profile"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// Portal serves people's pages.
type Portal struct {
	Web    *web.Web
	DB     *db.DB
	Keys   *secret.Keys
	SignIn *signin.Service
	SetUp  *setup.Service
	Place  func(ip netip.Addr, lang string) string

	Binding *binding.Service
	Profile *profile.Service
	Phones  []string       // ISO 3166-1 codes of the countries whose numbers may receive messages
	Push    *push.Identity // by which browsers know us; nil where there are no code receivers
}

// Mount adds the portal's routes. This list is the portal's whole surface.
func (p *Portal) Mount(mux *web.Mux) {
	mux.Popup("/signin", "/why")
	mux.Get("/", p.home)
	mux.Get("/signin", p.showSignIn)
	mux.Post("/signin/password", p.submitPassword)
	mux.Post("/signin/step-up", p.stepUp)
	mux.Get("/signin/code", p.showStep)
	mux.Post("/signin/code", p.submitCode, "code")
	mux.Post("/signin/code/new", p.newCode)
	mux.Post("/signin/new-password", p.newPassword)
	mux.Post("/signin/cancel", p.cancel)
	mux.Get("/signin/delivery", p.delivery)
	p.mountMailed(mux, signInLink, p.showLink, p.pressLink)
	p.mountWord(mux, reportLink, func(w wordPage) web.Page { return notMePage{w} }, notMeDonePage{}, p.SignIn.Disown)
	p.mountWord(mux, undoLink, func(w wordPage) web.Page { return undoPage{w} }, undoDonePage{}, p.SignIn.UndoAddress)
	p.mountAdmission(mux)
	mux.Get("/why", p.why)
	mux.Get("/signin/other", p.showOther)
	mux.Post("/signin/other", p.useOther)
	mux.Get("/signin/passkey", p.offerPasskey)
	mux.Post("/signin/passkey", p.submitPasskey)
	p.mountSetUp(mux, "/signin/set-up", p.inFlow)
	p.mountSetUp(mux, "/profile/add", p.inSession)
	p.mountProfile(mux)
	p.mountReceiver(mux)
	p.mountEmail(mux)
	p.mountForgot(mux)
	mux.Post("/signout", p.signOut)
	mux.Get("/setup", p.showSetUp)
	mux.Post("/setup", p.setUp)
}

// visitor is where a request came from, with the approximate place.
func (p *Portal) visitor(r *http.Request) session.Visitor {
	v := web.From(r.Context())
	return session.Visitor{IP: v.IP.String(), Place: p.Place(v.IP, v.Lang), Browser: v.Browser, RequestID: v.RequestID}
}

var errOver = fault.New(fault.NotFound, "signin.flow_over")

// target is what a sign-in is for: the sealed request of an app, or our own pages.
type target struct {
	sealed  string
	request grant.Request
}

func (p *Portal) targetOf(sealed string) (target, error) {
	if sealed == "" {
		return target{request: grant.Request{ClientID: client.PortalID}}, nil
	}
	req, err := grant.Open(p.Keys, sealed, p.DB.Now())
	return target{sealed: sealed, request: req}, err
}

// origins are where a form of this sign-in may lead in the end.
func (t target) origins() []string {
	if to := t.request.Target(); to != "" {
		return []string{to}
	}
	return nil
}

func (p *Portal) originsOf(sealed string) []string {
	t, err := p.targetOf(sealed)
	if err != nil {
		return nil
	}
	return t.origins()
}

// onward is where a finished sign-in goes on: to the app, or to the page of ours that had
// asked for more.
func (p *Portal) onward(sealed string) string {
	if sealed == "" {
		return "/"
	}
	if t, err := p.targetOf(sealed); err == nil && t.ours() {
		return p.back(t.request.ReturnTo)
	}
	return resumption(sealed)
}

func resumption(sealed string) string { return "/authorize/resume?to=" + url.QueryEscape(sealed) }

// ours reports whether a sign-in is for our own pages.
func (t target) ours() bool { return t.request.ClientID == client.PortalID }

// back accepts the pages that may be returned to, and nothing else (SEC-118).
func (p *Portal) back(path string) string {
	if here, ok := p.Web.Mux().Local(path); ok && (here == "/profile" || strings.HasPrefix(here, "/profile/")) {
		return here
	}
	return "/"
}
