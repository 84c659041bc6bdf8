package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// guard: served compares the host
func TestOnlyOurHostIsServed(t *testing.T) {
	for _, c := range []struct {
		public, host string
		status       int
	}{
		{ours, "sign-in.harbor.example", 200},
		{ours, "SIGN-IN.Harbor.Example", 200},
		{ours, "sign-in.harbor.example.", 200},
		{ours, "sign-in.harbor.example:443", 200},
		{ours, "sign-in.harbor.example.:443", 200},
		{ours, "sign-in.harbor.example:80", 421},
		{ours, "sign-in.harbor.example:8443", 421},
		{ours, "evil.example", 421},
		{ours, "sign-in.harbor.example.evil.example", 421},
		{ours, "evil-sign-in.harbor.example", 421},
		{ours, "203.0.113.7", 421},
		{ours, "", 421},
		{"https://sign-in.harbor.example:8443", "sign-in.harbor.example:8443", 200},
		{"https://sign-in.harbor.example:8443", "sign-in.harbor.example", 421},
		{"http://localhost:8080", "localhost:8080", 200},
		{"http://localhost:8080", "127.0.0.1:8080", 421},
		{"http://localhost", "localhost:80", 200},
		{"https://[2001:db8::1]:8443", "[2001:db8::1]:8443", 200},
		{"https://[2001:db8::1]", "[2001:db8::1]:443", 200},
	} {
		h := open(t, c.public)
		h.Mux().Get("/signin", ok)
		h.Mux().Post("/form", ok)
		h.Mux().Machine(http.MethodGet, "/healthz", ok)
		h.Mux().AnyHost("/healthz")
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodGet, "/signin", nil),
			httptest.NewRequest(http.MethodPost, "/form", strings.NewReader("a=b")),
			httptest.NewRequest(http.MethodGet, "/healthz", nil),
		} {
			want := c.status
			if r.URL.Path == "/healthz" {
				want = 200
			}
			r.Host = c.host
			r.Header.Set("Content-Type", formType)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("X-Forwarded-Host", "sign-in.harbor.example") // is not believed
			rec := httptest.NewRecorder()
			h.Mux().ServeHTTP(rec, r)
			if rec.Code != want {
				t.Errorf("%s at %q, public %s: %d, want %d", r.URL.Path, c.host, c.public, rec.Code, want)
			}
			if want == 421 && rec.Header().Get("Set-Cookie") != "" {
				t.Errorf("%q is given a cookie", c.host)
			}
		}
	}
}

// A proxy that does not pass the name on is found in the log; strangers do not fill it.
func TestAForeignHostIsLoggedOnce(t *testing.T) {
	h := open(t, ours)
	for range 5 {
		h.ask(http.MethodGet, "http://backend:8080/signin", "")
	}
	n := 0
	for _, line := range h.lines(t) {
		if line["msg"] == "request for another host refused" {
			n++
			if line["host"] != "backend:8080" || line["public_url"] != ours || line["hint"] == "" {
				t.Errorf("%v", line)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d lines", n)
	}
}
