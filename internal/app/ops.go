package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/ops"
	"countersign/internal/trace"
	"countersign/internal/web"
)

// Ages from which work that waits is a sign that no one does it.
const (
	sealedWithin = time.Minute
	jobsWithin   = time.Minute
)

// profileTimeout is the patience of the listener for operations: a profile of a minute.
const profileTimeout = 75 * time.Second

// watcher is what counts and traces, beside everything else.
type watcher struct {
	metrics *ops.Metrics
	ready   *ops.Readiness
	tracer  *trace.Tracer // nil: nothing is traced
}

// watch begins to count. Call it before the faces are wired.
func (a *App) watch() {
	a.metrics = ops.NewMetrics()
	a.ready = ops.NewReadiness(a.Log, a.DB.Now, a.readiness()...)
	a.tracer = a.newTracer()
	a.DB.Watch = db.Watch{OnEvent: a.metrics.CountEvent, OnUnit: a.metrics.ObserveUnit}
	if a.tracer != nil {
		a.DB.Watch.Span = a.databaseSpan
	}
	a.Passwords.Observe = func(ctx context.Context, waited, took time.Duration) {
		a.metrics.Hashed(waited, took)
		if a.tracer != nil {
			trace.From(ctx).Past("argon2id", waited+took)
		}
	}
}

// readiness is every question that /readyz answers. What can be wrong at every replica at
// once, without keeping anyone from signing in, is advisory.
func (a *App) readiness() []ops.Check {
	checks := []ops.Check{{Name: "database", Run: a.DB.Writable}}
	for _, c := range a.Checks() {
		checks = append(checks, ops.Check{Name: c.Name, Run: c.Run})
	}
	return append(checks,
		ops.Check{Name: "audit", Advisory: true, Run: func(ctx context.Context) error {
			return a.checkBacklog(ctx, sealedWithin,
				"the oldest audit row that is not linked yet is %s old", audit.Backlog)
		}},
		ops.Check{Name: "jobs", Advisory: true, Run: func(ctx context.Context) error {
			return a.checkBacklog(ctx, jobsWithin, "the oldest job that no one has taken is %s late", jobs.Backlog)
		}})
}

// checkBacklog fails when the oldest entry of a backlog has waited for too long.
func (a *App) checkBacklog(ctx context.Context, most time.Duration, words string,
	backlog func(context.Context, *db.Tx) (int, time.Time, error)) error {
	return a.DB.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		_, since, err := backlog(ctx, tx)
		if waits := tx.Now.Sub(since); err == nil && !since.IsZero() && waits > most {
			err = fmt.Errorf(words, waits.Round(time.Second))
		}
		return err
	})
}

func (a *App) logRequests() slog.Level {
	switch a.Config.LogRequests {
	case "info":
		return slog.LevelInfo
	case "off":
		return web.Unlogged
	}
	return slog.LevelDebug
}

// observe is told of each request when it is over.
func (a *App) observe(ctx context.Context, r web.Answered) {
	a.metrics.Request(r.Method, r.Route, r.Status, r.Took)
	if a.tracer == nil {
		return
	}
	if span := trace.From(ctx); span != nil {
		span.Name(ops.Method(r.Method) + " " + r.Route)
		span.Text("http.request.method", ops.Method(r.Method))
		span.Text("http.route", r.Route)
		span.Number("http.response.status_code", int64(r.Status))
		span.Text("countersign.request_id", web.From(ctx).RequestID)
	}
}

// patterns are what a request's Pattern may be.
func patterns(routes []web.Route) []string {
	out := []string{"GET /assets/{hash}/{name}", "GET /assets/{company}/{hash}/{name}"}
	for _, r := range routes {
		if strings.HasSuffix(r.Pattern, "/") {
			r.Pattern += "{$}"
		}
		out = append(out, r.Pattern)
	}
	return out
}

// counted is a Sender whose attempts are counted and traced.
type counted struct {
	message.Sender
	app     *App
	channel string
}

