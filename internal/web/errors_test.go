package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"countersign/internal/fault"
)

const asPage = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

// What went wrong inside is in the log, under the number that the person is given.
func TestErrorPageAndProblem(t *testing.T) {
	h := open(t, ours)
	secret := errors.New("dial tcp db.internal:5432: password hunter2")
	failures := map[string]struct {
		err    error
		status int
		code   string
	}{
		"/internal":  {secret, 500, "internal"},
		"/wrapped":   {fmt.Errorf("sign in: %w", secret), 500, "internal"},
		"/not_found": {fault.New(fault.NotFound, "error.not_found").Because(secret), 404, "not_found"},
		"/invalid":   {fault.New(fault.Invalid, "error.malformed").Because(secret), 422, "invalid"},
		"/conflict":  {fault.New(fault.Conflict, "signin.try_again").Because(secret), 409, "conflict"},
		"/denied":    {fault.New(fault.Denied, "signin.not_asked").Because(secret), 403, "denied"},
		"/limited": {fmt.Errorf("x: %w",
			fault.New(fault.RateLimited, "error.rate_limited").After(1500*time.Millisecond).Because(secret)), 429,
			"rate_limited"},
		"/unavailable": {fault.New(fault.Unavailable, "signin.problem.busy").Because(secret), 503, "unavailable"},
		"/away": {fmt.Errorf("begin: %w: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}, secret),
			503, "unavailable"},
		"/unauthenticated": {fault.New(fault.Unauthenticated, "signin.not_asked").Because(secret), 401,
			"unauthenticated"},
		"/too_large": {fmt.Errorf("x: %w", errTooLarge), 413, "invalid"},
	}
	for path, f := range failures {
		h.Mux().Get(path, func(http.ResponseWriter, *http.Request) error { return f.err })
	}
	for path, f := range failures {
		html, problem := h.ask("GET", path, "", "Accept", asPage), h.ask("GET", path, "", "Accept", "application/json")
		for _, rec := range []*httptest.ResponseRecorder{html, problem} {
			if all := rec.Body.String() + fmt.Sprint(rec.Header()); rec.Code != f.status ||
				strings.Contains(all, "hunter2") || strings.Contains(all, "db.internal") {
				t.Errorf("%s: %d, want %d, and nothing of the cause: %s", path, rec.Code, f.status, all)
			}
		}
		id, kind := html.Header().Get("X-Request-Id"), html.Header().Get("Content-Type")
		if kind != "text/html; charset=utf-8" || !strings.Contains(html.Body.String(), "<code>"+id+"</code>") {
			t.Errorf("%s: %s without its number", path, kind)
		}
		checkProblem(t, problem, f.status, f.code)
		if got := h.logged(t, id); (got != "") != (f.status == 500 || path == "/away") || got != "" &&
			!strings.Contains(got, "hunter2") {
			t.Errorf("%s: the log says %q", path, got)
		}
	}
}

func checkProblem(t *testing.T, rec *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var p struct {
		Type, Title, Code string
		Status            int
		RequestID         string `json:"request_id"`
	}
	d := json.NewDecoder(rec.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v, %s", err, rec.Header().Get("Content-Type"))
	}
	if p.Type != "about:blank" || p.Status != status || p.Code != code ||
		p.RequestID != rec.Header().Get("X-Request-Id") || !strings.Contains(p.Title, " ") {
		t.Errorf("%+v, want status %d, code %s", p, status, code)
	}
}

// logged is the error that the log holds for a request.
func (h house) logged(t testing.TB, id string) string {
	for _, line := range h.lines(t) {
		if line["request_id"] == id && line["level"] == "ERROR" {
			return fmt.Sprint(line["err"])
		}
	}
	return ""
}

func TestFormOfAnErrorFollowsAccept(t *testing.T) {
	h := open(t, ours)
	for accept, want := range map[string]string{
		"": "application/problem+json", "*/*": "application/problem+json",
		"application/json": "application/problem+json",
		asPage:             "text/html; charset=utf-8", "text/html": "text/html; charset=utf-8",
	} {
		if got := h.ask("GET", "/nothing", "", "Accept", accept).Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: %s, want %s", accept, got, want)
		}
	}
}

