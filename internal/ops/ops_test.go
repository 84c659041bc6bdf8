package ops

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/trace"
)

var silent = slog.New(slog.DiscardHandler)

func ask(h http.Handler, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// guard: all but the bare answers need the token
func TestATokenGuardsWhatTellsMore(t *testing.T) {
	const token = "0123456789abcdefghij"
	failing := Check{Name: "database", Run: func(context.Context) error { return errors.New("TELLING") }}
	h := (&Ops{Ready: NewReadiness(silent, time.Now, failing), Metrics: NewMetrics(), Token: token,
		Profiles: true}).Handler()
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1",
		"/debug/pprof/trace"} {
		for _, wrong := range []string{"", "Bearer", "Bearer ", "Bearer " + token[1:], "Basic " + token, token,
			"Bearer " + token + " "} {
			if rec := ask(h, path, wrong); rec.Code != http.StatusUnauthorized ||
				rec.Header().Get("WWW-Authenticate") == "" || rec.Body.Len() > 40 {
				t.Errorf("%s with %q: %d", path, wrong, rec.Code)
			}
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1"} {
		if rec := ask(h, path, "Bearer "+token); rec.Code != 200 || rec.Body.Len() == 0 ||
			rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if rec := ask(h, "/readyz", ""); rec.Code != 503 || strings.TrimSpace(rec.Body.String()) != `{"ready":false}` {
		t.Errorf("/readyz tells a stranger %d %s", rec.Code, rec.Body)
	}
	if rec := ask(h, "/readyz", "Bearer "+token); rec.Code != 503 || !strings.Contains(rec.Body.String(), "TELLING") {
		t.Errorf("/readyz tells its owner %d %s", rec.Code, rec.Body)
	}
	if rec := ask(h, "/healthz", ""); rec.Code != 200 || rec.Body.String() != "ok\n" {
		t.Errorf("/healthz: %d %s", rec.Code, rec.Body)
	}
}

func TestProfiles(t *testing.T) {
	h := (&Ops{Ready: NewReadiness(silent, time.Now), Metrics: NewMetrics(), Profiles: true}).Handler()
	heap := ask(h, "/debug/pprof/heap", "")
	if z, err := gzip.NewReader(heap.Body); err != nil {
		t.Errorf("the heap is no profile: %v", err)
	} else if b, err := io.ReadAll(z); err != nil || len(b) == 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if rec := ask(h, "/debug/pprof/nothing", ""); rec.Code != 404 {
		t.Errorf("an unknown profile: %d", rec.Code)
	}
	if rec := ask((&Ops{Ready: NewReadiness(silent, time.Now), Metrics: NewMetrics()}).Handler(), "/debug/pprof/heap",
		""); rec.Code != 404 {
		t.Errorf("profiles that no one wanted: %d", rec.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/readyz", nil)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", rec.Code)
	}
}

func read(t *testing.T, h http.Handler) (int, Report) {
	t.Helper()
	rec := ask(h, "/readyz", "")
	var r Report
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return rec.Code, r
}

func TestReadinessIsWhatTheChecksSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken, late atomic.Bool
		fails := func(b *atomic.Bool) func(context.Context) error {
			return func(context.Context) error {
				if b.Load() {
					return errors.New("gone")
				}
				return nil
			}
		}
		log := &bytes.Buffer{}
		ready := NewReadiness(slog.New(slog.NewJSONHandler(log, nil)), time.Now,
			Check{Name: "database", Run: fails(&broken)}, Check{Name: "audit", Run: fails(&late), Advisory: true})
		h := (&Ops{Ready: ready, Metrics: NewMetrics()}).Handler()
		step := func(name string, code int) Report {
			t.Helper()
			time.Sleep(fresh) // the answer before is too old now
			got, report := read(t, h)
			if got != code || report.Ready != (code == 200) {
				t.Errorf("%s: %d %+v", name, got, report)
			}
			return report
		}
		step("all is well", 200)
		late.Store(true)
		if r := step("an advisory check fails", 200); r.Checks[1].OK || r.Checks[1].Why != "gone" {
			t.Errorf("%+v", r)
		}
		broken.Store(true)
		step("the database is gone", 503)
		step("still", 503)
		broken.Store(false)
		late.Store(false)
		step("it is back", 200)
		ready.Drain()
		if r := step("a stop has begun", 503); r.Checks[2].Name != "draining" || r.Checks[2].OK {
			t.Errorf("%+v", r)
		}
		if n := strings.Count(log.String(), "\n"); n != 4 {
			t.Errorf("%d lines for 4 changes: %s", n, log)
		}
	})
}

