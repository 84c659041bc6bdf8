package acceptance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

func b64(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// forgeries returns tokens that look like the true one and are not ours.
func forgeries(t *testing.T, genuine string, set []byte, trap string) map[string]string {
	t.Helper()
	parts := strings.Split(genuine, ".")
	rawHead, _ := base64.RawURLEncoding.DecodeString(parts[0])
	var head map[string]any
	if err := json.Unmarshal(rawHead, &head); err != nil {
		t.Fatal(err)
	}
	as := func(changes map[string]any) string {
		h := maps.Clone(head)
		for k, v := range changes {
			if h[k] = v; v == nil {
				delete(h, k)
			}
		}
		return b64(h) + "." + parts[1]
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := func(body string) string { return body + "." + es256(t, key, body) }
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": coordinate(key, 0), "y": coordinate(key, 32),
		"kid": head["kid"]}
	zero := base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	mac := hmac.New(sha256.New, set)
	confused := as(map[string]any{"alg": "HS256"})
	mac.Write([]byte(confused))
	var claims map[string]any
	rawClaims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(rawClaims, &claims)
	claims["sub"] = "someone-else"
	return map[string]string{
		"none": as(map[string]any{"alg": "none"}) + ".", "None": as(map[string]any{"alg": "None"}) + ".",
		"nOnE signed":               as(map[string]any{"alg": "nOnE"}) + "." + parts[2],
		"HS256 with the public key": confused + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"psychic":                   as(nil) + "." + zero, "empty signature": as(nil) + ".",
		"other key, same kid": own(as(nil)), "other key, no kid": own(as(map[string]any{"kid": nil})),
		"kid path": own(as(map[string]any{"kid": "../../../dev/null"})),
		"kid SQL":  own(as(map[string]any{"kid": "' OR 1=1 --"})),
		"jwk":      own(as(map[string]any{"jwk": jwk})), "jku": own(as(map[string]any{"jku": trap, "kid": "x"})),
		"x5u":          own(as(map[string]any{"x5u": trap, "kid": "x"})),
		"x5c":          own(as(map[string]any{"x5c": []string{"AAAA"}})),
		"crit":         as(map[string]any{"crit": []string{"exp"}}) + "." + parts[2],
		"other claims": parts[0] + "." + b64(claims) + "." + parts[2],
		"no kid":       as(map[string]any{"kid": nil}) + "." + parts[2],
		"nested": b64(map[string]any{"alg": "none", "cty": "JWT"}) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(genuine)) + ".",
		"two dots": "..", "five parts": genuine + ".a.b",
		"flipped bit": genuine[:len(genuine)-4] + flip(genuine[len(genuine)-4:]), "empty": "", "not base64": "a.b.c",
	}
}

func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func coordinate(key *ecdsa.PrivateKey, from int) string {
	raw, _ := key.PublicKey.Bytes() // 4 ‖ x ‖ y
	return base64.RawURLEncoding.EncodeToString(raw[1+from : 33+from])
}

func es256(t *testing.T, key *ecdsa.PrivateKey, body string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return base64.RawURLEncoding.EncodeToString(out)
}

// guard: the algorithm list is [ES256], keys come from our own set by kid
func TestATK139_JWTAlgorithmGames(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		trap, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = trap.Close() }()
		fetched := make(chan struct{}, 1)
		go func() {
			if c, err := trap.Accept(); err == nil {
				_ = c.Close()
				fetched <- struct{}{}
			}
		}()
		app := w.Dashboard(t)
		p := w.Person(t)
		tokens := p.SignIn(t, app, w.Covered(t).User(t))
		address := "http://" + trap.Addr().String() + "/keys"
		set := p.Get("/jwks").Body
		for name, forged := range forgeries(t, tokens.Raw.AccessToken, []byte(set), address) {
			if status, _, body := app.UserInfo(t, forged); status != 401 && !(forged == "" && status == 400) {
				t.Errorf("%s as a bearer: %d %v", name, status, body)
			}
		}
		for name, forged := range forgeries(t, tokens.IDToken, []byte(set), address) {
			pg := p.Twin().Get("/logout?id_token_hint=" + url.QueryEscape(forged) + "&post_logout_redirect_uri=" +
				url.QueryEscape(app.Home+"signed-out"))
			if pg.Left != nil || pg.Status >= 500 {
				t.Errorf("%s as a hint: status %d, left %v", name, pg.Status, pg.Left)
			}
		}
		if !p.SignedIn() {
			t.Error("a forged hint signed someone out")
		}
		select {
		case <-fetched:
			t.Error("the program fetched an address from a token")
		case <-time.After(200 * time.Millisecond):
		}
	})
}

