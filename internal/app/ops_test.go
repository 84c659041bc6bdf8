package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"countersign/internal/config"
	"countersign/internal/ops"
	"countersign/internal/secret"
	"countersign/internal/trace"
)

// guard: no redirect is followed
func TestTheCollectorIsTheOneThatWasNamed(t *testing.T) {
	var elsewhere, here int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	status := http.StatusOK
	named := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here++
		if r.Header.Get("Authorization") != "Bearer word" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", r.Header)
		}
		w.Header().Set("Location", other.URL)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{}")
	}))
	defer named.Close()
	send := collector(config.Tracing{Endpoint: named.URL, Token: "word"})
	for _, status = range []int{200, 202, 301, 307, 308, 429, 503} {
		if err := send(t.Context(), []byte("{}")); (err == nil) != (status < 300) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere != 0 || here != 7 {
		t.Errorf("%d here, %d elsewhere", here, elsewhere)
	}
	named.Close()
	if err := send(t.Context(), nil); err == nil {
		t.Error("no one is there")
	}
}

// guard: a stranger's flag is not obeyed
func TestOnlyOurProxiesChooseWhatIsTraced(t *testing.T) {
	const wanted, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	a := &App{watcher: watcher{tracer: trace.New(trace.Options{SampleRatio: 1e-9, Now: time.Now})}}
	traced := false
	h := a.traced(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request) {
		traced = trace.From(r.Context()) != nil
	}), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for peer, want := range map[string]bool{"10.1.2.3:4": true, "[::ffff:10.1.2.3]:4": true, "192.0.2.1:4": false,
		"rubbish": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("Traceparent", "00-"+wanted+"-"+span+"-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if traced != want {
			t.Errorf("%s: traced %v", peer, traced)
		}
	}
}

// guard: profiles cost time
func TestProfilesNeedATokenOrThisMachine(t *testing.T) {
	for _, c := range []struct {
		local bool
		token secret.Text
		want  int
	}{{true, "", 200}, {false, "", 404}, {false, "t", 200}, {true, "t", 200}} {
		a := &App{Core: &Core{Config: config.Config{Ops: config.Ops{Token: c.token}}}, watcher: watcher{
			metrics: ops.NewMetrics(), ready: ops.NewReadiness(slog.New(slog.DiscardHandler), time.Now)}}
		r := httptest.NewRequest(http.MethodGet, "/debug/pprof/goroutine", nil)
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
		rec := httptest.NewRecorder()
		a.operations(c.local).Handler().ServeHTTP(rec, r)
		if rec.Code != c.want {
			t.Errorf("%+v: %d", c, rec.Code)
		}
	}
}

// Without an endpoint there is nothing between the listener and the program.
func TestTracingOffCostsNothing(t *testing.T) {
	a := &App{Core: &Core{}}
	a.tracer = a.newTracer()
	inner := http.NewServeMux()
	if got := a.traced(inner, nil); got != http.Handler(inner) {
		t.Errorf("%T stands in between", got)
	}
	if a.databaseSpan(context.Background(), true) != nil {
		t.Error("a span of the database")
	}
}