func TestErrorsSpeakThePersonsLanguage(t *testing.T) {
	h := open(t, ours)
	if got := h.ask("GET", "/nothing", "", "Accept-Language", "es").Body.String(); !strings.Contains(got,
		"No hay ninguna página") {
		t.Error(got)
	}
	got := h.ask("GET", "/nothing", "", "Accept", asPage, "Cookie", "__Host-lang=es").Body.String()
	if !strings.Contains(got, `<html lang="es">`) || !strings.Contains(got, "No hay ninguna página") {
		t.Error(got)
	}
}

func TestRetryAfterIsWholeSecondsRoundedUp(t *testing.T) {
	h := open(t, ours)
	for path, wait := range map[string]time.Duration{"/0": 0, "/1": time.Nanosecond, "/2": 1001 * time.Millisecond,
		"/90": 90 * time.Second} {
		h.Mux().Get(path, func(http.ResponseWriter, *http.Request) error {
			return fault.New(fault.RateLimited, "error.rate_limited").After(wait)
		})
		if got := "/" + h.ask("GET", path, "").Header().Get("Retry-After"); got != path && (wait > 0 || got != "/") {
			t.Errorf("%v: Retry-After %q", wait, got[1:])
		}
	}
}

func TestAPanicBecomesTheErrorPage(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/panic", func(http.ResponseWriter, *http.Request) error { panic("hunter2") })
	h.Mux().Get("/nil", func(http.ResponseWriter, *http.Request) error { return (*refusal)(nil).Unwrap() })
	for _, path := range []string{"/panic", "/nil"} {
		for _, accept := range []string{asPage, "application/json"} {
			rec := h.ask("GET", path, "", "Accept", accept)
			id := rec.Header().Get("X-Request-Id")
			if body := rec.Body.String(); rec.Code != 500 || strings.Contains(body, "hunter2") ||
				strings.Contains(body, "goroutine") || !strings.Contains(body, id) {
				t.Errorf("%s: %d %s", path, rec.Code, body)
			}
			if got := h.logged(t, id); !strings.Contains(got, "panic: ") || !strings.Contains(got, "errors_test.go") {
				t.Errorf("%s: the log says %q", path, got)
			}
			if rec.Header().Get("Content-Security-Policy") != plainPolicy ||
				rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", path, rec.Header())
			}
		}
	}
}

func TestAPanicAfterTheAnswerAddsNothing(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/late", func(rw http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(rw, "half")
		panic("late")
	})
	h.Mux().Get("/failed", func(rw http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(rw, "half")
		return errors.New("late")
	})
	for _, path := range []string{"/late", "/failed"} {
		rec := h.ask("GET", path, "", "Accept", asPage)
		if rec.Code != 200 || rec.Body.String() != "half" ||
			!strings.Contains(h.logged(t, rec.Header().Get("X-Request-Id")), "late") {
			t.Errorf("%s: %d %q", path, rec.Code, rec.Body)
		}
	}
}

func TestAnAbortIsPassedOn(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("%v", p)
		}
		if lines := h.lines(t); len(lines) != 1 || lines[0]["msg"] != "request" {
			t.Errorf("%v", lines)
		}
	}()
	h.ask("GET", "/abort", "")
}

// A page that cannot be drawn leaves no half of itself behind.
func TestAPageThatFailsIsNotHalfAPage(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/page", func(rw http.ResponseWriter, r *http.Request) error {
		return h.Draw(rw, r, http.StatusOK, errorPage{Status: 200, Message: "no.such.key"})
	})
	h.Mux().Get("/template", func(rw http.ResponseWriter,
		r *http.Request) error {
		return h.Draw(rw, r, http.StatusOK, nowhere{})
	})
	for _, path := range []string{"/page", "/template"} {
		rec := h.ask("GET", path, "", "Accept", asPage)
		if body := rec.Body.String(); rec.Code != 500 || strings.Count(body, "<!doctype") != 1 ||
			strings.Contains(body, "no.such.key") {
			t.Errorf("%s: %d %s", path, rec.Code, body)
		}
	}
}

type nowhere struct{}

func (nowhere) View() View { return View{Template: "web/nowhere"} }
