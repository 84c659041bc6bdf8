package demo

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

//go:embed templates assets
var files embed.FS

// pages are the demo's own templates; Countersign's pages are drawn by Countersign.
type pages struct{ byName map[string]*template.Template }

func parsePages() (*pages, error) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		t, err := template.New("layout.html").Option("missingkey=error").ParseFS(files, "templates/layout.html",
			"templates/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		p.byName[name] = t
	}
	return p, nil
}

// handler may fail; the failure is shown once, in one way.
type handler func(http.ResponseWriter, *http.Request) error

// problem is a failure with a sentence for anyone who tries the demo.
type problem struct {
	status int
	words  string
}

func (p *problem) Error() string { return p.words }

// site is one origin of the demo: its routes, its headers, and who may reach it.
type site struct {
	mux    *http.ServeMux
	pages  *pages
	origin string
	policy string
	log    *slog.Logger
}

// newSite allows forms to lead to extra origins, because a browser applies form-action to
// the redirects that follow, too.
func newSite(d *Demo, origin string, formsTo ...string) *site {
	s := &site{
		mux:    http.NewServeMux(),
		pages:  d.pages,
		origin: origin,
		log:    d.house.Log,
	}
	s.policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self' " +
		strings.Join(formsTo, " ") + "; base-uri 'none'; frame-ancestors 'none'"
	s.mux.Handle("GET /assets/", http.FileServerFS(files))
	return s
}

func (s *site) handle(pattern string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := &problem{http.StatusInternalServerError, "Something in the demo went wrong. Its log says what."}
	if !errors.As(err, &p) {
		s.log.ErrorContext(r.Context(), "demo request failed", "route", r.Pattern, "err", err)
	}
	if s.draw(w, p.status, "problem", p.words) != nil {
		http.Error(w, p.words, p.status)
	}
}

// draw writes nothing if the template fails.
func (s *site) draw(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := s.pages.byName[name].ExecuteTemplate(&b, "layout.html", data); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
	return nil
}

// guarded puts the headers on every answer. It refuses other host names, so that no site
// elsewhere can make its own name point here and read along.
func (s *site) guarded() http.Handler {
	inner := http.NewCrossOriginProtection().Handler(s.mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if u, err := url.Parse(s.origin); err != nil || r.Host != u.Host {
			http.Error(w, "The demo answers to "+s.origin+" only.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		inner.ServeHTTP(w, r)
	})
}
