package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: within, outside and outsidePage in internal/web
func TestBelowAPath_APersonSignsIn(t *testing.T) {
	const base = "/tools/sign-in"
	const public = rig.PublicURL + base
	rig.EachFresh(t, rig.Options{Env: []string{"COUNTERSIGN_PUBLIC_URL=" + public}}, func(t *testing.T, w *rig.World) {
		app, u := w.Dashboard(t), w.Covered(t).User(t)
		b := w.Chromium(t).Tab(t)
		b.Go(public + strings.TrimPrefix(app.Visit().URL, rig.PublicURL))
		b.Type(emailField, u.Email)
		b.Type(passwordField, u.Password)
		b.Click(strings.ReplaceAll(signIn, `"/`, `"`+base+`/`))
		b.See(codeField)
		mail := w.Sink.Code(t, u.Email, 1)
		if !strings.Contains(mail.Text, public+"/l/") || strings.Contains(mail.Text, rig.PublicURL+"/l/") {
			t.Errorf("the mail leads elsewhere: %s", mail.Text)
		}
		b.Type(codeField, mail.Code)
		b.Click(strings.ReplaceAll(submitCode, `"/`, `"`+base+`/`))
		if at := b.AwaitAt(app.Redirect + "?"); !strings.Contains(at,
			"iss=https%3A%2F%2Fsign-in.example.test%2Ftools%2Fsign-in") {
			t.Errorf("the app is sent to %s", at)
		}
		for _, page := range []string{"/", "/profile", "/profile/activity", "/why", "/signin?other"} {
			b.Go(public + page)
			if stray := rig.Eval[string](b, `[...document.querySelectorAll("[href],[src],[action],[formaction]")]
				.flatMap(e => ["href", "src", "action", "formaction"].map(a => e.getAttribute(a)))
				.filter(a => a && a.startsWith("/") && !a.startsWith("`+base+`/")).join(" ")`); stray != "" {
				t.Errorf("%s leads to %s", page, stray)
			}
		}
		for _, one := range b.Loaded() {
			if strings.HasPrefix(one.URL, rig.PublicURL) &&
				(!strings.HasPrefix(one.URL, public) || one.Status >= 400) &&
				!strings.HasSuffix(one.URL, "/favicon.ico") {
				t.Errorf("%s: %d", one.URL, one.Status)
			}
		}
		rig.Eval[string](b, `(navigator.serviceWorker.register("`+base+`/receiver-sw.js", {scope: "`+base+
			`/receiver"}).then(r => { window.scope = r.scope }), "")`)
		rig.Within(t, wait, "the receiver's worker is there", func() bool {
			return rig.Eval[string](b, `window.scope || ""`) == public+"/receiver"
		})
		p := w.Person(t)
		var m struct {
			ID    string `json:"id"`
			Start string `json:"start_url"`
			Scope string `json:"scope"`
			Icons []struct {
				Src string `json:"src"`
			} `json:"icons"`
		}
		if err := json.Unmarshal([]byte(p.Get(base+"/receiver.webmanifest").Body), &m); err != nil ||
			len(m.Icons) == 0 {
			t.Fatal(err, m)
		}
		for _, at := range []string{m.ID, m.Start, m.Scope, m.Icons[0].Src} {
			if !strings.HasPrefix(at, base+"/") {
				t.Errorf("the receiver's manifest leads to %s", at)
			}
		}
		p.Get(m.Icons[0].Src).Expect(t, http.StatusOK)
		var about map[string]any
		if err := json.Unmarshal([]byte(p.Get(base+"/.well-known/openid-configuration").Body), &about); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
			"userinfo_endpoint", "end_session_endpoint"} {
			if at, _ := about[name].(string); !strings.HasPrefix(at, public) {
				t.Errorf("%s is %v", name, about[name])
			}
		}
		if pg := p.Get("/signin"); pg.Status != http.StatusOK ||
			!strings.Contains(pg.Body, `action="`+base+`/signin/password"`) { // by a proxy that takes the path off
			t.Errorf("%d %s", pg.Status, rig.Quietly(pg.Text()))
		}
		for _, near := range []string{base + "x/signin", "/tools/signin", base + base + "/signin",
			base + "//evil.example"} {
			if pg := p.Get(near); pg.Status != http.StatusNotFound && pg.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", near, pg.Status)
			}
		}
	})
}
