package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: client.AllowsRedirect compares whole strings
func TestATK133_RedirectURI(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		good := app.Redirect
		p := w.Person(t)
		for _, bad := range []string{
			good + "/x", good + "x", "https://evil.test/" + good, strings.TrimSuffix(good, "callback"), good + "?a=b",
			good + "#f", strings.Replace(good, ".test/", ".test:444/", 1),
			strings.Replace(good, "https://", "https://app.test@", 1),
			strings.Replace(good, "https://", "https://evil.test@", 1),
			strings.Replace(good, ".test/", ".test.evil.test/", 1),
			strings.Replace(good, "example", "exаmple", 1), strings.ToUpper(good[:20]) + good[20:],
			strings.Replace(good, "callback", "Callback", 1),
			strings.Replace(good, "/callback", "/%2e%2e/callback", 1),
			strings.Replace(good, "/callback", "//callback", 1), strings.Replace(good, "https", "http", 1), "",
			"javascript:alert(1)", good + "\n", " " + good,
		} {
			pg := p.Send(p.Request(http.MethodGet, app.Visit("redirect_uri", bad).URL, nil))
			if pg.Header.Get("Location") != "" || pg.Status < 400 || pg.Status >= 500 {
				t.Errorf("%q: status %d, location %q", bad, pg.Status, pg.Header.Get("Location"))
			}
		}
		twice := p.Send(p.Request(http.MethodGet,
			app.Visit().URL+"&redirect_uri="+url.QueryEscape("https://evil.test/"), nil))
		missing := p.Send(p.Request(http.MethodGet, without(app.Visit().URL, "redirect_uri"), nil))
		for _, pg := range []*rig.Page{twice, missing} {
			if pg.Header.Get("Location") != "" || pg.Status < 400 {
				t.Errorf("two or none: status %d, location %q", pg.Status, pg.Header.Get("Location"))
			}
		}
		loopback(t, w, p)
	})
}

// loopback: any port of 127.0.0.1 is allowed to native apps alone (RFC 8252 section 7.3).
func loopback(t *testing.T, w *rig.World, p *rig.Person) {
	t.Helper()
	native := w.NewAppAt(t, w.Unique("native"), "native", "http://127.0.0.1/callback")
	public := w.NewAppAt(t, w.Unique("public"), "public", "http://127.0.0.1/callback")
	atPassword(t, p.Visit(native.Visit("redirect_uri", "http://127.0.0.1:51234/callback")))
	for app, bad := range map[*rig.App]string{public: "http://127.0.0.1:51234/callback",
		native: "http://127.0.0.1:51234/other"} {
		if pg := p.Send(p.Request(http.MethodGet, app.Visit("redirect_uri", bad).URL,
			nil)); pg.Header.Get("Location") != "" || pg.Status < 400 {
			t.Errorf("%s %s: status %d", app, bad, pg.Status)
		}
	}
}

// without removes a parameter from an address.
func without(address, name string) string {
	u, _ := url.Parse(address)
	q := u.Query()
	q.Del(name)
	u.RawQuery = q.Encode()
	return u.String()
}

// granted brings a person to a fresh authorization code of an app.
func granted(t *testing.T, app *rig.App, p *rig.Person) (*rig.Visit, string) {
	t.Helper()
	visit := app.Visit()
	return visit, app.Callback(t, visit, p.Visit(visit)).Get("code")
}

// guard: PKCE S256 is required of every client
func TestATK134_PKCEDowngrade(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p := w.Person(t)
		p.SignIn(t, app, w.Covered(t).User(t))
		for _, address := range []string{
			without(app.Visit().URL, "code_challenge"), without(app.Visit().URL, "code_challenge_method"),
			app.Visit("code_challenge_method", "plain").URL,
			app.Visit("code_challenge_method", "s256").URL, app.Visit("code_challenge", "short").URL,
			without(without(app.Visit().URL, "code_challenge"), "code_challenge_method"),
		} {
			pg := p.Get(address)
			if pg.Left == nil || pg.Left.Query().Get("error") != "invalid_request" ||
				pg.Left.Query().Get("code") != "" {
				t.Errorf("%s: %v, status %d", address[len(rig.PublicURL):], pg.Left, pg.Status)
			}
		}
		for _, verifier := range []string{"", strings.Repeat("a", 42), strings.Repeat("a", 43),
			strings.Repeat("a", 129)} {
			_, code := granted(t, app, p)
			if status, body := app.Token(t, app.ID, app.Secret, redeem(app, code, verifier)); status != 400 ||
				body["error"] != "invalid_grant" && body["error"] != "invalid_request" {
				t.Errorf("verifier of %d: %d %v", len(verifier), status, body)
			}
		}
	})
}

