// Package web turns typed pages into HTML, forms into checked values and errors into one
// error page, behind one chain that no route can forget: request id, panic recovery,
// security headers, client address, access log, same-origin proof. It refuses to know
// what any page is about, and never reads the database.
package web

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"countersign/internal/locale"
)

// Page is a struct that one template draws.
type Page interface{ View() View }

// View says how a page is drawn. Only the template must be set.
type View struct {
	Template string // the name of its template, such as "portal/code"
	ReturnTo string // the address of the page, where it answers a POST; empty: that of the request
	Method   string // the kind of authenticator that it asks for, so that "Why?" explains that kind

	// FormTargets are the origins of apps that its form may lead to; empty strings do not count.
	// Chromium applies the form-action directive to the whole chain of redirects after a POST,
	// and only the app knows where its callback redirects to, so such a page has no form-action.
	FormTargets []string
}

// Story is one page in one state, for the storybook and the golden files.
type Story struct {
	Name   string // for example "code/wrong"
	Status int
	Page   Page
}

// Site is who the person is dealing with: the vendor, or their company where it has a brand of its own; not us.
type Site struct {
	Name, SupportEmail, SupportURL, SupportPhone string

	Vendor string // the vendor's name, where Name is a company's; else empty
	Brand  *Brand // the logo and the colour; nil = ours
}

// Supported reports whether there is any way to reach a human.
func (s Site) Supported() bool { return s.SupportEmail+s.SupportURL+s.SupportPhone != "" }

// Options is what a Web needs.
type Options struct {
	PublicURL      *url.URL // scheme, host and perhaps a path; https, or http://localhost in the demo
	Catalog        *locale.Catalog
	Site           func(context.Context) Site                                      // of a request; CompanyOf says which company it is about
	Logo           func(ctx context.Context, company, hash string) ([]byte, error) // nil bytes: there is none
	Templates      map[string]fs.FS                                                // the pages of each package, in its folder "templates"
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
	Now            func() time.Time
	AnyHost        bool // the storybook and tests only: answers under every host name
	Themed         bool // the storybook only: ?theme=light|dark forces a colour scheme

	LogRequests slog.Level                      // at which each request leaves a line
	Observe     func(context.Context, Answered) // is told of each request after its answer; may be nil
}

// Unlogged is a level that no log takes, for LogRequests.
const Unlogged = slog.Level(-1 << 10)

// Web draws pages for one public origin.
type Web struct {
	Options
	origin      string
	base        string // the path of the public address, without a slash at its end; mostly empty
	secure      bool
	host        string       // of the public origin, as canonicalHost writes it
	misdirected atomic.Int64 // when a foreign host was last logged, in nanoseconds
	assets      *assets
	templates   map[string]*pageSet // by language
	mux         *Mux
	browsers    memory[string]          // by User-Agent
	printers    memory[*locale.Printer] // by Accept-Language
}

// New finds every page in every language, and reads none of them: CheckPages, in the tests, finds the mistakes.
func New(o Options) (*Web, error) {
	w := &Web{Options: o, templates: map[string]*pageSet{}}
	w.origin = o.PublicURL.Scheme + "://" + o.PublicURL.Host
	w.base = strings.TrimSuffix(o.PublicURL.Path, "/")
	w.secure = o.PublicURL.Scheme == "https"
	w.host = canonicalHost(o.PublicURL.Host, o.PublicURL.Scheme)
	if w.Site == nil {
		w.Site = func(context.Context) Site { return Site{} }
	}
	var err error
	if w.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	for _, lang := range o.Catalog.Languages() {
		if w.templates[lang], err = w.pages(o.Catalog.In(lang)); err != nil {
			return nil, fmt.Errorf("find templates: %w", err)
		}
	}
	w.mux = newMux(w)
	return w, nil
}

// Mux returns the one router of this Web, with its own routes (assets, language) on it.
func (w *Web) Mux() *Mux { return w.mux }

// PublicAddress is where people reach us, for example "https://sign-in.example.com" or
// "https://example.com/sign-in".
func (w *Web) PublicAddress() string { return w.origin + w.base }

// Suggest speaks the language that an app asks for, on this page and on those that follow
// within life. What the person chose here goes first, and an app that asks for none takes
// back what an earlier one asked for.
func (w *Web) Suggest(rw http.ResponseWriter, r *http.Request, uiLocales string, life time.Duration) *http.Request {
	lang, ok := w.Catalog.Wished(uiLocales)
	switch {
	case ok:
		w.SetCookie(rw, "app-lang", lang, life)
	case w.Cookie(r, "app-lang") == "":
		return r
	default:
		w.ClearCookie(rw, "app-lang")
	}
	if w.Catalog.Speaks(w.Cookie(r, "lang")) {
		return r
	}
	v := From(r.Context())
	if v.Lang = lang; !ok {
		v.Lang = w.browserPrinter(r).Lang()
	}
	return r.WithContext(With(r.Context(), v))
}

// Printer speaks the language of the request's person: the one chosen here, the one that
// the app asked for, or the browser's.
func (w *Web) Printer(r *http.Request) *locale.Printer {
	if known := From(r.Context()).Lang; w.Catalog.Speaks(known) {
		return w.Catalog.In(known)
	}
	for _, name := range []string{"lang", "app-lang"} {
		if chosen := w.Cookie(r, name); w.Catalog.Speaks(chosen) {
			return w.Catalog.In(chosen)
		}
	}
	return w.browserPrinter(r)
}

// browserPrinter speaks the language that the browser asks for.
func (w *Web) browserPrinter(r *http.Request) *locale.Printer {
	return w.printers.of(r.Header.Get("Accept-Language"),
		func(wish string) *locale.Printer { return w.Catalog.For(wish, "") })
}
