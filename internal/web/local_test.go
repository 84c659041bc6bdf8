package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func localHouse(t testing.TB) house {
	h := open(t, ours)
	for _, p := range []string{"/", "/why", "/l/{token}", "/signin"} {
		h.Mux().Get(p, ok)
	}
	h.Mux().Post("/signout", ok)
	return h
}

// evil are the forms in which an address of someone else has been taken for a path.
var evil = []string{
	"", " ", "//evil.test", "///evil.test", "////evil.test/why", `/\evil.test`, `\/evil.test`, `\\evil.test`,
	`/why\..\..\evil.test`,
	"https:evil.test", "https:/evil.test", "https://evil.test/why", "http://sign-in.harbor.example@evil.test/why",
	"https://sign-in.harbor.example.evil.test/why", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
	"data:text/html,x", "vbscript:x",
	"/%2fevil.test", "/%2Fevil.test", "%2f%2fevil.test", "/%5cevil.test", "/%5Cevil.test", "/\t/evil.test",
	"/\n/evil.test",
	"\t//evil.test", "/why\r\nSet-Cookie: a=b", "/why\x00", "/why\x7f", "\u2028//evil.test", "/\uff0fevil.test",
	"\uff0f\uff0fevil.test",
	"/\u2215evil.test", "why", "./why", "../why", "?x", "#x", "/why#//evil.test", "/%zz", "/why%", "/%09/evil.test",
	"/%00", "/signout", "/no-such-page",
	"/assets/0/app.css", "/language", "/.//evil.test", "/..//evil.test", "/why/../..//evil.test",
	"/" + strings.Repeat("a", 5000),
}

var good = []string{"/", "/why", "/why?back=%2Fsignin", "/l/abc-DEF_1", "/signin?to=a.b.c&x=%20", "/?theme=dark",
	"/why?next=//evil.test"}

// ATK-066: only a page of our own is a way back.
func TestATK066_Local(t *testing.T) {
	h := localHouse(t)
	for _, target := range evil {
		if got, ok := h.Mux().Local(target); ok || got != "/" {
			t.Errorf("%q leads to %q", target, got)
		}
	}
	for _, target := range good {
		if got, ok := h.Mux().Local(target); !ok || got != target {
			t.Errorf("%q leads to %q, %v", target, got, ok)
		}
	}
}

func TestATK066_LanguageComesBackHere(t *testing.T) {
	h := localHouse(t)
	for _, target := range evil {
		rec := h.post("/language", url.Values{"lang": {"es"}, "back": {target}}.Encode())
		if to := rec.Header().Get("Location"); rec.Code < 400 && (rec.Code != http.StatusSeeOther || to != "/") {
			t.Errorf("%q: %d to %q", target, rec.Code, to)
		}
	}
	rec := h.post("/language", "lang=es&back=%2Fwhy")
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/why" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	for _, body := range []string{"lang=xx&back=%2Fwhy", "back=%2Fwhy", "lang=ES&back=/"} {
		if rec := h.post("/language", body); rec.Code != http.StatusBadRequest || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", body, rec.Code, rec.Header())
		}
	}
}

var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.\-]*:`)

// leaves reports whether a browser on a page of ours would go to another origin: the URL
// standard drops tabs, line breaks and surrounding control characters, and reads "\" as "/".
func leaves(target string) bool {
	s := strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
	return strings.HasPrefix(s, "//") || scheme.MatchString(s)
}

func FuzzATK066_OwnPath(f *testing.F) {
	for _, s := range append(evil, good...) {
		f.Add(s)
	}
	h := localHouse(f)
	base, err := url.Parse(ours + "/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, ok := ownPath(target)
		if local, known := h.Mux().Local(target); known {
			if !ok || leaves(local) || leaves(target) {
				t.Fatalf("%q leads to %q", target, local)
			}
			if at, err := base.Parse(local); err != nil || at.Host != base.Host || at.Scheme != base.Scheme ||
				at.User != nil {
				t.Fatalf("%q leads to %v, %v", target, at, err)
			}
		}
		if !ok {
			return
		}
		if again := u.RequestURI(); leaves(target) || leaves(again) || leaves(u.Path) || again[0] != '/' ||
			strings.ContainsAny(again, "\r\n\x00") {
			t.Fatalf("%q was taken for the path %q", target, again)
		}
	})
}
