// Package demo shows the whole product on one machine: five seeded companies, a mail
// server with an inbox, a telephone with text messages and an authenticator app, and two
// sample apps that are ordinary OpenID Connect clients. It listens on this machine only, and it
// refuses to hold a rule of the product: whatever it changes, it changes through the functions that
// the command line uses.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"countersign/internal/app"
	"countersign/internal/config"
	"countersign/internal/locale"
	"countersign/internal/secret"
)

// Options say where the demo listens and what it keeps.
type Options struct {
	Port int              // of the demo page; sign-in and apps take the next three. 0 or taken: any free one
	Dir  string           // where the data stays; empty: a temporary directory, removed at the end
	Log  *slog.Logger     // nil: silent
	Now  func() time.Time // nil: the clock
}

// Demo is a demo that is ready to serve.
type Demo struct {
	URL    string // the one address that people need
	Issuer string // for OpenID Connect clients

	at      addresses
	house   *app.App
	clock   *clock
	print   *locale.Printer
	hall    *site
	pages   *pages
	mail    *mailServer
	gateway *gateway
	mobile  *mobile
	servers []server
	closers []func() error
}

// addresses are the origins, without a slash at the end.
type addresses struct{ Demo, SignIn, Dashboard, Phone string }

// server is one listener and what answers on it.
type server struct {
	listener net.Listener
	handler  http.Handler
}

// New opens every listener, starts an empty installation and fills it. Serve must follow;
// an error leaves nothing open.
func New(ctx context.Context, o Options) (*Demo, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Demo{clock: &clock{real: o.Now}}
	if err := d.build(ctx, o); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *Demo) build(ctx context.Context, o Options) error {
	dir, err := d.directory(o.Dir)
	if err != nil {
		return err
	}
	if d.mobile, err = newMobile(dir); err != nil {
		return fmt.Errorf("telephone: %w", err)
	}
	listeners, err := d.listen(ctx, o.Port, o.Now)
	if err != nil {
		return err
	}
	if d.house, err = app.New(ctx, d.configuration(dir), o.Log, d.clock.now); err != nil {
		return fmt.Errorf("start the installation: %w", err)
	}
	d.closers = append(d.closers, d.house.Close)
	keys, err := d.seed(ctx)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if d.pages, err = parsePages(); err != nil {
		return err
	}
	catalog, err := locale.New()
	if err != nil {
		return err
	}
	d.print = catalog.In(locale.Default)
	d.serveOn(listeners, keys)
	return nil
}

// directory makes the place for the data.
func (d *Demo) directory(keep string) (string, error) {
	if keep != "" {
		return keep, os.MkdirAll(keep, 0o700)
	}
	dir, err := os.MkdirTemp("", "countersign-demo-")
	d.closers = append(d.closers, func() error { return os.RemoveAll(dir) })
	return dir, err
}

// listen opens the four web listeners and the mail server's, all on this machine only.
func (d *Demo) listen(ctx context.Context, port int, now func() time.Time) (out [4]net.Listener, err error) {
	for i := range out {
		if out[i], err = listenNear(ctx, port, i); err != nil {
			return out, fmt.Errorf("listen: %w", err)
		}
		d.closers = append(d.closers, closeQuietly(out[i]))
	}
	d.at = addresses{
		Demo:      origin(out[0]),
		SignIn:    origin(out[1]),
		Dashboard: origin(out[2]),
		Phone:     origin(out[3]),
	}
	d.URL, d.Issuer = d.at.Demo+"/", d.at.SignIn
	if d.mail, err = newMailServer(ctx, now); err != nil {
		return out, fmt.Errorf("mail server: %w", err)
	}
	d.closers = append(d.closers, closeQuietly(d.mail.listener))
	if d.gateway, err = newGateway(ctx, now); err != nil {
		return out, fmt.Errorf("gateway: %w", err)
	}
	d.closers = append(d.closers, closeQuietly(d.gateway.listener))
	return out, nil
}

// listenNear takes port+offset, or any free port when that one is taken.
func listenNear(ctx context.Context, port, offset int) (net.Listener, error) {
	var lc net.ListenConfig
	if port != 0 {
		if l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port+offset)); err == nil {
			return l, nil
		}
	}
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

// closeQuietly closes what its server may have closed already.
func closeQuietly(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

func origin(l net.Listener) string {
	return fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// configuration is that of a real installation, but for plain HTTP and plain SMTP, which
// never leave this machine.
func (d *Demo) configuration(dir string) config.Config {
	c := config.Default()
	c.PublicURL = d.at.SignIn
	c.KeyFile = filepath.Join(dir, "countersign.key")
	c.Database.URL = secret.Text("sqlite:" + filepath.Join(dir, "countersign.db"))
	c.SMTP.Host, c.SMTP.Port, c.SMTP.TLS = "localhost", d.mail.port(), "none"
	c.SMTP.From = vendorName + " <sign-in@harbor.example>"
	c.SMS.Transport, c.SMS.Countries = config.SMSHTTP, []string{"GB", "DE", "ES", "US"}
	c.SMS.HTTP.URL, c.SMS.HTTP.Account, c.SMS.HTTP.Token, c.SMS.HTTP.From = d.gateway.url(), gatewayAccount,
		gatewayToken, vendorName
	return c
}

func (d *Demo) serveOn(l [4]net.Listener, keys clientKeys) {
	d.servers = []server{
		{l[0], d.guide()},
		{l[1], d.house.Handler},
		{l[2], newSample(d, dashboard, d.at.Dashboard, keys.dashboard).routes()},
		{l[3], newSample(d, phone, d.at.Phone, keys.phone).routes()},
	}
}

// Serve answers until ctx ends or a part fails, then stops every part and removes the
// data. A Demo serves once.
func (d *Demo) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{d.house.Work, d.mail.serve, d.gateway.serve}
	for _, s := range d.servers {
		parts = append(parts, s.serve)
	}
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() {
			ended <- run(ctx)
			cancel() // a demo with a part missing would only puzzle
		}()
	}
	var all error
	for range parts {
		all = errors.Join(all, <-ended)
	}
	return errors.Join(all, d.close())
}

// stopWithin is short: a browser keeps spare connections open, and nothing here is lost.
const stopWithin = time.Second

func (s server) serve(ctx context.Context) error {
	h := app.Server(s.handler)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if h.Shutdown(late) != nil {
			_ = h.Close()
		}
	}()
	if err := h.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// close undoes what build did, last first.
func (d *Demo) close() error {
	var all error
	for i := len(d.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, d.closers[i]())
	}
	d.closers = nil
	return all
}
