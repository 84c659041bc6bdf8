package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// SEC-117: what every answer of the chain carries, word for word.
var everywhere = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"font-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; form-action 'self'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Cache-Control":                "no-store",
	"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
}

func TestSEC117_HeadersAreExact(t *testing.T) {
	h := open(t, ours)
	m := h.Mux()
	m.Get("/page", func(rw http.ResponseWriter, r *http.Request) error {
		return h.Draw(rw, r, http.StatusOK, errorPage{Status: 404, Message: "error.not_found"})
	})
	m.Post("/form", func(rw http.ResponseWriter, _ *http.Request) error { return h.Redirect(rw, "/page") })
	m.Machine(http.MethodGet, "/json", func(rw http.ResponseWriter, _ *http.Request) error {
		return h.JSON(rw, http.StatusOK, map[string]int{"a": 1})
	})
	m.Get("/panic", func(http.ResponseWriter, *http.Request) error { panic("x") })
	for _, tc := range []struct {
		method, path string
		status       int
		more         []string
	}{
		{"GET", "/page", 200, []string{"Content-Type"}},
		{"HEAD", "/page", 200, []string{"Content-Type"}},
		{"GET", "/json", 200, []string{"Content-Type"}},
		{"POST", "/form", 303, []string{"Location"}},
		{"GET", "/nothing", 404, []string{"Content-Type"}},
		{"PUT", "/page", 405, []string{"Allow", "Content-Type"}},
		{"GET", "/panic", 500, []string{"Content-Type"}},
		{"GET", "//page", 307, []string{"Content-Type", "Location"}},
	} {
		for _, accept := range []string{asPage, "application/json"} {
			rec := h.ask(tc.method, tc.path, "", "Accept", accept, "Sec-Fetch-Site", "same-origin", "Content-Type",
				formType, "Origin", ours)
			want := maps.Clone(everywhere)
			for name, value := range want {
				if got := rec.Header().Values(name); len(got) != 1 || got[0] != value {
					t.Errorf("%s %s: %s is %q, want %q", tc.method, tc.path, name, got, value)
				}
			}
			names := slices.Sorted(maps.Keys(rec.Header()))
			expected := slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(want)), tc.more,
				[]string{"X-Request-Id"})))
			if rec.Code != tc.status || !slices.Equal(names, expected) { // no Server, no CORS, nothing else
				t.Errorf("%s %s: %d with %v, want %d with %v", tc.method, tc.path, rec.Code, names, tc.status, expected)
			}
		}
	}
}

// A window that an app opened stays the app's for the whole sign-in, its errors included.
func TestPopupsKeepTheirOpener(t *testing.T) {
	h := open(t, ours)
	h.Mux().Popup("/signin")
	h.Mux().Get("/signin/code", ok)
	h.Mux().Get("/signing", ok)
	for path, want := range map[string]string{"/signin": "", "/signin/code": "", "/signin/nothing": "",
		"/signing": "same-origin", "/": "same-origin"} {
		if got := h.ask("GET", path, "").Header().Get("Cross-Origin-Opener-Policy"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestHTTPHasNoTransportSecurity(t *testing.T) {
	if got := open(t, "http://localhost:8080").ask("GET", "/",
		"").Header().Get("Strict-Transport-Security"); got != "" {
		t.Error(got)
	}
}

type leading struct {
	errorPage
	to []string
}

func (l leading) View() View { return View{Template: l.errorPage.View().Template, FormTargets: l.to} }

// Only a page whose form leads to an app lacks form-action, and nothing else of the policy.
func TestOnlyPagesThatLeadToAnAppLackFormAction(t *testing.T) {
	h := open(t, ours)
	leaving := strings.Replace(everywhere["Content-Security-Policy"], "; form-action 'self'", "", 1)
	for _, tc := range []struct {
		to   []string
		want string
	}{
		{nil, ""}, // what every answer has stays
		{[]string{""}, ""},
		{[]string{"https://app.example"}, leaving},
		{[]string{"", "https://a.example; script-src *"}, leaving},
	} {
		rec := h.drawn(t, leading{errorPage{Message: "error.method"}, tc.to})
		if got := rec.Header().Get("Content-Security-Policy"); got != tc.want {
			t.Errorf("%q: %s", tc.to, got)
		}
	}
}
