package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestCookiesAreTiedToThisHost(t *testing.T) {
	for _, tc := range []struct {
		origin, name string
		age          time.Duration
		want         string
	}{
		{ours, "flow", 0, "__Host-flow=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{ours, "browser", 30 * 24 * time.Hour,
			"__Host-browser=v; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"},
		{"http://localhost:8080", "flow", 0, "flow=v; Path=/; HttpOnly; SameSite=Lax"},
		{"http://localhost:8080", "session", time.Hour, "session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
	} {
		rec := httptest.NewRecorder()
		open(t, tc.origin).SetCookie(rec, tc.name, "v", tc.age)
		if got := rec.Header().Get("Set-Cookie"); got != tc.want {
			t.Errorf("%s at %s: %q, want %q", tc.name, tc.origin, got, tc.want)
		}
	}
	rec := httptest.NewRecorder()
	open(t, ours).ClearCookie(rec, "session")
	if got := rec.Header().Get(
		"Set-Cookie"); got != "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax" {
		t.Error(got)
	}
}

func TestLanguageCookie(t *testing.T) {
	rec := open(t, ours).post("/language", "lang=es&back=/")
	if got := rec.Header().Get(
		"Set-Cookie"); got != "__Host-lang=es; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax" {
		t.Error(got)
	}
}

// Two values under one name mean that someone else set one; then none is believed.
func TestCookieIsReadOnlyWhenThereIsOne(t *testing.T) {
	for _, tc := range []struct {
		name, origin string
		header       []string
		want         string
	}{
		{"none", ours, nil, ""},
		{"one", ours, []string{"__Host-session=a"}, "a"},
		{"the same twice", ours, []string{"__Host-session=a; __Host-session=a"}, "a"},
		{"two values", ours, []string{"__Host-session=a; __Host-session=b"}, ""},
		{"two values in two headers", ours, []string{"__Host-session=a", "__Host-session=b"}, ""},
		{"two, and the first again", ours, []string{"__Host-session=a; __Host-session=b; __Host-session=a"}, ""},
		{"one is empty", ours, []string{"__Host-session=; __Host-session=b"}, ""},
		{"without the prefix", ours, []string{"session=a"}, ""},
		{"a neighbour without the prefix", ours, []string{"session=evil; __Host-session=a"}, "a"},
		{"another case", ours, []string{"__host-session=a"}, ""},
		{"another prefix", ours, []string{"__Secure-session=a"}, ""},
		{"plain http", "http://localhost:8080", []string{"session=a"}, "a"},
		{"the prefix on plain http", "http://localhost:8080", []string{"__Host-session=a"}, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = tc.header
		if got := open(t, tc.origin).Cookie(r, "session"); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