func redeem(app *rig.App, code, verifier string) url.Values {
	v := form("grant_type", "authorization_code", "code", code, "redirect_uri", app.Redirect)
	if verifier != "" {
		v.Set("code_verifier", verifier)
	}
	return v
}

// guard: grant.Redeem compares the client and burns the code at any mismatch
func TestATK135_CodeOfOneClientAtAnother(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		a, b := w.Dashboard(t), w.Console(t)
		p := w.Person(t)
		p.SignIn(t, a, w.Covered(t).User(t))
		tries := map[string]func(code, verifier string) (int, map[string]any){
			"B's credentials": func(c, v string) (int,
				map[string]any) {
				return a.Token(t, b.ID, b.Secret, redeem(a, c, v))
			},
			"other redirect": func(c, v string) (int, map[string]any) {
				return a.Token(t, a.ID, a.Secret, with(redeem(a, c, v), "redirect_uri", b.Redirect))
			},
			"other verifier": func(c, _ string) (int, map[string]any) {
				return a.Token(t, a.ID, a.Secret, redeem(a, c, strings.Repeat("b", 43)))
			},
		}
		for name, try := range tries {
			visit, code := granted(t, a, p)
			if status, body := try(code, visit.Verifier); status != 400 || body["error"] != "invalid_grant" {
				t.Errorf("%s: %d %v", name, status, body)
			}
			if _, err := a.Redeem(code, visit.Verifier); err == nil {
				t.Errorf("%s: the code is still good afterwards", name)
			}
		}
		visit, code := granted(t, a, p)
		if status, body := a.Token(t, a.ID, b.Secret, redeem(a, code, visit.Verifier)); status != 401 ||
			body["error"] != "invalid_client" {
			t.Errorf("A's id with B's secret: %d %v", status, body)
		}
	})
}

func with(v url.Values, key, value string) url.Values {
	v.Set(key, value)
	return v
}

// guard: grant.Redeem redeemed_at = 0; a second redemption ends the family
func TestATK136_CodeReplay(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p := w.Person(t)
		p.SignIn(t, app, w.Covered(t).User(t))
		visit, code := granted(t, app, p)
		first, err := app.Redeem(code, visit.Verifier)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.Redeem(code, visit.Verifier); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
			t.Errorf("second redemption: %v", err)
		}
		if _, err := app.Refresh(first.RefreshToken); err == nil {
			t.Error("the refresh token outlives the replay")
		}
		if status, _, _ := app.UserInfo(t, first.AccessToken); status != 401 {
			t.Errorf("the access token outlives the replay: %d", status)
		}
	})
}

// guard: iss in every authorization response (RFC 9207)
func TestATK138_MixUp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p := w.Person(t)
		p.SignIn(t, app, w.Covered(t).User(t))
		good, bad := app.Visit(), app.Visit("scope", "email")
		app.Callback(t, good, p.Visit(good)) // checks iss
		if q := app.Callback(t, bad, p.Visit(bad)); q.Get("error") == "" {
			t.Errorf("a request without openid: %v", q)
		}
		post := app.Visit("response_mode", "form_post")
		pg := p.Visit(post)
		f, ok := pg.Form(app.Redirect)
		if !ok {
			f, ok = formAt(pg, app.Redirect)
		}
		if !ok || f.Values.Get("iss") != rig.PublicURL || f.Values.Get("code") == "" ||
			f.Values.Get("state") != post.State {
			t.Errorf("form_post: status %d %v", pg.Status, f.Values)
		}
		stranger, silent := w.Person(t), app.Visit("prompt", "none")
		if q := app.Callback(t, silent, stranger.Visit(silent)); q.Get("error") != "login_required" {
			t.Errorf("prompt=none as a stranger: %v", q)
		}
	})
}

func formAt(pg *rig.Page, address string) (rig.Form, bool) {
	for _, f := range pg.Forms() {
		if strings.HasSuffix(address, f.Action) {
			return f, true
		}
	}
	return rig.Form{}, false
}

