package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// layout is the template that every page is drawn by.
const layout = "layout"

// view is what the layout draws: the page and what surrounds every page.
type view struct {
	Page  Page
	Site  Site
	Lang  string
	Here  string // where the language switch comes back to
	Theme string
	Why   string // where the reasons for a second step stand
}

// Logo reports whether the vendor's own logo is drawn.
func (v view) Logo() bool { return v.Site.Brand != nil && v.Site.Brand.LogoURL != "" }

// Named reports whether the vendor's name stands beside the logo: not where the logo is wide
// enough to hold it.
func (v view) Named() bool { return !v.Logo() || !v.Site.Brand.Wordmark() }

// Style is the address of the vendor's colours; empty for ours.
func (v view) Style() string {
	if v.Site.Brand == nil {
		return ""
	}
	return v.Site.Brand.StyleURL
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Draw writes p with the status, or nothing at all if its template fails.
func (w *Web) Draw(rw http.ResponseWriter, r *http.Request, status int, p Page) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	v := w.view(r, p)
	t, err := w.templates[v.Lang].named(p.Template())
	if err != nil {
		return err
	}
	if err := t.ExecuteTemplate(b, layout, v); err != nil {
		return fmt.Errorf("draw %s: %w", p.Template(), err)
	}
	if leadsAway(p) {
		rw.Header().Set("Content-Security-Policy", leavingPolicy)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, err = rw.Write(w.outsidePage(b.Bytes()))
	return err
}

// leadsAway reports whether a form of the page may lead to an app.
func leadsAway(p Page) bool {
	f, ok := p.(redirecter)
	return ok && slices.ContainsFunc(f.FormAction(), func(origin string) bool { return origin != "" })
}

func (w *Web) view(r *http.Request, p Page) view {
	v := view{Page: p, Site: w.Site(r.Context()), Lang: w.Printer(r).Lang()}
	if v.Site.Name == "" {
		v.Site.Name = "Countersign"
	}
	v.Here, v.Why = w.here(r, p), whyOf(p)
	if w.Themed {
		v.Theme = theme(r.URL)
	}
	return v
}

func (w *Web) here(r *http.Request, p Page) string {
	if h, ok := p.(returnable); ok && h.Here() != "" {
		return h.Here()
	}
	return w.mux.local(r.URL.RequestURI())
}

func whyOf(p Page) string {
	if e, ok := p.(explained); ok && e.Method() != "" {
		return "/why?method=" + url.QueryEscape(e.Method())
	}
	return "/why"
}

func theme(u *url.URL) string {
	if t := u.Query().Get("theme"); t == "light" || t == "dark" {
		return t
	}
	return ""
}

// JSON writes v as application/json.
func (w *Web) JSON(rw http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, err = rw.Write(b)
	return err
}

// Redirect answers 303, which turns a POST into a GET and forgets the form (RFC 9700 4.12).
func (w *Web) Redirect(rw http.ResponseWriter, to string) error {
	rw.Header().Set("Location", w.Outside(to))
	rw.WriteHeader(http.StatusSeeOther)
	return nil
}

// pageSet is every template in one language.
type pageSet struct{ byName map[string]*lazyTemplate }

func (s *pageSet) named(name string) (*template.Template, error) {
	if l, ok := s.byName[name]; ok {
		return l.prepared()
	}
	return nil, fmt.Errorf("no template %q", name)
}