// guard: each check has its own goroutine and two seconds
func TestREL19_AHangingDatabaseIsUnready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		hang := make(chan struct{})
		ready := NewReadiness(silent, time.Now, Check{Name: "database", Run: func(context.Context) error {
			runs.Add(1)
			<-hang // heeds no context
			return nil
		}}, Check{Name: "other", Run: func(context.Context) error { panic("lost") }})
		for range 3 {
			began := time.Now()
			r := ready.Look(t.Context())
			if took := time.Since(began); r.Ready || took > patience || r.Checks[0].OK || r.Checks[1].OK ||
				!strings.Contains(r.Checks[1].Why, "lost") {
				t.Errorf("after %s: %+v", took, r)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("%d questions are waiting for a database that hangs", n)
		}
		close(hang)
		synctest.Wait()
		if r := ready.Look(t.Context()); !r.Checks[0].OK {
			t.Errorf("it answers again: %+v", r)
		}
	})
}

// guard: an answer holds for a second, however many ask
func TestManyWhoAskCostOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		ready := NewReadiness(silent, time.Now,
			Check{Name: "database",
				Run: func(context.Context) error { runs.Add(1); time.Sleep(time.Millisecond); return nil }})
		for range 100 {
			go ready.Look(t.Context())
		}
		synctest.Wait()
		ready.Look(t.Context())
		if n := runs.Load(); n != 1 {
			t.Errorf("%d", n)
		}
		time.Sleep(fresh + time.Second)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if r := ready.Look(gone); r.Checks[0].OK && runs.Load() == 1 {
			t.Error("an old answer was taken for a new one")
		}
		time.Sleep(time.Second)
	})
}

// text is what /metrics says.
func text(t testing.TB, m *Metrics) string {
	t.Helper()
	return ask((&Ops{Ready: NewReadiness(silent, time.Now), Metrics: m}).Handler(), "/metrics", "").Body.String()
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
}

func TestWhatHappensIsCounted(t *testing.T) {
	m := NewMetrics()
	m.Routes([]string{"/signin/code", "GET /assets/{hash}/{name}", "/{$}"})
	m.Request("POST", "/signin/code", 200, 30*time.Millisecond)
	m.Request("POST", "/signin/code", 422, 3*time.Millisecond)
	m.Request("GET", "GET /assets/{hash}/{name}", 304, -time.Second)
	m.Request("GET", "/", 404, 0)
	m.Request("GET", "/{$}", 200, 0)
	m.Request("BREW", "/somewhere/maya@acme.example", 0, 0)
	m.CountEvent(audit.Recorded{
		{Action: "signin.password", Result: "ok", Method: "password", UserID: "u",
			Origin: audit.Origin{IP: "192.0.2.1"}},
		{Action: "signin.completed", Result: "ok", Method: "pwd email", Level: "urn:countersign:acr:1e"},
		{Action: "tenant.changed", Result: "ok", Reason: "because maya@acme.example said so",
			ActorID: "maya@acme.example"},
	})
	m.CountEvent(message.Became{Channel: "email", State: message.Accepted})
	m.CountEvent(ratelimit.Refused("password.here"))
	m.CountEvent(ratelimit.Refused("maya@acme.example"))
	m.CountEvent(db.Grouped(3))
	m.CountEvent("something else")
	m.ObserveUnit(true, time.Millisecond, true)
	m.ObserveUnit(false, time.Millisecond, false)
	m.Hashed(0, 40*time.Millisecond)
	m.Sent("email", time.Second, true)
	out := text(t, m)
	has(t, out,
		`countersign_http_requests_total{method="POST",route="/signin/code",status="2xx"} 1`,
		`countersign_http_requests_total{method="POST",route="/signin/code",status="4xx"} 1`,
		`countersign_http_requests_total{method="GET",route="/assets/{hash}/{name}",status="3xx"} 1`,
		`countersign_http_requests_total{method="GET",route="unknown",status="4xx"} 1`,
		`countersign_http_requests_total{method="GET",route="/",status="2xx"} 1`,
		`countersign_http_requests_total{method="other",route="other",status="none"} 1`,
		`countersign_http_request_seconds_bucket{route="/signin/code",le="0.025"} 1`,
		`countersign_http_request_seconds_count{route="/signin/code"} 2`,
		`countersign_events_total{action="signin.password",method="password",reason="",result="ok"} 1`,
		`countersign_events_total{action="signin.completed",method="pwd email",reason="",result="ok"} 1`,
		`countersign_events_total{action="other",method="",reason="other",result="ok"} 1`,
		`countersign_sessions_total{level="urn:countersign:acr:1e"} 1`,
		`countersign_messages_total{channel="email",state="accepted"} 1`,
		`countersign_messages_total{channel="email",state="bounced"} 0`,
		`countersign_budget_refusals_total{limit="password.here"} 1`,
		`countersign_budget_refusals_total{limit="other"} 1`,
		`countersign_budget_refusals_total{limit="second.account"} 0`,
		`countersign_database_group_size_bucket{le="4"} 1`,
		`countersign_database_rollbacks_total{kind="write"} 1`,
		`countersign_database_rollbacks_total{kind="read"} 0`,
		`countersign_database_seconds_count{kind="read"} 1`,
		`countersign_password_seconds_count 1`,
		`countersign_message_send_seconds_count{channel="email",result="failed"} 1`,
	)
	for _, personal := range []string{"maya", "acme", "192.0.2"} {
		if strings.Contains(out, personal) {
			t.Errorf("%q is in the metrics", personal)
		}
	}
}

