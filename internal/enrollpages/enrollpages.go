// Package enrollpages draws the pages on which a method is set up. The sign-in pages show them in the middle of a
// sign-in, the account pages in a session; each says who sets something up, how the first proof is taken and where it
// leads. The package refuses to find that out itself, and opens no transaction that writes.
package enrollpages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/binding"
	"countersign/internal/fault"
	"countersign/internal/message/push"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/web"
)

// Where methods are set up: in the middle of a sign-in, or in a session.
const (
	InFlow    = "/signin/set-up"
	InSession = "/profile/add"
)

// Pages draws the set-up of every kind.
type Pages struct {
	*pages.Base
	Binding *binding.Service
	Phones  []string       // ISO 3166-1 codes of the countries whose numbers may receive messages
	Push    *push.Identity // by which browsers know us; nil where there are no code receivers
}

// Enrollment is where and for whom a method is set up.
type Enrollment struct {
	Base          string // InFlow or InSession
	pages.FlowRef        // of the sign-in that waits for it; empty in a session
	Holder        binding.Enrollee
	Kinds         []authenticator.Kind // that can be set up
	Has           []authenticator.Kind // that are set up already
	AppName       string
	Because       []string
	Targets       []string

	// Confirm takes the first proof, together with whatever waits for it.
	Confirm func(context.Context, binding.FirstProof) (Confirmed, error)
}

// Confirmed is what came of a first proof. Next leads on once it was right.
type Confirmed struct {
	binding.Outcome
	Next web.Handler
}

// NewHolder is who sets something up: what a request says of a person, and what began in their browser.
func NewHolder(b *pages.Base, r *http.Request, tenant, scope, flowID string,
	who authenticator.Subject) binding.Enrollee {
	v := b.Visitor(r)
	who.IP, who.Place, who.Browser = v.IP, v.Place, v.Browser
	if site := b.Web.Site(r.Context()); site.Vendor != "" {
		who.Brand = site.Name
	}
	return binding.Enrollee{
		Tenant:  tenant,
		UserID:  who.UserID,
		Scope:   scope,
		FlowID:  flowID,
		Held:    b.BegunHere(r),
		Who:     who,
		Visitor: v,
	}
}

func (e *Enrollment) inFlow() bool { return e.Base == InFlow }

// path is the page of one kind.
func (e *Enrollment) path(k authenticator.Kind) string { return e.Base + "/" + string(k) + e.Query() }

// Source tells who sets something up. To begin needs more than to go on. It returns nil when it
// has answered the request itself.
type Source func(w http.ResponseWriter, r *http.Request, begins bool) (*Enrollment, error)

// Mount adds the same pages below one of the two places.
func (p *Pages) Mount(mux *web.Mux, base string, find Source) {
	at := func(begins bool, h func(http.ResponseWriter, *http.Request, *Enrollment) error) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			s, err := find(w, r, begins)
			if err != nil || s == nil {
				return err
			}
			return h(w, r, s)
		}
	}
	mux.Get(base, at(true, p.chooseKind))
	mux.Get(base+"/{kind}", at(false, p.showKind))
	mux.Post(base+"/{kind}", at(true, p.propose))
	mux.Post(base+"/{kind}/confirm", at(false, p.confirm))
	mux.Get(base+"/backup/codes.txt", at(false, p.codesFile))
}

// chooseKind lists what can be set up. Where only one thing is asked for, it says why.
func (p *Pages) chooseKind(w http.ResponseWriter, r *http.Request, s *Enrollment) error {
	page := choosePage{
		FlowRef: s.FlowRef,
		Base:    s.Base,
		InFlow:  s.inFlow(),
		AppName: s.AppName,
		Because: s.Because,
		Targets: s.Targets,
	}
	for _, k := range s.Kinds {
		if k != authenticator.Backup || len(s.Kinds) == 1 {
			page.Kinds = append(page.Kinds, offerOf(k))
		}
	}
	page.OnlyCodes = len(s.Kinds) == 1 && s.Kinds[0] == authenticator.Backup
	return p.Web.Draw(w, r, http.StatusOK, page)
}

// ErrNoMethod: there is no such method for this person.
var ErrNoMethod = fault.New(fault.NotFound, "binding.no_such_method")

func (s *Enrollment) kind(r *http.Request) (authenticator.Kind, error) {
	k := authenticator.Kind(r.PathValue("kind"))
	if !slices.Contains(s.Kinds, k) || s.inFlow() && k == authenticator.Backup && len(s.Kinds) > 1 {
		return "", ErrNoMethod
	}
	return k, nil
}

// showKind draws how far the set-up of one kind has come. It changes nothing, so that it can
// be left and taken up again.
func (p *Pages) showKind(w http.ResponseWriter, r *http.Request, s *Enrollment) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	d, err := p.Binding.Waiting(r.Context(), s.Holder, k)
	typed := p.Typed(r, s.Holder.UserID)
	again := fault.Is(err, fault.NotFound) || err == nil && (r.URL.Query().Has("again") || typed != nil)
	switch {
	case again:
		return p.drawBegin(w, r, http.StatusOK, s, beginPage{
			Kind:    k,
			Country: typed.Get("country"),
			Number:  typed.Get("number"),
		})
	case err != nil:
		return err
	}
	return p.drawDraft(w, r, http.StatusOK, s, d, cardPage{})
}