// guard: typ at+jwt, exactly; hints are ID tokens
func TestATK140_TokenTypeSwap(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p := w.Person(t)
		tokens := p.SignIn(t, app, w.Covered(t).User(t))
		for name, token := range map[string]string{"ID token": tokens.IDToken, "refresh token": tokens.Raw.RefreshToken,
			"session": p.Cookie("session")} {
			if status, www, _ := app.UserInfo(t, token); status != 401 || !strings.Contains(www, "invalid_token") {
				t.Errorf("%s as a bearer: %d %s", name, status, www)
			}
		}
		if pg := p.Twin().Get("/logout?id_token_hint=" + url.QueryEscape(tokens.Raw.AccessToken) +
			"&post_logout_redirect_uri=" + url.QueryEscape(app.Home+"signed-out")); pg.Left != nil {
			t.Errorf("an access token as a hint leads to %s", pg.Left)
		}
		for _, token := range []string{tokens.Raw.AccessToken, tokens.IDToken, p.Cookie("session")} {
			if status, body := app.Token(t, app.ID, app.Secret,
				form("grant_type", "refresh_token", "refresh_token", token)); status != 400 ||
				body["error"] != "invalid_grant" {
				t.Errorf("another token as a refresh token: %d %v", status, body)
			}
		}
		if status, _, _ := app.UserInfo(t, tokens.Raw.AccessToken); status != 200 || !p.SignedIn() {
			t.Errorf("the true one: %d", status)
		}
	})
}

// guard: frame-ancestors 'none' on every page
func TestATK146_Clickjacking(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), w.Covered(t).User(t))
		for _, path := range []string{"/signin", rig.PathCode, mail.Link, mail.NotMe, "/why", "/logout",
			"/nothing-here", w.Dashboard(t).Visit("client_id", "nobody").URL} {
			csp := p.Get(path).Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("%.40s may be framed: %q", path, csp)
			}
		}
	})
}

// guard: oidc.logout needs a hint of the same session; exact post-logout addresses
func TestATK147_ForcedAndOpenLogout(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		p, other := w.Person(t), w.Person(t)
		mine := p.SignIn(t, app, w.Covered(t).User(t))
		theirs := other.SignIn(t, app, w.Covered(t).User(t))
		good := app.Home + "signed-out"
		for name, query := range map[string]url.Values{
			"nothing": {}, "no hint": form("post_logout_redirect_uri", good),
			"someone else's hint": form("id_token_hint", theirs.IDToken, "post_logout_redirect_uri", good),
			"unregistered": form("id_token_hint", mine.IDToken, "post_logout_redirect_uri",
				"https://evil.test/"),
			"suffix": form("id_token_hint", mine.IDToken, "post_logout_redirect_uri", good+"/x"),
		} {
			tab := p.Twin()
			pg := tab.Get("/logout?" + query.Encode())
			if pg.Left != nil {
				t.Errorf("%s: sent to %s", name, pg.Left)
			}
			if name == "nothing" || name == "no hint" || name == "someone else's hint" {
				if !p.SignedIn() {
					t.Fatalf("%s: signed out without being asked", name)
				}
			}
		}
		if p.SignedIn() {
			visit := form("id_token_hint", mine.IDToken, "post_logout_redirect_uri", good, "state", "back")
			pg := p.Get("/logout?" + visit.Encode())
			if pg.Left == nil || pg.Left.String() != good+"?state=back" {
				t.Errorf("a right logout: status %d, left %v", pg.Status, pg.Left)
			}
		}
		if p.SignedIn() {
			t.Error("still signed in after a right logout")
		}
		if !other.SignedIn() {
			t.Error("someone else was signed out")
		}
	})
}

