// Package app wires the house. It is the only package that imports every other one, and
// it holds no rule of its own.
package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"countersign/internal/account"
	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/console"
	"countersign/internal/desk"
	"countersign/internal/enrollpages"
	"countersign/internal/geo"
	"countersign/internal/help"
	"countersign/internal/keyring"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/oidc"
	"countersign/internal/pages"
	"countersign/internal/portal"
	"countersign/internal/web"
)

// App is the whole program, ready to serve.
type App struct {
	*Core
	Handler http.Handler
	Routes  []web.Route
	Build   string // version, revision and Go, apart by spaces; set before Serve
	watcher
	texting

	sealer  *audit.Sealer
	courier *message.Courier
	places  *geo.Places
	bounces *email.Bounces
	site    *siteCache
	brands  *brandCache
	ring    *keyring.Keyring
	unfit   atomic.Pointer[error] // why no request should come here, as of the last look
}

// New opens the house and wires every face. The caller runs Work beside the listener.
func New(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (*App, error) {
	house, err := start(ctx, c, log, now)
	if err != nil {
		return nil, err
	}
	a := &App{Core: house, site: &siteCache{db: house.DB}, brands: &brandCache{db: house.DB}}
	if err := a.buildInterfaces(ctx); err != nil {
		return nil, errors.Join(err, house.Close())
	}
	return a, nil
}

func (a *App) buildInterfaces(ctx context.Context) error {
	a.watch()
	catalog, err := locale.New()
	if err != nil {
		return fmt.Errorf("catalogues: %w", err)
	}
	if a.SetUpToken, err = a.SetUp.Begin(ctx); err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	if a.places, err = geo.Open(a.Config.Geo.Database, a.Log); err != nil {
		return fmt.Errorf("geo database: %w", err)
	}
	a.sealer = &audit.Sealer{DB: a.DB, Keys: a.Keys}
	if err := a.wireMail(catalog); err != nil {
		return err
	}
	if err := a.wireSMS(catalog); err != nil {
		return err
	}
	if err := a.wirePush(catalog); err != nil {
		return err
	}
	return a.wireFaces(ctx, catalog)
}

func (a *App) wireMail(catalog *locale.Catalog) error {
	s := a.Config.SMTP
	sender, err := Sender(s, catalog, a.mailLook, a.DB.Now, a.Log)
	if err != nil {
		return err
	}
	a.courier = &message.Courier{
		DB:      a.DB,
		Keys:    a.Keys,
		Senders: map[string]message.Sender{"email": counted{sender, a, "email"}},
		Log:     a.Log,
	}
	if s.Bounces.Listen != "" {
		a.bounces = &email.Bounces{
			Domain: s.Bounces.Domain,
			Log:    a.Log,
			Record: a.courier.Returned,
			Known: func(to string) error {
				_, err := message.ReturnedID(a.Keys, to)
				return err
			},
		}
	}
	return nil
}

// Sender is what hands mail to the configured server. look may be nil.
func Sender(
	s config.SMTP, catalog *locale.Catalog, look func(ctx context.Context, company string) email.Look,
	now func() time.Time, log *slog.Logger,
) (*email.Sender, error) {
	roots, err := authorities("smtp.ca_file", s.CAFile)
	if err != nil {
		return nil, err
	}
	signs, err := dkim(s.DKIM)
	if err != nil {
		return nil, err
	}
	sender, err := email.New(email.Options{
		Host:         s.Host,
		Port:         s.Port,
		Username:     s.Username,
		Password:     s.Password,
		From:         s.From,
		TLS:          s.TLS,
		RootCAs:      roots,
		Timeout:      s.Timeout,
		BounceDomain: s.Bounces.Domain,
		DKIM:         signs,
		Catalog:      catalog,
		Look:         look,
		Now:          now,
		Log:          log,
	})
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return sender, nil
}

// dkim reads the key that signs mails; nil means that none does.
func dkim(c config.DKIM) (*email.DKIM, error) {
	if c.KeyFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("smtp.dkim.key_file: %w", err)
	}
	d, err := email.ReadDKIM(c.Domain, c.Selector, text)
	if err != nil {
		return nil, fmt.Errorf("smtp.dkim.key_file %s cannot be used: %w", c.KeyFile, err)
	}
	return d, nil
}

// authorities reads certificate authorities named by a key of the configuration; nil means
// the system's.
func authorities(key, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s holds no certificate", key, file)
	}
	return pool, nil
}

