package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAnAppsLanguage: the language that an app asks for holds on its first page and on the
// next ones; what the person chose goes first, and another app's wish does not outlive it.
func TestAnAppsLanguage(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/page", func(rw http.ResponseWriter, r *http.Request) error {
		r = h.Suggest(rw, r, r.URL.Query().Get("ui_locales"), 15*time.Minute)
		_, err := rw.Write([]byte(h.Printer(r).Lang()))
		return err
	})
	h.Mux().Get("/next", func(rw http.ResponseWriter, r *http.Request) error {
		_, err := rw.Write([]byte(h.Printer(r).Lang() + From(r.Context()).Lang))
		return err
	})
	const kept, cleared = "__Host-app-lang=es; Path=/; Max-Age=900;", "__Host-app-lang=; Path=/; Max-Age=0;"
	for _, c := range []struct{ wish, accept, cookie, lang, sets string }{
		{"es", "en", "", "es", kept},
		{"es-MX", "en", "", "es", kept},
		{"tlh%20es_419%20en", "en", "", "es", kept},
		{"en%20es", "es", "", "en", "__Host-app-lang=en;"},
		{"tlh", "es", "", "es", ""},
		{"%20%2D%20", "es", "", "es", ""},
		{strings.Repeat("es%20", 100), "en", "", "en", ""},
		{"", "es", "", "es", ""},
		{"es", "en", "__Host-lang=en", "en", kept}, // the person's own choice
		{"en", "es", "__Host-app-lang=es", "en", "__Host-app-lang=en;"},
		{"", "en", "__Host-app-lang=es", "en", cleared},
	} {
		rec := h.ask("GET", "/page?ui_locales="+c.wish, "", "Accept-Language", c.accept, "Cookie", c.cookie)
		if got := rec.Header().Get("Set-Cookie"); rec.Body.String() != c.lang || !strings.HasPrefix(got, c.sets) ||
			c.sets == "" && got != "" {
			t.Errorf("%+v: %s, cookie %q", c, rec.Body, got)
		}
	}
	for cookie, want := range map[string]string{"__Host-app-lang=es": "eses", "__Host-app-lang=xx": "enen",
		"__Host-app-lang=es; __Host-lang=en": "enen"} {
		if got := h.ask("GET", "/next", "", "Accept-Language", "en", "Cookie", cookie).Body.String(); got != want {
			t.Errorf("%s: %s", cookie, got)
		}
	}
}
