package web

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// refusal is an error of HTTP itself, which the product's faults have no word for.
type refusal struct {
	status int
	*fault.Fault
}

// Unwrap shows the fault to fault.Of.
func (r *refusal) Unwrap() error { return r.Fault }

func refuse(status int, k fault.Kind, key string) error {
	return &refusal{status, fault.New(k, key)}
}

var (
	errNoPage      = refuse(http.StatusNotFound, fault.NotFound, "error.not_found")
	errMethod      = refuse(http.StatusMethodNotAllowed, fault.Invalid, "error.method")
	errCrossOrigin = refuse(http.StatusForbidden, fault.Denied, "error.cross_origin")
	errMediaType   = refuse(http.StatusUnsupportedMediaType, fault.Invalid, "error.malformed")
	errMalformed   = refuse(http.StatusBadRequest, fault.Invalid, "error.malformed")
	errTooLarge    = refuse(http.StatusRequestEntityTooLarge, fault.Invalid, "error.too_large")
)

// Status is the one place where a kind of fault becomes an HTTP status.
func Status(k fault.Kind) int {
	switch k {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Conflict:
		return http.StatusConflict
	case fault.Outdated:
		return http.StatusPreconditionFailed
	case fault.Denied:
		return http.StatusForbidden
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

func statusOf(err error, f *fault.Fault) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.status
	}
	return Status(f.Kind)
}

// errLater is what people read while the database cannot work, which is no mistake of ours
// and worth coming back for.
var errLater = fault.New(fault.Unavailable, "error.unavailable").After(10 * time.Second)

// errorPage says that something went wrong, one true sentence, and a number to quote.
type errorPage struct {
	Status    int
	Message   string
	RequestID string
	Wait      time.Duration
}

func (errorPage) View() View { return View{Template: "web/error"} }

func (w *Web) withErrors(h Handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if err := h(rw, r); err != nil {
			w.fail(rw, r, err)
		}
	}
}

// fail answers with the error page or with problem+json (RFC 9457), never with a cause.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	f, id := fault.Of(err), From(r.Context()).RequestID
	if f.Kind == fault.Internal {
		w.Log.ErrorContext(r.Context(), "request failed", "route", r.Pattern, "request_id", id, "err", err)
		if db.Unavailable(err) {
			f = errLater
		}
	}
	if a, ok := rw.(*answer); ok && a.status != 0 {
		return // half an answer is out; nothing true can follow it
	}
	if f.RetryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	p := errorPage{
		Status:    statusOf(err, f),
		Message:   f.Message,
		RequestID: id,
		Wait:      f.RetryAfter,
	}
	if !wantsHTML(r) {
		w.problem(rw, r, p, f.Kind)
		return
	}
	if err := w.Draw(rw, r, p.Status, p); err != nil {
		w.Log.ErrorContext(r.Context(), "error page failed", "request_id", id, "err", err)
		http.Error(rw, "error "+id, p.Status)
	}
}

// wantsHTML: a browser says text/html; a program asks for JSON or for anything.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (w *Web) problem(rw http.ResponseWriter, r *http.Request, p errorPage, k fault.Kind) {
	b, _ := json.Marshal(map[string]any{ // cannot fail: strings and a number
		"type": "about:blank", "title": w.Printer(r).T(p.Message), "status": p.Status,
		"code": string(k), "request_id": p.RequestID,
	})
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.WriteHeader(p.Status)
	_, _ = rw.Write(b) // the client may be gone
}
