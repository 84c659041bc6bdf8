package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// answer remembers what was sent, for the access log and for the recovery from panics.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the real writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// chain is what every request passes, in this order.
func (w *Web) chain(next http.Handler, rw http.ResponseWriter, r *http.Request) {
	began := w.Now()
	a := &answer{ResponseWriter: rw}
	r = r.WithContext(With(withCompany(r.Context()), Visitor{
		IP:        w.address(r),
		Browser:   w.browsers.of(r.UserAgent(), browser),
		RequestID: rand.Text(),
		Lang:      w.Printer(r).Lang(),
	}))
	w.headers(a.Header(), r)
	defer w.logRequest(a, r, began)
	defer w.recover(a, r)
	if !w.isOurHost(r) {
		w.refuseHost(a, r)
		return
	}
	next.ServeHTTP(a, r)
}

// Answered is what can be told of a request that is over. Route is its pattern, never its
// path: tokens live in paths and queries.
type Answered struct {
	Method, Route string
	Status        int // 0: the connection was cut before an answer
	Bytes         int64
	Took          time.Duration
}

// logRequest reports the request to Observe, and logs a line about it.
func (w *Web) logRequest(a *answer, r *http.Request, began time.Time) {
	over := Answered{
		Method: r.Method,
		Route:  r.Pattern,
		Status: a.status,
		Bytes:  a.bytes,
		Took:   w.Now().Sub(began),
	}
	if w.Observe != nil {
		w.Observe(r.Context(), over)
	}
	if !w.Log.Enabled(r.Context(), w.LogRequests) {
		return
	}
	v := From(r.Context())
	w.Log.LogAttrs(r.Context(), w.LogRequests, "request",
		slog.String("method", over.Method), slog.String("route", over.Route), slog.Int("status", over.Status),
		slog.Int64("bytes", over.Bytes),
		slog.Int64("us", over.Took.Microseconds()), slog.String("ip", v.IP.String()),
		slog.String("request_id", v.RequestID))
}

func (w *Web) recover(a *answer, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
		panic(p)
	}
	if a.status != 0 {
		w.Log.ErrorContext(r.Context(), "request failed after it was answered", "request_id",
			From(r.Context()).RequestID, "err", err)
		return
	}
	w.fail(a, r, err)
}