// Send hands the message on.
func (c counted) Send(ctx context.Context, e message.Envelope) (string, error) {
	began := time.Now()
	span := c.app.tracer.Root("message send", trace.Client, trace.Parent{}, false)
	span.Text("countersign.channel", c.channel)
	host, err := c.Sender.Send(ctx, e)
	span.End(err)
	c.app.metrics.Sent(c.channel, time.Since(began), err != nil)
	return host, err
}

func (a *App) newTracer() *trace.Tracer {
	t := a.Config.Tracing
	if t.Endpoint == "" {
		return nil
	}
	return trace.New(trace.Options{
		Service:     t.Service,
		SampleRatio: t.SampleRatio,
		Now:         time.Now,
		Log:         a.Log,
		Send:        collector(t),
	})
}

// collector sends OTLP over HTTP, and follows no one elsewhere: a token goes with it.
func collector(t config.Tracing) func(context.Context, []byte) error {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, otlp []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Endpoint, bytes.NewReader(otlp))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		if t.Token != "" {
			req.Header.Set("Authorization", "Bearer "+t.Token.Reveal())
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode/100 != 2 {
			return fmt.Errorf("the collector answers %d", res.StatusCode)
		}
		return nil
	}
}

// databaseSpan is one span for each unit of work, none for each statement.
func (a *App) databaseSpan(ctx context.Context, write bool) func(error) {
	parent := trace.From(ctx)
	if parent == nil {
		return nil
	}
	name := "database read"
	if write {
		name = "database write"
	}
	span := parent.Child(name, trace.Client)
	span.Text("db.system.name", map[db.Dialect]string{db.SQLite: "sqlite", db.Postgres: "postgresql"}[a.DB.Dialect])
	return span.End
}

// traced begins a span for each request that is to be traced. Only a proxy of ours decides
// which; a stranger's trace goes on, recorded or not as chance has it.
func (a *App) traced(next http.Handler, proxies []netip.Prefix) http.Handler {
	if a.tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		span := a.tracer.Root("request", trace.Server, trace.ReadParent(r.Header.Get("Traceparent")), ours(r, proxies))
		if span == nil {
			next.ServeHTTP(w, r)
			return
		}
		defer span.End(nil)
		next.ServeHTTP(w, r.WithContext(trace.Into(r.Context(), span)))
	})
}

func ours(r *http.Request, proxies []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(proxies,
		func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// listenForOps opens the listener for operations, if there is to be one, and returns what closes
// it at the very end.
func (a *App) listenForOps(ctx context.Context) (stop func(), err error) {
	o := a.Config.Ops
	version, rest, _ := strings.Cut(a.Build, " ")
	revision, goVersion, _ := strings.Cut(rest, " ")
	if a.tracer != nil {
		a.tracer.Version = version
	}
	a.metrics.Look(ops.Sources{
		DB:        a.DB,
		Passwords: a.Passwords,
		Ready:     a.ready,
		Tracer:    a.tracer,
		Version:   version,
		Revision:  revision,
		GoVersion: goVersion,
	})
	if o.Listen == "" {
		return func() {}, nil
	}
	l, err := listen(ctx, o.Listen)
	if err != nil {
		return nil, fmt.Errorf("ops.listen: %w", err)
	}
	server := Server(a.operations(l.Addr().(*net.TCPAddr).IP.IsLoopback()).Handler())
	server.WriteTimeout = profileTimeout
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error("the listener for operations has ended", "error", err)
		}
	}()
	return func() { _ = server.Close() }, nil
}

// operations is what the listener serves. Profiles cost time, so the network gets none
// without a token, whatever else it may ask.
func (a *App) operations(local bool) *ops.Ops {
	o := a.Config.Ops
	return &ops.Ops{
		Ready:    a.ready,
		Metrics:  a.metrics,
		Token:    o.Token,
		Profiles: local || o.Token != "",
	}
}

// drain says no at /readyz, and goes on answering for as long as load balancers are given
// to notice.
func (a *App) drain() {
	a.ready.Drain()
	if a.Config.Ops.Drain > 0 {
		a.Log.Info("draining", "for", a.Config.Ops.Drain.String())
		time.Sleep(a.Config.Ops.Drain)
	}
}
