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
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/account"
	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/enrollpages"
	"countersign/internal/geo"
	"countersign/internal/grant"
	"countersign/internal/jobs"
	"countersign/internal/keyring"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/message/push"
	"countersign/internal/message/sms"
	"countersign/internal/oidc"
	"countersign/internal/pages"
	"countersign/internal/portal"
	"countersign/internal/ratelimit"
	"countersign/internal/signin"
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
	ring    *keyring.Keyring
	unfit   atomic.Pointer[error] // why no request should come here, as of the last look
}

// New opens the house and wires every face. The caller runs Work beside the listener.
func New(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (*App, error) {
	house, err := start(ctx, c, log, now)
	if err != nil {
		return nil, err
	}
	a := &App{Core: house, site: &siteCache{db: house.DB}}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, house.Close())
	}
	return a, nil
}

func (a *App) wire(ctx context.Context) error {
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
	a.courier = &message.Courier{DB: a.DB, Keys: a.Keys, Senders: map[string]message.Sender{"email": counted{sender, a, "email"}}, Log: a.Log}
	if s.Bounces.Listen != "" {
		a.bounces = &email.Bounces{Domain: s.Bounces.Domain, Log: a.Log, Record: a.courier.Returned, Known: func(to string) error {
			_, err := message.ReturnedID(a.Keys, to)
			return err
		}}
	}
	return nil
}

// Sender is what hands mail to the configured server. look may be nil.
func Sender(
	s config.SMTP, catalog *locale.Catalog, look func(context.Context) email.Look, now func() time.Time, log *slog.Logger,
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
		Host: s.Host, Port: s.Port, Username: s.Username, Password: s.Password, From: s.From, TLS: s.TLS, RootCAs: roots,
		Timeout: s.Timeout, BounceDomain: s.Bounces.Domain, DKIM: signs, Catalog: catalog, Look: look, Now: now, Log: log,
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
		a.Log.Warn("no trusted_proxies: everybody behind the proxy will look like one address, and share its limits")
	}
	faces, err := web.New(web.Options{PublicURL: public, Templates: pageTemplates(), Catalog: catalog, Site: a.site.site, TrustedProxies: proxies, Log: a.Log, Now: a.DB.Now,
		LogRequests: a.logRequests(), Observe: a.observe})
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
	(&oidc.Provider{DB: a.DB, Keys: a.Keys, Ring: ring, Web: faces, SignIn: a.SignIn, Limits: a.Config.Limits}).Mount(mux)
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
		"enrollpages": enrollpages.Templates,
		"oidc":        oidc.Templates,
		"pages":       pages.Templates,
		"portal":      portal.Templates,
	}
}