func (a *App) wireFaces(ctx context.Context, catalog *locale.Catalog) error {
	public, err := url.Parse(a.Config.PublicURL)
	if err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	proxies, err := prefixes(a.Config.TrustedProxies)
	if err != nil {
		return err
	}
	if public.Scheme == "https" && a.Config.TLS.CertFile == "" && len(proxies) == 0 {
		a.Log.Warn("no trusted_proxies: everyone behind the proxy will look like one address, and share its limits")
	}
	faces, err := web.New(web.Options{
		PublicURL:      public,
		Templates:      pageTemplates(),
		Catalog:        catalog,
		Site:           a.siteFor,
		Logo:           a.companyLogo,
		TrustedProxies: proxies,
		Log:            a.Log,
		Now:            a.DB.Now,
		LogRequests:    a.logRequests(),
		Observe:        a.observe,
	})
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	ring := &keyring.Keyring{DB: a.DB, Keys: a.Keys}
	a.ring = ring
	if err := ring.Ensure(ctx, keyring.ES256); err != nil { // RSA keys take longer: keys.rsa makes them
		return fmt.Errorf("signing keys: %w", err)
	}
	mux := faces.Mux()
	a.mountPeople(faces, catalog)
	(&oidc.Provider{
		DB:     a.DB,
		Keys:   a.Keys,
		Ring:   ring,
		Web:    faces,
		Gate:   a.Gate,
		Limits: a.Config.Limits,
	}).Mount(mux)
	mux.Machine(http.MethodGet, "/healthz", a.health)
	mux.AnyHost("/healthz")
	a.mountSMS(mux)
	a.mountPush(mux)
	a.Handler, a.Routes = a.traced(mux, proxies), mux.Routes()
	a.metrics.Routes(patterns(a.Routes))
	return nil
}

// pageTemplates are the pages of every package that draws some.
func pageTemplates() map[string]fs.FS {
	return map[string]fs.FS{
		"account":     account.Templates,
		"console":     console.Templates,
		"desk":        desk.Templates,
		"enrollpages": enrollpages.Templates,
		"help":        help.Templates,
		"oidc":        oidc.Templates,
		"pages":       pages.Templates,
		"portal":      portal.Templates,
	}
}

// mountPeople adds the pages for people: to sign in, and of their own account.
func (a *App) mountPeople(w *web.Web, catalog *locale.Catalog) {
	base := &pages.Base{
		Web:       w,
		DB:        a.DB,
		Keys:      a.Keys,
		Gate:      a.Gate,
		FirstStep: a.FirstStep,
		SignIn:    a.SignIn,
		Place:     a.placeName(catalog),
	}
	enroll := &enrollpages.Pages{
		Base:    base,
		Binding: a.Binding,
		Phones:  a.Config.SMS.Countries,
		Push:    a.Push,
	}
	(&portal.Portal{
		Base:          base,
		SetUp:         a.SetUp,
		Binding:       a.Binding,
		Incident:      a.Incident,
		PasswordLinks: a.PasswordLinks,
		Enroll:        enroll,
	}).Mount(w.Mux())
	(&account.Account{
		Base:    base,
		Profile: a.Profile,
		Binding: a.Binding,
		Enroll:  enroll,
		Push:    a.Push,
	}).Mount(w.Mux())
	a.Company.Places = a.places
	a.SignIn.Places = a.places
	(&help.Help{Web: w}).Mount(w.Mux())
	(&console.Console{
		Base:    base,
		People:  a.People,
		Company: a.Company,
		Rollout: a.Rollout,
	}).Mount(w.Mux())
	(&desk.Desk{
		Base:    base,
		People:  a.People,
		Company: a.Company,
		Apps:    a.Apps,
	}).Mount(w.Mux())
}

func prefixes(cidrs []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range cidrs {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

// placeName names where an address is, approximately, in a language.
func (a *App) placeName(catalog *locale.Catalog) func(netip.Addr, string) string {
	return func(ip netip.Addr, lang string) string {
		switch p := a.places.Place(ip, lang); p {
		case geo.Local:
			return catalog.In(lang).T("place.local")
		default:
			return p
		}
	}
}

// health says that the program runs, that its database answers and that nothing spoke
// against it at the last look, and nothing else.
func (a *App) health(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if a.DB.Ping(ctx) != nil || a.unfit.Load() != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	_, err := w.Write([]byte("ok\n"))
	return err
}

// How many pushes leave at once, and how many of them for one company.
const (
	pushesAtOnce = 32
	ofOneCompany = 8
)

// Close closes what New opened.
func (a *App) Close() error { return errors.Join(a.places.Close(), a.Core.Close()) }

// siteWithin is how long one request asks on behalf of all.
const siteWithin = 2 * time.Second
