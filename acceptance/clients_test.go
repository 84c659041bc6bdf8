package acceptance

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// The library go-oidc checks issuer, signature, audience, nonce and at_hash in every test
// of this package; here the rest of its surface.
func TestClients_GoOIDC(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		p := w.Person(t)
		tokens := p.SignIn(t, app, u)
		if tokens.Claims.Email != u.Email || tokens.Claims.Name != u.Name || tokens.Claims.SID == "" ||
			tokens.Claims.AtHash == "" {
			t.Errorf("claims: %+v", tokens.Claims)
		}
		status, _, info := app.UserInfo(t, tokens.Raw.AccessToken)
		if status != 200 || info["sub"] != tokens.Claims.Subject || info["email"] != u.Email ||
			info["acr"] != rig.Level1e {
			t.Errorf("userinfo: %d %v", status, info)
		}
		next, err := app.Refresh(tokens.Raw.RefreshToken)
		if err != nil || next.RefreshToken == tokens.Raw.RefreshToken || next.AccessToken == tokens.Raw.AccessToken {
			t.Errorf("refresh: %v", err)
		}
		again := p.Again(t, app)
		if again.Claims.Subject != tokens.Claims.Subject || again.Claims.AuthTime != tokens.Claims.AuthTime {
			t.Error("the second visit is someone else or somewhen else")
		}
	})
}

func TestClients_EveryKindOfApp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for _, kind := range []string{"confidential", "public", "native"} {
			app := w.NewApp(t, w.Unique(kind), kind)
			tokens := w.Person(t).SignIn(t, app, w.Covered(t).User(t))
			if _, err := app.Refresh(tokens.Raw.RefreshToken); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		plain := *w.Dashboard(t)
		plain.Scopes = []string{"openid"}
		tokens := w.Person(t).SignIn(t, &plain, w.Covered(t).User(t))
		if tokens.Raw.RefreshToken != "" || tokens.Claims.Email != "" || tokens.Claims.Name != "" {
			t.Errorf("more than was asked for: %+v", tokens.Claims)
		}
	})
}

// The names are those of the OpenID Foundation's Basic OP plan.
func TestClients_BasicProvider(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		p := w.Person(t)
		tokens := p.SignIn(t, app, u)
		for name, ask := range map[string][]string{
			"oidcc-ensure-request-with-unknown-parameter-succeeds": {"unknown", "parameter"},
			"oidcc-display-page": {"display", "page"}, "oidcc-display-popup": {"display", "popup"},
			"oidcc-ui-locales": {"ui_locales", "se"}, "oidcc-claims-locales": {"claims_locales", "se"},
			"oidcc-login-hint": {"login_hint", u.Email},
			"oidcc-ensure-request-with-acr-values-succeeds": {"acr_values", rig.Level1e + " " + rig.Level1},
			"oidcc-max-age-10000":                           {"max_age", "10000"},
			"oidcc-prompt-none-logged-in":                   {"prompt", "none"},
			"oidcc-id-token-hint":                           {"prompt", "none", "id_token_hint", tokens.IDToken},
			"oidcc-scope-address":                           {"scope", "openid address"},
			"oidcc-scope-phone":                             {"scope", "openid phone"},
			"oidcc-scope-all":                               {"scope", "openid profile email address phone"},
		} {
			t.Run(name, func(t *testing.T) {
				visit := app.Visit(ask...)
				app.Finish(t, visit, p.Visit(visit))
			})
		}
		t.Run("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", func(t *testing.T) {
			visit := app.Visit()
			visit.URL, visit.Nonce = without(visit.URL, "nonce"), ""
			app.Finish(t, visit, p.Visit(visit))
		})
		t.Run("oidcc-ensure-post-request-succeeds", func(t *testing.T) {
			visit := app.Visit()
			u, _ := url.Parse(visit.URL)
			req := p.Request(http.MethodPost, "/authorize", u.Query())
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			req.Header.Set("Origin", "https://dashboard.example.test")
			app.Finish(t, visit, p.Open(req))
		})
		t.Run("oidcc-response-type-missing", func(t *testing.T) {
			visit := app.Visit()
			visit.URL = without(visit.URL, "response_type")
			if pg := p.Visit(visit); pg.Left != nil && pg.Left.Query().Get("error") == "" {
				t.Errorf("%v", pg.Left)
			}
		})
		t.Run("oidcc-userinfo-post", func(t *testing.T) { userinfoByPost(t, app, tokens.Raw.AccessToken) })
		t.Run("oidcc-server-client-secret-post", func(t *testing.T) {
			visit, code := granted(t, app, p)
			v := with(with(redeem(app, code, visit.Verifier), "client_id", app.ID), "client_secret", app.Secret)
			if status, body := app.Token(t, "", "", v); status != 200 {
				t.Errorf("%d %v", status, body)
			}
		})
	})
}

