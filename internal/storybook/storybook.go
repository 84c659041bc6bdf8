// Package storybook serves every page in every state and language, and every mail, with
// canned data; the golden files and the accessibility check read the same. It refuses to
// do anything: nothing here reaches a database, and every form leads nowhere.
package storybook

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/internal/account"
	"countersign/internal/console"
	"countersign/internal/desk"
	"countersign/internal/enrollpages"
	"countersign/internal/fault"
	"countersign/internal/help"
	"countersign/internal/locale"
	"countersign/internal/message/email"
	"countersign/internal/oidc"
	"countersign/internal/pages"
	"countersign/internal/portal"
	"countersign/internal/web"
)

//go:embed index.html
var files embed.FS

// Book is the whole storybook.
type Book struct {
	Stories []web.Story
	Mails   []Letter
	Langs   []string

	web     *web.Web
	catalog *locale.Catalog
	index   *template.Template
}

// Letter is one mail with canned data.
type Letter struct {
	Name    string
	Content email.Content
}

// templates are the pages of every package that draws some.
var templates = map[string]fs.FS{
	"account":     account.Templates,
	"console":     console.Templates,
	"desk":        desk.Templates,
	"enrollpages": enrollpages.Templates,
	"help":        help.Templates,
	"oidc":        oidc.Templates,
	"pages":       pages.Templates,
	"portal":      portal.Templates,
}

// Site is whose pages the storybook pretends to be.
var Site = web.Site{
	Name:         "Harbor",
	SupportEmail: "help@harbor.example",
	SupportPhone: "+34 900 555 010",
	SupportURL:   "https://harbor.example/help",
}

// New draws everything as seen at now, for the origin that it will be served from.
func New(origin string, now time.Time) (*Book, error) {
	catalog, err := locale.New()
	if err != nil {
		return nil, fmt.Errorf("read catalogues: %w", err)
	}
	u, err := url.Parse(origin)
	if err != nil {
		return nil, fmt.Errorf("read origin: %w", err)
	}
	w, err := web.New(web.Options{
		PublicURL: u,
		AnyHost:   true,
		Catalog:   catalog,
		Themed:    true,
		Templates: templates,
		Log:       slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now:       func() time.Time { return now },
		Site:      func(context.Context) web.Site { return Site },
	})
	if err != nil {
		return nil, fmt.Errorf("start pages: %w", err)
	}
	if err := w.CheckPages(); err != nil {
		return nil, fmt.Errorf("check pages: %w", err)
	}
	index, err := template.ParseFS(files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	b := &Book{
		Stories: slices.Concat(portal.Stories(now), enrollpages.Stories(now), account.Stories(now),
			console.Stories(now), desk.Stories(now), help.Stories(), oidc.Stories(), web.Stories()),
		Mails:   letters(now),
		Langs:   catalog.Languages(),
		web:     w,
		catalog: catalog,
		index:   index,
	}
	b.register(w.Mux())
	return b, nil
}

func (b *Book) register(m *web.Mux) {
	m.Get("/", b.list)
	m.Get("/page/{lang}/{name...}", b.page)
	m.Get("/mail/{lang}/{form}/{name}", b.mail)
	m.Get("/signin/delivery", b.delivery)
}

var errNoNews = fault.New(fault.Conflict, "error.not_found")

// delivery has no news for a page that waits for some: it stays as the story has it. A
// sign-in that cannot be found would be left.
func (b *Book) delivery(http.ResponseWriter, *http.Request) error { return errNoNews }

// ServeHTTP serves the index, the pages and the mails.
func (b *Book) ServeHTTP(rw http.ResponseWriter, r *http.Request) { b.web.Mux().ServeHTTP(rw, r) }

func (b *Book) list(rw http.ResponseWriter, _ *http.Request) error {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	return b.index.Execute(rw, b)
}

var errNoStory = fault.New(fault.NotFound, "error.not_found")

func (b *Book) page(rw http.ResponseWriter, r *http.Request) error {
	for _, s := range b.Stories {
		if s.Name == r.PathValue("name") {
			return b.Draw(rw, r, r.PathValue("lang"), s)
		}
	}
	return errNoStory
}

// Draw writes one story in one language, whatever the browser would like.
func (b *Book) Draw(rw http.ResponseWriter, r *http.Request, lang string, s web.Story) error {
	r.Header.Del("Cookie")
	r.Header.Set("Accept-Language", lang)
	v := web.From(r.Context()) // what the chain has made of the browser's own wish
	v.Lang = lang
	return b.web.Draw(rw, r.WithContext(web.With(r.Context(), v)), s.Status, s.Page)
}

func (b *Book) mail(rw http.ResponseWriter, r *http.Request) error {
	for _, l := range b.Mails {
		if l.Name == r.PathValue("name") {
			return b.letter(rw, l, r.PathValue("lang"), r.PathValue("form"))
		}
	}
	return errNoStory
}

func (b *Book) letter(rw http.ResponseWriter, l Letter, lang, form string) error {
	m, err := email.Render(b.catalog.In(lang), email.Look{}, l.Content)
	if err != nil {
		return fmt.Errorf("render %s: %w", l.Name, err)
	}
	if form == "text" {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err = io.WriteString(rw, "Subject: "+m.Subject+"\n\n"+m.Text)
		return err
	}
	// Mail needs inline styles, which no page of ours is allowed.
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = io.WriteString(rw, m.HTML)
	return err
}