// refused reports whether a set-up could not begin for a reason to be shown on its page.
func refused(err error) bool {
	return pages.Waiting(err) != nil || fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict)
}

func (p *Pages) drawRefused(w http.ResponseWriter, r *http.Request, s *Enrollment, page beginPage,
	f *fault.Fault) error {
	pages.SetRetryAfter(w, f.RetryAfter)
	page.Problem, page.Wait = f.Message, f.RetryAfter
	return p.drawBegin(w, r, web.Status(f.Kind), s, page)
}

// propose begins the set-up of a kind.
func (p *Pages) propose(w http.ResponseWriter, r *http.Request, s *Enrollment) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	if methodtext.Of(k).ShownOnce {
		if _, err := p.Binding.Waiting(r.Context(), s.Holder, k); err == nil {
			return p.Web.Redirect(w, s.path(k))
		}
	}
	d, err := p.Binding.Begin(r.Context(), s.Holder, k, "", wishOf(k, r.PostForm))
	switch {
	case refused(err):
		page := beginPage{Kind: k, Country: r.PostForm.Get("country"), Number: r.PostForm.Get("number")}
		return p.drawRefused(w, r, s, page, fault.Of(err))
	case err != nil:
		return err
	}
	p.KeepBegun(w, r, d.Holds)
	if k == authenticator.Passkey && r.Header.Get("Accept") == "application/json" { // the page goes on by itself
		return p.beganPasskey(w, d)
	}
	return p.Web.Redirect(w, s.path(k))
}

// wishOf is what a form says is to be set up; empty for kinds that ask nothing.
func wishOf(k authenticator.Kind, form url.Values) string {
	var words []string
	for _, field := range methodtext.Of(k).WishFields {
		words = append(words, form.Get(field))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// beganPasskey tells the script of the page what the browser is to make, so that one page is
// enough: to begin is a change, which no GET makes.
func (p *Pages) beganPasskey(w http.ResponseWriter, d binding.PendingEnrollment) error {
	c, err := passkey.Show(d.PendingEnrollment)
	if err != nil {
		return fmt.Errorf("begin a passkey: %w", err)
	}
	return p.Web.JSON(w, http.StatusOK, map[string]any{"options": json.RawMessage(c.Options), "draft": d.ID})
}

// confirm takes the first proof of what is being set up.
func (p *Pages) confirm(w http.ResponseWriter, r *http.Request, s *Enrollment) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	d, err := p.Binding.Waiting(r.Context(), s.Holder, k)
	if err == nil && d.ID != r.PostForm.Get("draft") { // the page is older than the set-up
		return p.drawDraft(w, r, http.StatusConflict, s, d, cardPage{Problem: "binding.newer"})
	}
	if fault.Is(err, fault.NotFound) {
		return p.drawBegin(w, r, http.StatusGone, s, beginPage{Kind: k, Problem: methodtext.Of(k).Over})
	}
	if err != nil {
		return err
	}
	if k == authenticator.Backup && r.PostForm.Get("saved") != "on" && strings.TrimSpace(r.PostForm.Get("code")) == "" {
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d, cardPage{Problem: "bind.backup.problem"})
	}
	out, err := s.Confirm(r.Context(), binding.FirstProof{Draft: d, Name: r.PostForm.Get("name"), Answer: answerOf(r)})
	switch {
	case fault.Is(err, fault.Invalid):
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d,
			cardPage{Problem: fault.Of(err).Message, Name: r.PostForm.Get("name")})
	case fault.Is(err, fault.NotFound):
		return p.drawBegin(w, r, http.StatusGone, s, beginPage{Kind: k, Problem: methodtext.Of(k).Over})
	case err != nil:
		return err
	case !out.OK && out.TriesLeft == 0:
		return p.drawBegin(w, r, http.StatusUnprocessableEntity, s, beginPage{Kind: k, Problem: "binding.no_tries"})
	case !out.OK:
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d, cardPage{
			Problem:   problemOf(k, out.Outcome),
			TriesLeft: out.TriesLeft,
			Name:      r.PostForm.Get("name"),
		})
	}
	p.DropBegun(w, r, d.ID)
	return out.Next(w, r)
}

// answerOf is the first proof that a form holds.
func answerOf(r *http.Request) authenticator.Response {
	form := r.PostForm
	return authenticator.Response{
		Code:      form.Get("code"),
		Saved:     form.Get("saved") == "on",
		Assertion: []byte(form.Get("assertion")),
	}
}

func problemOf(k authenticator.Kind, out binding.Outcome) string {
	if k == authenticator.Passkey && out.Notice != "" {
		return out.Notice
	}
	return methodtext.Of(k).Wrong
}

// codesFile is the sheet of backup codes as a file, as long as it waits to be confirmed.
func (p *Pages) codesFile(w http.ResponseWriter, r *http.Request, s *Enrollment) error {
	d, err := p.Binding.Waiting(r.Context(), s.Holder, authenticator.Backup)
	if err != nil {
		return err
	}
	sheet, err := lookup.Show(d.PendingEnrollment)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+lookup.FileName+`"`)
	_, err = w.Write([]byte(sheet.File(p.Web.Printer(r))))
	return err
}