// mountPeople adds the pages for people: to sign in, and of their own account.
func (a *App) mountPeople(w *web.Web, catalog *locale.Catalog) {
	base := &pages.Base{Web: w, DB: a.DB, Keys: a.Keys, SignIn: a.SignIn, Place: a.place(catalog)}
	enroll := &enrollpages.Pages{Base: base, Binding: a.Binding, Phones: a.Config.SMS.Countries, Push: a.Push}
	(&portal.Portal{Base: base, SetUp: a.SetUp, Binding: a.Binding, Enroll: enroll}).Mount(w.Mux())
	(&account.Account{Base: base, Profile: a.Profile, Binding: a.Binding, Enroll: enroll, Push: a.Push}).Mount(w.Mux())
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

// place names where an address is, approximately, in a language.
func (a *App) place(catalog *locale.Catalog) func(netip.Addr, string) string {
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

// Work runs what happens beside requests until ctx ends: mails leave, audit rows are
// linked, what is old is swept.
func (a *App) Work(ctx context.Context) error {
	var wg sync.WaitGroup
	runners := append(a.carriers(), a.runner())
	errs := make(chan error, len(runners)+2)
	for _, r := range runners {
		wg.Go(func() { errs <- r.Run(ctx) })
	}
	if a.tracer != nil {
		wg.Go(func() { a.tracer.Run(ctx) })
	}
	wg.Go(func() { a.DB.Listen(ctx, a.heard) })
	wg.Go(func() { a.obeyHangUp(ctx) })
	if a.smpp != nil {
		wg.Go(func() { errs <- a.smpp.Run(ctx) })
	}
	if a.bounces != nil {
		l, err := listen(ctx, a.Config.SMTP.Bounces.Listen)
		if err != nil {
			return fmt.Errorf("smtp.bounces.listen: %w", err)
		}
		wg.Go(func() { errs <- a.bounces.Serve(ctx, l) })
	}
	wg.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	// What was noted in memory must not be lost with a graceful stop.
	return errors.Join(all, a.SignIn.Seen.Flush(context.WithoutCancel(ctx), a.DB))
}

// How many pushes leave at once, and how many of them for one company.
const (
	pushesAtOnce = 32
	ofOneCompany = 8
)

// carriers send what does not go by mail, each with workers of its own: a gateway that hangs
// holds up no mail. Whoever sets a receiver up chooses its push service, so that one company's
// must not hold up another's either (SEC-79).
func (a *App) carriers() (all []*jobs.Runner) {
	for _, way := range message.Ways {
		kind := message.JobOf(way)
		r := &jobs.Runner{DB: a.DB, Queue: a.jobs, Log: a.Log, Kinds: []string{kind}, Handlers: map[string]jobs.Handler{kind: a.courier.Deliver}}
		if way == push.Channel {
			r.Workers, r.EachTenant = pushesAtOnce, ofOneCompany
		}
		all = append(all, r)
	}
	return all
}

func (a *App) runner() *jobs.Runner {
	var others []string
	for _, way := range message.Ways {
		others = append(others, message.JobOf(way))
	}
	return &jobs.Runner{
		DB: a.DB, Queue: a.jobs, Log: a.Log, Leaves: others,
		Handlers: map[string]jobs.Handler{
			message.JobSend:        a.courier.Deliver,
			signin.JobPasswordLink: a.SignIn.SendPasswordLink,
			signin.JobAdmission:    a.SignIn.MailAdmission,
		},
		Periodic: append(a.keep(), []jobs.Periodic{
			{Name: "audit.seal", Every: time.Second, Run: func(ctx context.Context) error { _, err := a.sealer.Seal(ctx); return err }},
			{Name: "fitness", Every: lookEvery, Run: a.look},
			{Name: "session.seen", Every: 30 * time.Second, Run: func(ctx context.Context) error { return a.SignIn.Seen.Flush(ctx, a.DB) }},
			{Name: "sweep.signin", Every: time.Hour, Run: a.SignIn.Sweep},
			{Name: "sweep.grants", Every: time.Hour, Run: func(ctx context.Context) error { _, err := grant.Sweep(ctx, a.DB); return err }},
			{Name: "sweep.budgets", Every: time.Hour, Run: func(ctx context.Context) error { _, err := ratelimit.Sweep(ctx, a.DB); return err }},
			{Name: "sweep.jobs", Every: time.Hour, Run: func(ctx context.Context) error { _, err := jobs.Sweep(ctx, a.DB); return err }},
			{Name: "audit.shorten", Every: time.Hour, Run: func(ctx context.Context) error { _, err := audit.Shorten(ctx, a.DB); return err }},
			{Name: "sms.spending", Every: 5 * time.Second, Run: a.tellSpending},
			{Name: "sweep.spending", Every: time.Hour, Run: func(ctx context.Context) error { _, err := sms.Sweep(ctx, a.DB); return err }},
			{Name: "sweep.messages", Every: time.Hour, Run: func(ctx context.Context) error { _, err := message.Sweep(ctx, a.DB); return err }},
		}...),
	}
}

// Close closes what New opened.
func (a *App) Close() error { return errors.Join(a.places.Close(), a.Core.Close()) }

// siteCache knows the vendor's name and support contact, at most five seconds old unless
// the database is away: then pages, the error page among them, are drawn with what was
// known last, and one request in two seconds waits for it.
type siteCache struct {
	db    *db.DB
	mu    sync.Mutex
	known web.Site
	read  time.Time
	asked time.Time // when somebody last asked the database without an answer yet
	since int       // how often what was known was forgotten
}

// siteWithin is how long one request asks on behalf of all.
const siteWithin = 2 * time.Second

func (c *siteCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read, c.asked = time.Time{}, time.Time{}
	c.since++
}

func (c *siteCache) site(ctx context.Context) web.Site {
	known, since, ask := c.look()
	if !ask {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, siteWithin)
	defer cancel()
	now := c.db.Now()
	fresh, err := siteOf(ctx, c.db)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && since == c.since {
		c.asked = time.Time{}
		c.known, c.read = fresh, now
	}
	return c.known
}

// look returns what is known, and whether the caller is the one to ask again.
func (c *siteCache) look() (known web.Site, since int, ask bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.db.Now()
	recent := func(since time.Time, d time.Duration) bool {
		return !since.IsZero() && now.Sub(since) < d && !now.Before(since)
	}
	if recent(c.read, 5*time.Second) || c.known.Name != "" && recent(c.asked, siteWithin) {
		return c.known, c.since, false
	}
	c.asked = now
	return c.known, c.since, true
}
