package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const none = "\x00none" // the header is not sent

// Every combination of what a browser says about where a form came from. The same request
// on an unguarded route reaches its handler, so nothing but the guard refuses it.
func TestSameOriginProof(t *testing.T) {
	h := open(t, ours)
	reached := 0
	count := func(http.ResponseWriter, *http.Request) error { reached++; return nil }
	h.Mux().Post("/guarded", count)
	h.Mux().Open(http.MethodPost, "/unguarded", count)
	sites := []string{none, "", "same-origin", "same-site", "cross-site", "none", "Same-Origin",
		"same-origin, cross-site", "same-origin "}
	origins := []string{
		none, "", "null", ours, "http://sign-in.harbor.example", ours + ":443", ours + ":8443", ours + "/",
		"https://SIGN-IN.harbor.example",
		"https://evil.test", "https://harbor.example", "https://x.sign-in.harbor.example", ours + ".evil.test",
		"https://evil.test " + ours, "*",
	}
	for _, site := range sites {
		for _, origin := range origins {
			hidden := origin == none || origin == "null"
			allowed := site == "same-origin" && (hidden || origin == ours) ||
				site == none && (origin == ours || origin == "null")
			for path, want := range map[string]bool{"/guarded": allowed, "/unguarded": true} {
				reached = 0
				rec := h.ask(http.MethodPost, path, "a=b", proof(site, origin)...)
				if got := reached == 1; got != want || !got && rec.Code != http.StatusForbidden {
					t.Errorf("%s with Sec-Fetch-Site %q and Origin %q: %d, reached %v, want %v", path, site, origin,
						rec.Code, got, want)
				}
			}
		}
	}
}

func proof(site, origin string) []string {
	header := []string{"Content-Type", formType, "Referer", ours + "/signin", "Host", "sign-in.harbor.example"}
	if site != none {
		header = append(header, "Sec-Fetch-Site", site)
	}
	if origin != none {
		header = append(header, "Origin", origin)
	}
	return header
}

