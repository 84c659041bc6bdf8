// Package pagestest lets the tests of people's pages ask handlers over HTTP: real databases, one company with one
// person, and a browser that keeps cookies. It refuses to be imported outside tests.
package pagestest

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/totp"
	"countersign/internal/binding"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/enrollpages"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/incident"
	"countersign/internal/jobs"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/pages"
	"countersign/internal/passwordlink"
	"countersign/internal/profile"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
	"countersign/internal/web"
)

// Origin is where the pages are served.
const Origin = "https://sign-in.test"

// The one person, of the one company.
const (
	Company  = "company"
	Email    = "maria@company.test"
	Password = "correct horse battery staple zebra"
)

// Rig is what the handlers of people's pages need.
type Rig struct {
	*pages.Base
	Binding       *binding.Service
	Profile       *profile.Service
	SetUp         *setup.Service
	Incident      *incident.Service
	PasswordLinks *passwordlink.Service
	Enroll        *enrollpages.Pages

	t *testing.T
}

// Each runs fn once per database. templates are those of the package under test.
func Each(t *testing.T, mode tenant.Mode, templates map[string]fs.FS, fn func(t *testing.T, r *Rig)) {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }
	dbtest.Each(t, now, func(t *testing.T, d *db.DB) {
		r := build(t, d, templates)
		r.people(mode)
		fn(t, r)
	})
}

func build(t *testing.T, d *db.DB, templates map[string]fs.FS) *Rig {
	t.Helper()
	keys := secret.NewKeys(d.Now())
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	queue, limits := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, config.Default().Limits
	notifier := &notify.Notifier{Queue: queue, Limits: limits}
	apps, codes := totp.Verifier{Keys: keys}, lookup.Verifier{Hash: pool.HashCode, Match: pool.MatchCode}
	r := &Rig{t: t, Base: &pages.Base{DB: d, Keys: keys, Place: func(netip.Addr, string) string { return "Valencia" }}}
	r.Gate = &gate.Gate{
		DB:       d,
		Limits:   limits,
		Bindable: []authenticator.Kind{authenticator.TOTP, authenticator.Backup},
		Seen:     gate.NewSeen(),
	}
	r.FirstStep = &firststep.Service{
		DB:        d,
		Keys:      keys,
		Queue:     queue,
		Notifier:  notifier,
		Passwords: pool,
		Limits:    limits,
		Origin:    Origin,
	}
	r.SignIn = &signin.Service{
		DB:        d,
		FirstStep: r.FirstStep,
		Keys:      keys,
		Notifier:  notifier,
		Passwords: pool,
		Limits:    limits,
		Origin:    Origin,
		Gate:      r.Gate,
		Email: outofband.Verifier{
			Channel: authenticator.Email,
			Keys:    keys,
			Queue:   queue,
			Digits:  limits.CodeLength,
			Origin:  Origin,
		},
		Others: map[authenticator.Kind]authenticator.Verifier{authenticator.TOTP: apps, authenticator.Backup: codes},
	}
	r.Binding = &binding.Service{
		DB:       d,
		Gate:     r.Gate,
		SignIn:   r.SignIn,
		Keys:     keys,
		Notifier: notifier,
		Limits:   limits,
		Origin:   Origin,
		Binders:  map[authenticator.Kind]authenticator.Binder{authenticator.TOTP: apps, authenticator.Backup: codes},
	}
	r.addMailed(queue, notifier, limits)
	r.SetUp = &setup.Service{DB: d, Passwords: pool}
	r.Web = newWeb(t, d, templates)
	r.Enroll = &enrollpages.Pages{Base: r.Base, Binding: r.Binding}
	return r
}

// addMailed adds the journeys that mails begin or tell of.
func (r *Rig) addMailed(queue *message.Queue, notifier *notify.Notifier, limits config.Limits) {
	r.PasswordLinks = &passwordlink.Service{
		DB:        r.DB,
		Keys:      r.Keys,
		Queue:     queue,
		Notifier:  notifier,
		Passwords: r.SignIn.Passwords,
		Limits:    limits,
		Origin:    Origin,
	}
	r.Incident = &incident.Service{DB: r.DB, Keys: r.Keys, Notifier: notifier}
	r.Profile = &profile.Service{
		DB:        r.DB,
		Keys:      r.Keys,
		Queue:     queue,
		Notifier:  notifier,
		Passwords: r.SignIn.Passwords,
		Limits:    limits,
		Origin:    Origin,
	}
}

func newWeb(t *testing.T, d *db.DB, templates map[string]fs.FS) *web.Web {
	t.Helper()
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(Origin)
	if err != nil {
		t.Fatal(err)
	}
	w, err := web.New(web.Options{
		PublicURL: u,
		Catalog:   catalog,
		Templates: templates,
		Log:       slog.New(slog.DiscardHandler),
		Now:       d.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// people makes the company and its person.
func (r *Rig) people(mode tenant.Mode) {
	r.t.Helper()
	stored, err := r.SignIn.Passwords.Hash(r.t.Context(), Password)
	if err != nil {
		r.t.Fatal(err)
	}
	r.In(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		if _, err := tenant.Create(ctx, tx, Company, "Company", tenant.Company); err != nil {
			return err
		}
		if err := tenant.SetMandate(ctx, tx.ForTenant(Company), tenant.Mandate{Mode: mode}); err != nil {
			return err
		}
		_, err := setup.Add(ctx, tx.ForTenant(Company), setup.Person{
			Email:    Email,
			Name:     "Maria",
			Role:     user.Agent,
			Language: "en",
			Password: &stored,
			By:       "test",
		})
		return err
	})
}

// In runs fn in a transaction of a company.
func (r *Rig) In(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.DB.InTx(ctx, tenantID, func(tx *db.Tx) error { return fn(ctx, tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// Says is a sentence without values as a page shows it.
func (r *Rig) Says(key string) string {
	r.t.Helper()
	printer := r.Web.Catalog.In("en")
	if !printer.Has(key) {
		r.t.Fatalf("no sentence %q", key)
	}
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
	return unbroken.ReplaceAllString(escaped.Replace(printer.T(key)), "$1\u2011$2")
}

// unbroken finds hyphens inside words, which pages do not break lines at.
var unbroken = regexp.MustCompile(`(\w)-(\w)`)

// Browser keeps cookies from one request to the next.
type Browser struct {
	Cookies map[string]string
	rig     *Rig
}

// NewBrowser has visited nothing yet.
func (r *Rig) NewBrowser() *Browser { return &Browser{Cookies: map[string]string{}, rig: r} }

// Get asks for a page.
func (b *Browser) Get(path string) *httptest.ResponseRecorder {
	return b.send(httptest.NewRequest(http.MethodGet, Origin+path, nil))
}

// Post sends a form, as our own pages send it. fields are names and values in turns.
func (b *Browser) Post(path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, Origin+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

func (b *Browser) send(r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Accept-Language", "en")
	for name, value := range b.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // a request's cookie has no attributes
	}
	rec := httptest.NewRecorder()
	b.rig.Web.Mux().ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() { //nolint:bodyclose // a recorder's
		if c.MaxAge < 0 {
			delete(b.Cookies, c.Name)
			continue
		}
		b.Cookies[c.Name] = c.Value
	}
	return rec
}
