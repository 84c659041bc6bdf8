package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnotherMethodIsRefusedAndSaysWhichAreAllowed(t *testing.T) {
	h := open(t, ours)
	m := h.Mux()
	m.Get("/both", ok)
	m.Post("/both", ok)
	m.Get("/page", ok)
	m.Get("/", ok)
	m.Post("/form", ok)
	m.Machine(http.MethodPost, "/token", ok)
	m.Open(http.MethodGet, "/authorize", ok)
	for path, allow := range map[string]string{
		"/": "GET, HEAD", "/both": "GET, HEAD, POST", "/page": "GET, HEAD", "/form": "POST", "/token": "POST",
		"/authorize": "GET", "/language": "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
			"PROPFIND", "get"} {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			rec := h.ask(method, path, "", "Sec-Fetch-Site", "same-origin", "Content-Type", formType)
			if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q, want %q", method, path, rec.Code, rec.Header().Get("Allow"), allow)
			}
		}
	}
}

func TestAHeaderDoesNotChangeTheMethod(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/page", ok)
	h.Mux().Open(http.MethodDelete, "/page",
		func(http.ResponseWriter, *http.Request) error { t.Error("reached"); return nil })
	h.ask(http.MethodGet, "/page?_method=DELETE", "", "X-HTTP-Method-Override", "DELETE")
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/page", func(rw http.ResponseWriter, r *http.Request) error {
		return h.Draw(rw, r, http.StatusOK, errorPage{Status: 404, Message: "error.not_found"})
	})
	server := httptest.NewServer(h.Mux())
	defer server.Close()
	css, err := h.assets.url("app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/page", css} {
		get, head := fetch(t, http.MethodGet, server.URL+path), fetch(t, http.MethodHead, server.URL+path)
		if head.body != "" || get.body == "" || head.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, HEAD has %d bytes, GET %d", path, head.StatusCode, len(head.body), len(get.body))
		}
		for _, name := range []string{"Content-Type", "Content-Security-Policy", "Cache-Control"} {
			if head.Header.Get(name) == "" || head.Header.Get(name) != get.Header.Get(name) {
				t.Errorf("%s: %s is %q for HEAD, %q for GET", path, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
	}
}

type reply struct {
	*http.Response
	body string
}

func fetch(t *testing.T, method, url string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(ours, "https://")
	r.Header.Set("Accept-Encoding", "identity")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer, string(b)}
}

func TestOnlyTheStartPageIsAtTheRoot(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/", ok)
	for path, want := range map[string]int{"/": 200, "/nothing": 404, "/index.html": 404, "/assets/": 404,
		"/debug/pprof/": 404, "/metrics": 404, "/.git/config": 404} {
		if rec := h.ask(http.MethodGet, path, ""); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
}

func TestMachinesSeeNoCookieAndGetNoHTML(t *testing.T) {
	h := open(t, ours)
	h.Mux().Machine(http.MethodGet, "/token", func(_ http.ResponseWriter, r *http.Request) error {
		if len(r.Cookies()) > 0 || h.Cookie(r, "session") != "" {
			t.Error("a machine sees a cookie")
		}
		return errMalformed
	})
	rec := h.ask(http.MethodGet, "/token", "", "Cookie", "__Host-session=x", "Accept", "text/html")
	if kind := rec.Header().Get("Content-Type"); rec.Code != http.StatusBadRequest ||
		kind != "application/problem+json" {
		t.Errorf("%d %s", rec.Code, kind)
	}
}

// A counted try stays counted although its client hangs up at once.
func TestAPostOutlivesItsClient(t *testing.T) {
	h := open(t, ours)
	reached := 0
	check := func(_ http.ResponseWriter, r *http.Request) error {
		reached++
		if _, bounded := r.Context().Deadline(); r.Context().Err() != nil || !bounded ||
			From(r.Context()).RequestID == "" {
			t.Errorf("%s %s: %v, bounded %v", r.Method, r.URL.Path, r.Context().Err(), bounded)
		}
		return nil
	}
	h.Mux().Post("/form", check)
	h.Mux().Machine(http.MethodPost, "/token", check)
	for _, path := range []string{"/form", "/token"} {
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, ours+path, strings.NewReader("a=b"))
		r.Header.Set("Content-Type", formType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		h.Mux().ServeHTTP(httptest.NewRecorder(), r)
	}
	if reached != 2 {
		t.Errorf("%d reached", reached)
	}
}

func TestNoBodyIsReadWithoutEnd(t *testing.T) {
	h := open(t, ours)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		h.Mux().Open(method, "/open", func(_ http.ResponseWriter, r *http.Request) error {
			b, err := io.ReadAll(r.Body)
			if len(b) > maxBody || err == nil {
				t.Errorf("%s: %d bytes, %v", method, len(b), err)
			}
			return bodyError(err)
		})
		if rec := h.ask(method, "/open", strings.Repeat("a", maxBody+1)); rec.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
}

func TestRoutesAreACopy(t *testing.T) {
	h := open(t, ours)
	all := h.Mux().Routes()
	all[0].Class = "open"
	if h.Mux().Routes()[0].Class != "form" {
		t.Error("the inventory can be written to")
	}
}
