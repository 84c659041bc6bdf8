package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// publishedJSON fetches a public JSON document.
func publishedJSON(t *testing.T, app *rig.App, path string) (out map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rig.PublicURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, body := app.Do(t, req)
	if err := json.Unmarshal(body, &out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return out
}

// An app that knows nothing but RS256 is registered for it, or changed to it while it is in
// use. The library accepts RS256 alone here, and checks the signature and at_hash.
func TestClients_RS256(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		algs, _ := publishedJSON(t, w.Dashboard(t),
			"/.well-known/openid-configuration")["id_token_signing_alg_values_supported"].([]any)
		if len(algs) != 2 || algs[0] != "ES256" || algs[1] != "RS256" {
			t.Errorf("supported: %v", algs)
		}
		app, p := w.NewApp(t, w.Unique("legacy"), "confidential"), w.Person(t)
		before := p.SignIn(t, app, w.Covered(t).User(t))
		w.CLI(t, "client", "set", app.ID, "--signing-alg", "RS256")
		if out := w.CLI(t, "client", "show", app.ID); !strings.Contains(out, "RS256") {
			t.Errorf("client show: %s", out)
		}
		app.Alg = "RS256"
		after := p.Again(t, app)
		if after.Claims.Subject != before.Claims.Subject {
			t.Error("someone else")
		}
		next, err := app.Refresh(before.Raw.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		app.Check(t, "", next)
		for _, token := range []string{before.Raw.AccessToken, after.Raw.AccessToken, next.AccessToken} {
			if status, _, _ := app.UserInfo(t, token); status != 200 {
				t.Errorf("userinfo: %d", status)
			}
		}
		hinted := app.Visit("prompt", "none", "id_token_hint", before.IDToken) // signed with the other key
		app.Finish(t, hinted, p.Visit(hinted))

		kinds := map[any]int{}
		keys, _ := publishedJSON(t, app, "/jwks")["keys"].([]any)
		for _, k := range keys {
			key, _ := k.(map[string]any)
			kinds[key["alg"]]++
			if key["use"] != "sig" || key["kid"] == "" || key["d"] != nil || key["p"] != nil {
				t.Errorf("published: %v %v", key["kid"], key["use"])
			}
		}
		if kinds["ES256"] == 0 || kinds["RS256"] == 0 {
			t.Errorf("published: %v", kinds)
		}
	})
}

// guard: a client with the explicit exception may leave out PKCE, needs a nonce then, and is named
func TestATK134_PKCEException(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app, other, p := w.NewApp(t, w.Unique("old"), "confidential"), w.Dashboard(t), w.Person(t)
		u := w.Covered(t).User(t)
		p.SignIn(t, app, u)
		w.CLI(t, "client", "set", app.ID, "--pkce", "optional")
		explained := func(client string) bool {
			return strings.Contains(w.CLI(t, "policy", "explain", "--user", u.Email, "--client", client),
				"The "+client+" may sign people in without PKCE")
		}
		if !explained(app.ID) || explained(other.ID) {
			t.Error("policy explain does not name the app that is weaker, or one that is not")
		}
		bare := func(v *rig.Visit) *rig.Visit {
			v.URL = without(without(v.URL, "code_challenge"), "code_challenge_method")
			return v
		}
		visit := bare(app.Visit())
		code := app.Callback(t, visit, p.Visit(visit)).Get("code")
		if status, body := app.Token(t, app.ID, app.Secret, redeem(app, code, "")); status != 200 {
			t.Errorf("without PKCE: %d %v", status, body)
		}
		again := app.Visit() // with PKCE, as before
		app.Finish(t, again, p.Visit(again))
		for name, address := range map[string]string{
			"no nonce":  without(bare(app.Visit()).URL, "nonce"),
			"plain":     app.Visit("code_challenge_method", "plain").URL,
			"no method": without(app.Visit().URL, "code_challenge_method"), "another app": bare(other.Visit()).URL,
		} {
			if pg := p.Get(address); pg.Left == nil || pg.Left.Query().Get("error") != "invalid_request" ||
				pg.Left.Query().Get("code") != "" {
				t.Errorf("%s: %v, status %d", name, pg.Left, pg.Status)
			}
		}
		visit = bare(app.Visit())
		code = app.Callback(t, visit, p.Visit(visit)).Get("code")
		if status, body := app.Token(t, app.ID, app.Secret,
			redeem(app, code, strings.Repeat("a", 43))); status != 400 || body["error"] != "invalid_grant" {
			t.Errorf("a verifier without a challenge: %d %v", status, body)
		}
		for _, kind := range []string{"public", "native"} {
			open := w.NewApp(t, w.Unique(kind), kind)
			if out, err := w.TryCLI("", "client", "set", open.ID, "--pkce", "optional"); err == nil ||
				!strings.Contains(err.Error(), "confidential clients only") {
				t.Errorf("%s: %v %s", kind, err, out)
			}
			if _, err := w.TryCLI("", "client", "create", "--id", w.Unique("more"), "--name", "X", "--kind", kind,
				"--pkce", "optional"); err == nil {
				t.Errorf("%s: created", kind)
			}
		}
		w.CLI(t, "client", "set", app.ID, "--pkce", "required")
		visit = bare(app.Visit())
		if pg := p.Visit(visit); pg.Left == nil || pg.Left.Query().Get("error") != "invalid_request" {
			t.Errorf("after it ended: %v", pg.Left)
		}
	})
}