// guard: client.CheckSecret never matches an empty secret; one method at a time
func TestATK148_ClientAuthentication(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app, other := w.Dashboard(t), w.Console(t)
		p := w.Person(t)
		p.SignIn(t, app, w.Covered(t).User(t))
		for name, try := range map[string]func(url.Values) (int, map[string]any){
			"no secret": func(v url.Values) (int,
				map[string]any) {
				return app.Token(t, "", "", with(v, "client_id", app.ID))
			},
			"empty secret": func(v url.Values) (int, map[string]any) { return app.Token(t, app.ID, "", v) },
			"empty secret in form": func(v url.Values) (int, map[string]any) {
				return app.Token(t, "", "", with(with(v, "client_id", app.ID), "client_secret", ""))
			},
			"other's Basic": func(v url.Values) (int, map[string]any) { return app.Token(t, other.ID, app.Secret, v) },
			"both methods": func(v url.Values) (int, map[string]any) {
				return app.Token(t, app.ID, app.Secret, with(with(v, "client_id", app.ID), "client_secret", app.Secret))
			},
			"unknown client": func(v url.Values) (int, map[string]any) { return app.Token(t, "nobody", app.Secret, v) },
			"nobody":         func(v url.Values) (int, map[string]any) { return app.Token(t, "", "", v) },
		} {
			visit, code := granted(t, app, p)
			status, body := try(redeem(app, code, visit.Verifier))
			if e := body["error"]; status != 401 && status != 400 || e != "invalid_client" && e != "invalid_request" {
				t.Errorf("%s: %d %v", name, status, body)
			}
		}
		visit, code := granted(t, app, p)
		v := redeem(app, code, visit.Verifier)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost,
			rig.PublicURL+"/token?client_id="+app.ID+"&client_secret="+url.QueryEscape(app.Secret),
			strings.NewReader(v.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res, _ := app.Do(t, req); res.StatusCode == 200 {
			t.Error("a secret in the query is believed")
		}
	})
}

// guard: keyring publishes a key before it signs, and keeps it until its last token is over
func TestATK150_KeyRotation(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		p := w.Person(t)
		before := p.SignIn(t, app, u)
		app.Provider(t) // a cached key set
		w.CLI(t, "keys", "rotate")
		for _, step := range []time.Duration{6 * time.Second, 5 * time.Minute, 6 * time.Minute, 5 * time.Minute} {
			w.Advance(t, step)
			visit := app.Visit()
			now := app.Finish(t, visit, p.Visit(visit)) // the library verifies
			if status, _, _ := app.UserInfo(t, now.Raw.AccessToken); status != 200 {
				t.Errorf("a token just signed: %d", status)
			}
		}
		visit := app.Visit()
		after := app.Finish(t, visit, p.Visit(visit))
		if keyID(before.IDToken) == keyID(after.IDToken) {
			t.Error("the new key does not sign")
		}
		w.Advance(t, 24*time.Hour)
		if set := p.Get("/jwks").Body; strings.Contains(set, keyID(before.IDToken)) {
			t.Error("the old key is still published")
		}
	})
}

func keyID(token string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var head struct{ Kid string }
	_ = json.Unmarshal(raw, &head)
	return head.Kid
}

// guard: oidc.userinfo asks gate.CheckSessionByID with the app's needs (RFC 9470)
func TestATK151_StepUpSignalling(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "default_off")
		u := company.User(t)
		p := w.Person(t)
		app := w.Dashboard(t)
		visit := app.Visit()
		p.Visit(visit)
		low := app.Finish(t, visit, p.Password(u.Email, u.Password))
		if status, _, body := app.UserInfo(t, low.Raw.AccessToken); status != 200 || body["acr"] != rig.Level1 {
			t.Fatalf("before: %d %v", status, body)
		}
		w.CLI(t, "tenant", "set", company.ID, "--switch", "on")
		rig.Within(t, 5*time.Second, "the token is not enough", func() bool {
			status, _, _ := app.UserInfo(t, low.Raw.AccessToken)
			return status == 401
		})
		status, www, _ := app.UserInfo(t, low.Raw.AccessToken)
		if status != 401 || !strings.Contains(www, `error="insufficient_user_authentication"`) ||
			!strings.Contains(www, "acr_values=") {
			t.Errorf("below the level: %d %s", status, www)
		}
		again := app.Visit("acr_values", rig.Level1e)
		p.Visit(again)
		atCode(t, p.StepUp())
		high := app.Finish(t, again, p.Code(codeMail(t, w, u, 1).Code))
		if status, _, body := app.UserInfo(t, high.Raw.AccessToken); status != 200 || body["acr"] != rig.Level1e {
			t.Errorf("after the step-up: %d %v", status, body)
		}
	})
}
