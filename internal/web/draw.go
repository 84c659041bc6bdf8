package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// layout is the template that every page is drawn by.
const layout = "layout"

// layoutData is what the layout draws: the page and what surrounds every page.
type layoutData struct {
	Page  Page
	Site  Site
	Lang  string
	Here  string // the address that the language switch returns to
	Theme string
	Why   string // the address of the page that explains why a second step is asked for
}

// HasLogo reports whether a logo is drawn that is not ours.
func (s Site) HasLogo() bool { return s.Brand != nil && s.Brand.LogoURL != "" }

// Named reports whether the name is written next to the logo. A wide logo contains it.
func (s Site) Named() bool { return !s.HasLogo() || !s.Brand.Wordmark() }

// Style is the address of the vendor's colours; empty for ours.
func (d layoutData) Style() string {
	if d.Site.Brand == nil {
		return ""
	}
	return d.Site.Brand.StyleURL
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Draw writes p with the status, or nothing at all if its template fails.
func (w *Web) Draw(rw http.ResponseWriter, r *http.Request, status int, p Page) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	v := p.View()
	data := w.layoutData(r, p, v)
	t, err := w.templates[data.Lang].named(v.Template)
	if err != nil {
		return err
	}
	if err := t.ExecuteTemplate(b, layout, data); err != nil {
		return fmt.Errorf("draw %s: %w", v.Template, err)
	}
	if v.leadsToApp() {
		rw.Header().Set("Content-Security-Policy", leavingPolicy)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, err = rw.Write(w.outsidePage(b.Bytes()))
	return err
}

// leadsToApp reports whether a form of the page may lead to an app.
func (v View) leadsToApp() bool {
	return slices.ContainsFunc(v.FormTargets, func(origin string) bool { return origin != "" })
}

func (w *Web) layoutData(r *http.Request, p Page, v View) layoutData {
	d := layoutData{
		Page: p,
		Site: w.Site(r.Context()),
		Lang: w.Printer(r).Lang(),
		Here: v.ReturnTo,
		Why:  whyURL(v.Method),
	}
	if d.Here == "" {
		d.Here = w.mux.local(r.URL.RequestURI())
	}
	if d.Site.Name == "" {
		d.Site.Name = "Countersign"
	}
	if w.Themed {
		d.Theme = theme(r.URL)
	}
	return d
}

// whyURL is the address of the reasons for a second step, of one kind of authenticator or of any.
func whyURL(method string) string {
	if method != "" {
		return "/why?method=" + url.QueryEscape(method)
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
