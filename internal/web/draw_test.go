package web

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (h house) drawn(t testing.TB, p Page) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := h.Draw(rec, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, p); err != nil {
		t.Fatal(err)
	}
	return rec
}

const hostile = `"><script>alert(1)</script><b onx='&`

func TestAHostileNameIsText(t *testing.T) {
	h := open(t, ours)
	body := h.drawn(t, errorPage{Message: "error.method", RequestID: hostile}).Body.String()
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error(body)
	}
}

func TestRichSentencesEscapeTheirValues(t *testing.T) {
	p := open(t, ours).Catalog.In("en")
	for _, value := range []any{hostile, template.HTML(hostile), "\x003\x00", "{{.App}}", "\x00"} {
		got, err := rich(p, "link.ready.text", []any{"App", value, "Account", "x\x001\x00"})
		plain := strings.NewReplacer("<strong><bdi>", "", "</bdi></strong>", "").Replace(string(got))
		if err != nil || strings.Count(string(got), "<strong><bdi>") != 2 || strings.ContainsAny(plain, `<>"'`) {
			t.Errorf("%q: %s, %v", value, got, err)
		}
	}
	if _, err := rich(p, "no.such.key", nil); err == nil {
		t.Error("an unknown sentence is drawn")
	}
}

func TestOnlyTheStorybookForcesATheme(t *testing.T) {
	h := open(t, ours)
	for _, themed := range []bool{false, true} {
		h.Themed = themed
		body := h.ask(http.MethodGet, "/nothing?theme=dark", "", "Accept", asPage).Body.String()
		if strings.Contains(body, `data-theme="dark"`) != themed {
			t.Errorf("themed %v: %s", themed, body)
		}
	}
	if strings.Contains(h.ask(http.MethodGet, "/nothing?theme=%22x", "", "Accept", asPage).Body.String(),
		"data-theme") {
		t.Error("a theme that is none")
	}
}

// The switch of language comes back to the page, but never to an address that is unknown.
func TestTheLanguageSwitchComesBack(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/page", func(rw http.ResponseWriter, r *http.Request) error {
		return h.Draw(rw, r, 200, errorPage{Message: "error.method"})
	})
	for path, want := range map[string]string{"/page": "/page", "/page?a=1": "/page?a=1", "/nothing": "/"} {
		body := h.ask(http.MethodGet, path, "", "Accept", asPage).Body.String()
		if !strings.Contains(body, `name="back" value="`+want+`"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}
