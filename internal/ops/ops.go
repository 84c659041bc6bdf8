// Package ops answers the people who run the program: does it live, may it be sent people, what
// has it counted, where does its time go. It has a listener of its own and is never mounted
// on the public one. It refuses to name a person, a company or an address: every label of
// a metric comes from a list in this package or from the program's own routes.
package ops

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"countersign/internal/secret"
)

// Ops is what the listener for operations serves.
type Ops struct {
	Ready    *Readiness
	Metrics  *Metrics
	Token    secret.Text // empty: anyone who reaches the listener may ask
	Profiles bool        // serve /debug/pprof/
}

// Handler answers GET /healthz, /readyz, /metrics and /debug/pprof/.
func (o *Ops) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", o.ready)
	mux.Handle("GET /metrics",
		o.guarded(promhttp.HandlerFor(o.Metrics.registry,
			promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})))
	if o.Profiles {
		mux.Handle("GET /debug/pprof/{$}", o.guarded(http.HandlerFunc(listProfiles)))
		mux.Handle("GET /debug/pprof/{name}", o.guarded(http.HandlerFunc(profile)))
	}
	return withPlainHeaders(mux)
}

// withPlainHeaders keeps answers out of caches and browsers from guessing.
func withPlainHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (o *Ops) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.hasToken(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="countersign operations"`)
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hasToken compares hashes, so that the time tells nothing of the token.
func (o *Ops) hasToken(r *http.Request) bool {
	if o.Token == "" {
		return true
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(o.Token.Reveal()))
	return ok && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func alive(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// ready answers 200 or 503. Only who knows the token reads why.
func (o *Ops) ready(w http.ResponseWriter, r *http.Request) {
	report := o.Ready.Look(r.Context())
	if !o.hasToken(r) {
		report.Checks = nil
	}
	body, _ := json.Marshal(report) // cannot fail: booleans and texts
	w.Header().Set("Content-Type", "application/json")
	if !report.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}