func TestWhatWaitsIsLookedAt(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)
	now := at
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		now = at
		m := NewMetrics()
		d.Watch = db.Watch{OnEvent: m.CountEvent, OnUnit: m.ObserveUnit}
		m.Look(Sources{DB: d, Passwords: pool(t), Ready: NewReadiness(silent, time.Now),
			Tracer: trace.New(trace.Options{}), Version: "v1", Revision: "abc", GoVersion: "go1"})
		if b := loadBacklog(t.Context(), d); b != (backlog{up: true}) {
			t.Fatalf("an empty house has %+v", b)
		}
		err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error {
			queue := &jobs.Queue{}
			for _, when := range []time.Duration{0, -3 * time.Second, time.Hour} {
				if _, err := queue.Enqueue(t.Context(), tx, "k", nil, tx.Now.Add(when)); err != nil {
					return err
				}
			}
			return audit.Record(t.Context(), tx,
				audit.Event{Action: "signin.password", Result: "failed", Reason: "wrong_password"})
		})
		if err != nil {
			t.Fatal(err)
		}
		now = at.Add(7 * time.Second)
		has(t, text(t, m), `countersign_jobs_due 2`, `countersign_jobs_due_age_seconds 10`,
			`countersign_audit_unsealed 1`, `countersign_audit_unsealed_age_seconds 7`,
			`countersign_database_up 1`, `countersign_ready 1`, `countersign_check{check="draining"} 1`,
			`countersign_password_waiting 0`,
			`countersign_trace_spans_total{result="dropped"} 0`,
			`countersign_events_total{action="signin.password",method="",reason="wrong_password",result="failed"} 1`,
			`countersign_build_info{database="`+string(d.Dialect)+`",go="go1",revision="abc",version="v1"} 1`)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		has(t, text(t, m), `countersign_jobs_due 2`) // two seconds have not passed
		now = now.Add(sampleHolds)
		out := text(t, m)
		has(t, out, `countersign_database_up 0`)
		if strings.Contains(out, "countersign_jobs_due") || strings.Contains(out, "countersign_audit_unsealed") {
			t.Error("old figures are told after the database has gone")
		}
	})
}

// A unit of work that fails has told nothing, but what it said has happened.
func TestOnlyWhatIsDurableIsCounted(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		m := NewMetrics()
		d.Watch = db.Watch{OnEvent: m.CountEvent, OnUnit: m.ObserveUnit}
		err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error {
			tx.Emit(ratelimit.Refused("flow.account"))
			if err := audit.Record(t.Context(), tx.ForTenant("other"),
				audit.Event{Action: "signin.second_factor", Result: "ok"}); err != nil {
				return err
			}
			return errors.New("rolled back")
		})
		if err == nil {
			t.Fatal("no error")
		}
		out := text(t, m)
		has(t, out, `countersign_budget_refusals_total{limit="flow.account"} 1`,
			`countersign_database_rollbacks_total{kind="write"} 1`)
		if strings.Contains(out, `action="signin.second_factor"`) {
			t.Error("an event that was rolled back is counted")
		}
	})
}

func TestWritable(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		if err := d.Writable(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Writable(t.Context()); err == nil {
			t.Error("a closed database is writable")
		}
	})
}

func pool(t testing.TB) *password.Pool {
	t.Helper()
	keys, _, err := secret.LoadKeys(filepath.Join(t.TempDir(), "keys"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func BenchmarkRequest(b *testing.B) {
	m := NewMetrics()
	m.Routes([]string{"/signin/code"})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Request("POST", "/signin/code", 200, 30*time.Millisecond)
		}
	})
}

func BenchmarkRecorded(b *testing.B) {
	m := NewMetrics()
	var what any = audit.Recorded{{Action: "signin.second_factor", Result: "ok", Method: "email", Reason: "typed"}}
	b.ReportAllocs()
	for b.Loop() {
		m.CountEvent(what)
	}
}

func BenchmarkTimed(b *testing.B) {
	m := NewMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.ObserveUnit(true, time.Millisecond, false)
	}
}

// BenchmarkUnitOfWork compares a read with and without someone who watches.
func BenchmarkUnitOfWork(b *testing.B) {
	d := dbtest.Open(b, dbtest.SQLiteURL(b), time.Now)
	for name, w := range map[string]db.Watch{"unwatched": {},
		"watched": {OnEvent: NewMetrics().CountEvent, OnUnit: NewMetrics().ObserveUnit}} {
		d.Watch = w
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = d.View(b.Context(), "acme", func(*db.Tx) error { return nil })
			}
		})
	}
}