// guard: grant.rotateToken is a guarded update; an older token ends the family
func TestATK141_RefreshReuse(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		r1 := w.Person(t).SignIn(t, app, u).Raw.RefreshToken
		two, err := app.Refresh(r1)
		if err != nil {
			t.Fatal(err)
		}
		three, err := app.Refresh(two.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Console(t).Refresh(three.RefreshToken); err == nil {
			t.Error("another client may refresh")
		}
		if _, err := app.Refresh(r1); err == nil {
			t.Error("an old refresh token works")
		}
		if _, err := app.Refresh(three.RefreshToken); err == nil {
			t.Error("the family outlives the reuse")
		}
		if status, _, _ := app.UserInfo(t, three.AccessToken); status != 401 {
			t.Errorf("the access token of a family that ended: %d", status)
		}
	})
}

func TestATK141_RefreshRace(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range *rounds {
			app := w.NewApp(t, w.Unique("racer"), "public")
			token := w.Person(t).SignIn(t, app, w.Covered(t).User(t)).Raw.RefreshToken
			stranger := w.Person(t)
			shots := make([]rig.Shot, 20)
			for i := range shots {
				shots[i] = rig.Shot{Person: stranger, Path: "/token",
					Form: form("grant_type", "refresh_token", "refresh_token", token, "client_id", app.ID)}
			}
			pages := rig.Volley(t, shots)
			if n := rig.Count(pages)[200]; n > 2 { // the winner, and one that gets the same token in its grace
				t.Errorf("%d of 20 refreshes worked", n)
			}
		}
	})
}

// guard: acr_values, max_age and prompt reach gate.CheckSession
func TestATK143_AcrMaxAgePrompt(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		p := w.Person(t)
		first := p.SignIn(t, app, u)
		w.Advance(t, 100*time.Second)
		silent := app.Visit("max_age", "10", "prompt", "none")
		if q := app.Callback(t, silent, p.Visit(silent)); q.Get("error") == "" {
			t.Errorf("max_age=10 with prompt=none: %v", q)
		}
		roomy := app.Visit("max_age", "10000")
		same := app.Finish(t, roomy, p.Visit(roomy))
		if same.Claims.AuthTime != first.Claims.AuthTime {
			t.Error("auth_time changed without an authentication")
		}
		for _, ask := range [][]string{{"max_age", "10"}, {"prompt", "login"}, {"max_age", "0"}} {
			visit := app.Visit(ask...)
			atPassword(t, p.Visit(visit))
			sent := len(w.Sink.Codes(u.Email))
			p.Password(u.Email, u.Password)
			pg := p.Page
			if pg.Left == nil {
				pg = p.Code(codeMail(t, w, u, sent+1).Code)
			}
			again := app.Finish(t, visit, pg)
			if again.Claims.AuthTime < first.Claims.AuthTime+60 || again.Claims.AuthTime > w.Now().Unix()+5 {
				t.Errorf("%v: auth_time %d after %d", ask, again.Claims.AuthTime, first.Claims.AuthTime)
			}
			w.Advance(t, 20*time.Second)
		}
		high := app.Visit("acr_values", "urn:countersign:acr:2", "prompt", "none")
		if q := app.Callback(t, high, p.Visit(high)); q.Get("code") != "" || q.Get("error") == "" {
			t.Errorf("a level that no one can reach: %v", q)
		}
		choose := app.Visit("prompt", "none login")
		if q := app.Callback(t, choose, p.Visit(choose)); q.Get("error") != "invalid_request" {
			t.Errorf("prompt=none login: %v", q)
		}
		negative := app.Visit("max_age", "-1")
		if q := app.Callback(t, negative, p.Visit(negative)); q.Get("error") != "invalid_request" {
			t.Errorf("max_age=-1: %v", q)
		}
	})
}

// guard: response_type and response_mode are allow-lists
func TestATK144_ResponseTypes(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p := w.Person(t)
		p.SignIn(t, app, w.Covered(t).User(t))
		for _, ask := range [][]string{
			{"response_type", "token"}, {"response_type", "id_token token"}, {"response_type", "id_token"},
			{"response_type", "code token"}, {"response_type", "code id_token"}, {"response_type", ""},
			{"response_mode", "web_message"}, {"response_mode", "fragment"}, {"response_mode", "jwt"},
			{"request", "eyJhbGciOiJub25lIn0.e30."}, {"request_uri", "https://evil.test/r"},
		} {
			pg := p.Visit(app.Visit(ask...))
			if pg.Left == nil && pg.Status < 400 {
				t.Errorf("%v: status %d", ask, pg.Status)
				continue
			}
			if pg.Left != nil &&
				(pg.Left.Query().Get("error") == "" || pg.Left.Query().Get("code") != "" || pg.Left.Fragment != "") {
				t.Errorf("%v: %s", ask, pg.Left)
			}
		}
	})
}