func userinfoByPost(t *testing.T, app *rig.App, bearer string) {
	t.Helper()
	for _, inBody := range []bool{true, false} {
		body := ""
		if inBody {
			body = form("access_token", bearer).Encode()
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rig.PublicURL+"/userinfo",
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if req.Header.Set("Content-Type", "application/x-www-form-urlencoded"); !inBody {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		if res, answer := app.Do(t, req); res.StatusCode != 200 {
			t.Errorf("in the body %v: %d %s", inBody, res.StatusCode, answer)
		}
	}
}

// script is the conversation with the Node app.
type script struct {
	Go          string         `json:"go"`
	Claims      map[string]any `json:"claims"`
	Info        map[string]any `json:"info"`
	Replay      string         `json:"replay"`
	Rotated     bool           `json:"rotated"`
	Reuse       string         `json:"reuse"`
	Verifier    string         `json:"verifier"`
	OtherIssuer string         `json:"otherIssuer"`
	End         string         `json:"end"`
}

func TestClients_OpenIDClient(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.NewApp(t, w.Unique("node"), "confidential")
		u := w.Covered(t).User(t)
		p := w.Person(t)
		cmd := exec.CommandContext(t.Context(), "node", "node/oidc.mjs")
		cmd.Env = append(os.Environ(), "ISSUER="+rig.PublicURL, "ADDRESS="+w.A.Addr, "CLIENT_ID="+app.ID,
			"CLIENT_SECRET="+app.Secret,
			"REDIRECT_URI="+app.Redirect, "POST_LOGOUT_URI="+app.Home+"signed-out", "NODE_EXTRA_CA_CERTS="+w.CAFile())
		var complaints strings.Builder
		cmd.Stderr = &complaints
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Wait() }()
		var last script
		for lines := bufio.NewScanner(out); lines.Scan(); {
			last = script{}
			if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
				t.Fatalf("%v: %s", err, lines.Text())
			}
			if last.Go == "" {
				break
			}
			back, _ := json.Marshal(map[string]string{"back": wander(t, w, p, u, last.Go)})
			if _, err := in.Write(append(back, '\n')); err != nil {
				t.Fatalf("%v %s", err, complaints.String())
			}
		}
		if last.Claims == nil {
			t.Fatalf("openid-client gave up: %s", complaints.String())
		}
		judge(t, last, u)
		if pg := p.Get(last.End); pg.Left == nil || pg.Left.String() != app.Home+"signed-out?state=bye" {
			t.Errorf("sign-out: status %d, left %v", pg.Status, pg.Left)
		}
	})
}

// wander brings the browser from the app through whatever is asked and back.
func wander(t *testing.T, w *rig.World, p *rig.Person, u *rig.User, address string) string {
	t.Helper()
	pg := p.Get(address)
	if _, ok := pg.Form(rig.PathPassword); ok {
		p.Password(u.Email, u.Password)
		pg = p.Code(codeMail(t, w, u, 1).Code)
	}
	return left(t, pg).Left.String()
}

func judge(t *testing.T, s script, u *rig.User) {
	t.Helper()
	if s.Claims["acr"] != rig.Level1e || s.Claims["email"] != u.Email || s.Info["email"] != u.Email {
		t.Errorf("claims %v, userinfo %v", s.Claims, s.Info)
	}
	if s.Replay != "invalid_grant" || s.Reuse != "invalid_grant" || s.Verifier != "invalid_grant" || !s.Rotated {
		t.Errorf("replay %s, reuse %s, wrong verifier %s, rotated %v", s.Replay, s.Reuse, s.Verifier, s.Rotated)
	}
	if s.OtherIssuer == "accepted" {
		t.Error("the library takes an answer of another issuer")
	}
}

// TestClients_UILocales: an app that shows itself in Spanish leads to pages in Spanish, from
// the password to the code, whatever the browser asks for.
func TestClients_UILocales(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		app, p := w.Dashboard(t), w.Person(t)
		for name, pg := range map[string]*rig.Page{"sign-in": p.Visit(app.Visit("ui_locales", "tlh es-MX")),
			"code": p.Password(u.Email, u.Password)} {
			if !strings.Contains(pg.Body, `<html lang="es">`) {
				t.Errorf("%s: not in Spanish", name)
			}
		}
		if pg := p.Visit(app.Visit()); !strings.Contains(pg.Body, `<html lang="en">`) {
			t.Error("the wish outlived the visit that it came with")
		}
	})
}