// Safari up to 16.3 has no Fetch Metadata. Where it hides the origin of our own form, the
// Referer proves where the form came from, and nothing else is as good.
func TestAHiddenOriginNeedsAPageOfOursAsReferer(t *testing.T) {
	h := open(t, ours)
	h.Mux().Post("/guarded", ok)
	for _, tc := range []struct {
		header []string
		want   int
	}{
		{[]string{"Origin", "null", "Referer", ours + "/signin?to=x"}, http.StatusOK},
		{[]string{"Origin", "null", "Referer", ours + "/"}, http.StatusOK},
		{[]string{"Origin", "null"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ""}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ours}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ours + ".evil.test/"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ours + "@evil.test/"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", "http://sign-in.harbor.example/"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", "https://evil.test/?" + ours + "/"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ours + "/", "Referer", "https://evil.test/"}, http.StatusForbidden},
		{[]string{"Origin", "null", "Referer", ours + "/", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{[]string{"Origin", "https://evil.test", "Referer", ours + "/"}, http.StatusForbidden},
		{[]string{"Referer", ours + "/"}, http.StatusForbidden},
	} {
		if rec := h.ask(http.MethodPost, "/guarded", "a=b",
			append(tc.header, "Content-Type", formType)...); rec.Code != tc.want {
			t.Errorf("%v: %d, want %d", tc.header, rec.Code, tc.want)
		}
	}
}

func TestSameOriginProofGivenTwiceIsNone(t *testing.T) {
	h := open(t, ours)
	h.Mux().Post("/guarded", ok)
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin"},
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site", "Origin", ours},
		{"Origin", ours, "Origin", ours},
		{"Sec-Fetch-Site", "same-origin", "Origin", "null", "Origin", "https://evil.test"},
		{"Sec-Fetch-Site", "same-origin", "Origin", ours, "Origin", "https://evil.test"},
	} {
		if rec := h.ask(http.MethodPost, "/guarded", "a=b",
			append(header, "Content-Type", formType)...); rec.Code != http.StatusForbidden {
			t.Errorf("%v: %d", header, rec.Code)
		}
	}
}

func TestEveryFormIsGuarded(t *testing.T) {
	h := open(t, ours)
	h.Mux().Post("/form", ok)
	h.Mux().Get("/form", ok)
	for _, r := range h.Mux().Routes() {
		if r.Class != "form" {
			continue
		}
		if r.Method != http.MethodPost {
			t.Errorf("%+v changes something by %s", r, r.Method)
		}
		if rec := h.ask(r.Method, r.Pattern, "lang=es", "Content-Type", formType); rec.Code != http.StatusForbidden {
			t.Errorf("%+v: %d", r, rec.Code)
		}
	}
}

func TestParseFormIsStrict(t *testing.T) {
	h := open(t, ours)
	var got string
	h.Mux().Post("/form", func(_ http.ResponseWriter, r *http.Request) error {
		got = fmt.Sprint(r.PostForm, r.Form)
		return nil
	}, "many")
	long := strings.Repeat("a", maxBody-2)
	for _, tc := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"a form", formType, "a=1&b=%C3%A9+x", 200, "map[a:[1] b:[é x]] map[a:[1] b:[é x]]"},
		{"with a charset", formType + "; charset=UTF-8", "a=1", 200, "map[a:[1]] map[a:[1]]"},
		{"empty", formType, "", 200, "map[] map[]"},
		{"a field that may repeat", formType, "many=1&many=2", 200, "map[many:[1 2]] map[many:[1 2]]"},
		{"a field given twice", formType, "a=1&a=2", 400, ""},
		{"given twice in another spelling", formType, "a=1&%61=1", 400, ""},
		{"a bad escape", formType, "a=%zz", 400, ""},
		{"half an escape", formType, "a=%", 400, ""},
		{"a semicolon", formType, "a=1;b=2", 400, ""},
		{"NUL", formType, "a=%00", 400, ""},
		{"NUL in a name", formType, "%00=a", 400, ""},
		{"no UTF-8", formType, "a=%ff", 400, ""},
		{"no UTF-8 in a name", formType, "%c3=1", 400, ""},
		{"overlong UTF-8", formType, "a=%c0%ae", 400, ""},
		{"a surrogate", formType, "a=%ed%a0%80", 400, ""},
		{"no UTF-8 where a field may repeat", formType, "many=1&many=%ff", 400, ""},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415, ""},
		{"plain text", "text/plain", "a=1", 415, ""},
		{"JSON", "application/json", `{"a":1}`, 415, ""},
		{"no media type", "", "a=1", 415, ""},
		{"two media types", formType + ", text/plain", "a=1", 415, ""},
		{"as large as may be", formType, "a=" + long, 200, "map[a:[" + long + "]] map[a:[" + long + "]]"},
		{"too large by one", formType, "a=" + long + "a", 413, ""},
	} {
		got = ""
		rec := h.ask(http.MethodPost, "/form?a=query&c=query", tc.body, "Sec-Fetch-Site", "same-origin",
			"Content-Type", tc.kind)
		if rec.Code != tc.status || got != tc.want {
			t.Errorf("%s: %d %.80s, want %d %.80s", tc.name, rec.Code, got, tc.status, tc.want)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestABodyThatBreaksOffIsMalformed(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("a=1"), broken{}))
	r.Header.Set("Content-Type", formType)
	if err := ParseForm(httptest.NewRecorder(), r); !errors.Is(err, errMalformed) || r.PostForm != nil {
		t.Errorf("%v, %v", err, r.PostForm)
	}
}

func FuzzParseForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=1&a=2", "a=%00", "a;b", "%", "a=%ff", "=&=", "&&", "many=1&many=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/?a=query", strings.NewReader(body))
		r.Header.Set("Content-Type", formType)
		if err := ParseForm(httptest.NewRecorder(), r, "many"); err != nil {
			if r.PostForm != nil || r.Form != nil {
				t.Fatalf("%q is refused, and read", body)
			}
			return
		}
		for name, values := range r.Form {
			for _, v := range slices.Concat(values, []string{name}) {
				if strings.ToValidUTF8(v, "") != v || strings.Contains(v, "\x00") || len(values) > 1 && name != "many" {
					t.Fatalf("%q makes %q: %q", body, name, values)
				}
			}
		}
	})
}

// TestAnAddressThatNoDatabaseTakes: what is not UTF-8, or has a NUL, is refused before any
// handler sees it, on every kind of route.
func TestAnAddressThatNoDatabaseTakes(t *testing.T) {
	h := open(t, ours)
	h.mux.Get("/looks/{id}", func(http.ResponseWriter, *http.Request) error { t.Error("a handler saw it"); return nil })
	h.mux.Machine(
		http.MethodGet,
		"/reads",
		func(http.ResponseWriter, *http.Request) error { t.Error("a program's handler saw it"); return nil },
	)
	for _, target := range []string{"/looks/a%00b", "/looks/%ff", "/looks/x?before=%00", "/looks/x?before=a%ffb",
		"/looks/x?%00=1", "/looks/x?ok=1&bad=%c3%28", "/reads?q=%00"} {
		if rec := h.ask(http.MethodGet, target, ""); rec.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}
