package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/db"
	"countersign/internal/keyring"
)

func header(t *testing.T, token string) (h map[string]any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestUserinfo(t *testing.T) {
	each(t, func(h *house) {
		began := h.now()
		a := h.tokens(h.byMail())
		want := map[string]any{
			"sub":                h.ada.ID,
			"tenant":             map[string]any{"id": h.tenant, "name": "Harbor"},
			"name":               "Ada",
			"preferred_username": "ada@harbor.test",
			"role":               "agent",
			"email":              "ada@harbor.test",
			"email_verified":     true,
			"acr":                levels[1],
			"amr":                []any{"pwd", "email"},
			"auth_time":          float64(began.Unix()),
		}
		for name, rec := range map[string]*httptest.ResponseRecorder{
			"get":         h.userinfoWith(a.Access),
			"post header": h.post("/userinfo", url.Values{}, "Authorization", "Bearer "+a.Access),
			"post body":   h.post("/userinfo", url.Values{"access_token": {a.Access}}),
		} {
			var got map[string]any
			h.must(json.Unmarshal(rec.Body.Bytes(), &got))
			if diff := cmp.Diff(want, got); diff != "" || rec.Header().Get("Cache-Control") != "no-store" {
				h.Errorf("%s: %d %s", name, rec.Code, diff)
			}
		}
		narrow := h.userinfoWith(h.tokens(h.byMail(), "scope", "openid").Access)
		if strings.Contains(narrow.Body.String(), "Ada") || strings.Contains(narrow.Body.String(), "@") ||
			narrow.Code != http.StatusOK {
			h.Errorf("%d %s", narrow.Code, narrow.Body)
		}
	})
}

func TestUserinfoWithoutOneToken(t *testing.T) {
	h := one(t)
	a := h.tokens(h.byMail())
	for name, c := range map[string]struct {
		rec  *httptest.ResponseRecorder
		code int
		want string
	}{
		"none":   {h.get("/userinfo", ""), 401, "Bearer"},
		"cookie": {h.get("/userinfo", h.byMail()), 401, "Bearer"},
		"query":  {h.get("/userinfo?access_token="+a.Access, ""), 401, "Bearer"},
		"basic":  {h.post("/userinfo", url.Values{}, h.basic("dash")...), 401, "Bearer"},
		"two ways": {h.post("/userinfo", url.Values{"access_token": {a.Access}}, "Authorization", "Bearer "+a.Access),
			400, `Bearer error="invalid_request"`},
		"two heads": {h.post("/userinfo", url.Values{}, "Authorization", "Bearer "+a.Access, "Authorization",
			"Bearer "+a.Access), 400, `Bearer error="invalid_request"`},
		"empty":   {h.userinfoWith(""), 401, `Bearer error="invalid_token"`},
		"rubbish": {h.userinfoWith("rubbish"), 401, `Bearer error="invalid_token"`},
		"huge":    {h.userinfoWith(strings.Repeat("x", 9000)), 401, `Bearer error="invalid_token"`},
	} {
		if got := c.rec.Header().Get("WWW-Authenticate"); c.rec.Code != c.code || !strings.HasPrefix(got, c.want) ||
			c.want == "Bearer" && got != "Bearer" {
			t.Errorf("%s: %d %q", name, c.rec.Code, got)
		}
	}
}

// TestATK140 brings every other token of ours where an access token belongs, and an
// access token where an ID token belongs.
func TestATK140TokensDoNotPassForEachOther(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	a := h.tokens(cookie)
	for name, token := range map[string]string{"ID token": a.ID, "refresh token": a.Refresh, "session": cookie,
		"code": h.code(cookie), "client secret": h.secrets["dash"]} {
		if rec := h.userinfoWith(token); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
	if _, said := landed(t, h.authorizeWith(cookie, "id_token_hint",
		a.Access)); said.Get("error") != "invalid_request" {
		t.Errorf("access token as hint: %v", said)
	}
	if _, said := landed(t, h.authorizeWith(cookie, "id_token_hint", a.ID)); said.Get("code") == "" {
		t.Errorf("ID token as hint: %v", said)
	}
	if _, said := landed(t, h.authorizeWith(cookie, "id_token_hint", a.ID, "client_id",
		"other")); said.Get("error") != "invalid_request" {
		t.Errorf("another client's ID token as hint: %v", said)
	}
	if rec := h.get("/logout?id_token_hint="+a.Access, cookie); !strings.Contains(rec.Body.String(),
		"/logout/confirm") {
		t.Error("an access token signed someone out")
	}
}

// forge makes tokens that look like ours.
type forge struct {
	head, claims map[string]any
}

func (f forge) input(t *testing.T) string {
	t.Helper()
	head, err := json.Marshal(f.head)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := json.Marshal(f.claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(claims)
}

func (f forge) signed(t *testing.T, private crypto.Signer) string {
	t.Helper()
	in := f.input(t)
	sum := sha256.Sum256([]byte(in))
	key, ok := private.(*ecdsa.PrivateKey)
	if !ok {
		sig, err := private.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return in + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return in + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (f forge) headed(name string, value any) forge  { f.head = put(f.head, name, value); return f }
func (f forge) claimed(name string, value any) forge { f.claims = put(f.claims, name, value); return f }

func put(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	m[name] = value
	if value == nil {
		delete(m, name)
	}
	return m
}

// TestATK139 forges tokens in every way that a library was once fooled by, at each place
// that takes a token. A good forgery with our own key is accepted, so the test can tell.
func TestATK139ForgedTokens(t *testing.T) {
	h := one(t)
	fetched := false
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched = true }))
	defer trap.Close()
	key, err := h.Ring.Signer(t.Context(), keyring.ES256)
	h.must(err)
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	point, err := key.Private.Public().(*ecdsa.PublicKey).ECDH()
	h.must(err)
	spki, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	h.must(err)
	own := map[string]any{"kty": "EC", "crv": "P-256", "x": base64.RawURLEncoding.EncodeToString(theirs.X.Bytes()),
		"y": base64.RawURLEncoding.EncodeToString(theirs.Y.Bytes())} //nolint:staticcheck // the attacker writes a JWK
	cookie := h.byMail()
	a := h.tokens(cookie)
	good := forge{header(t, a.Access), payload(t, a.Access)}
	if rec := h.userinfoWith(good.signed(t, key.Private)); rec.Code != http.StatusOK {
		t.Fatalf("the forge does not work: %d", rec.Code)
	}
	hs256 := func(secret []byte) string {
		in := good.headed("alg", "HS256").input(t)
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(in))
		return in + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	forged := map[string]string{
		"none": good.headed("alg", "none").input(t) + ".", "None": good.headed("alg", "None").input(t) + ".",
		"nOnE":         good.headed("alg", "nOnE").input(t) + ".",
		"no signature": good.input(t) + ".", "HS256 with the point": hs256(point.Bytes()),
		"HS256 with the key's DER": hs256(spki),
		"psychic":                  good.input(t) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"other key":                good.signed(t, theirs),
		"other key, jwk":           good.headed("jwk", own).signed(t, theirs),
		"other key, jku":           good.headed("jku", trap.URL).signed(t, theirs),
		"other key, x5u":           good.headed("x5u", trap.URL).signed(t, theirs),
		"other key, x5c": good.headed("x5c",
			[]string{base64.StdEncoding.EncodeToString(spki)}).signed(t, theirs),
		"kid path":        good.headed("kid", "../../dev/null").signed(t, key.Private),
		"kid sql":         good.headed("kid", "' UNION SELECT 'x").signed(t, key.Private),
		"kid empty":       good.headed("kid", "").signed(t, key.Private),
		"no kid":          good.headed("kid", nil).signed(t, key.Private),
		"crit":            good.headed("crit", []string{"exp"}).signed(t, key.Private),
		"crit b64":        good.headed("crit", []string{"b64"}).headed("b64", false).signed(t, key.Private),
		"typ JWT":         good.headed("typ", "JWT").signed(t, key.Private),
		"typ AT+JWT":      good.headed("typ", "AT+JWT").signed(t, key.Private),
		"typ application": good.headed("typ", "application/at+jwt").signed(t, key.Private),
		"no typ":          good.headed("typ", nil).signed(t, key.Private),
		"RS256":           good.headed("alg", "RS256").signed(t, key.Private),
		"ES384":           good.headed("alg", "ES384").signed(t, key.Private),
		"other issuer":    good.claimed("iss", "https://evil.test").signed(t, key.Private),
		"no issuer":       good.claimed("iss", nil).signed(t, key.Private),
		"other audience":  good.claimed("aud", []string{"dash"}).signed(t, key.Private),
		"no audience":     good.claimed("aud", nil).signed(t, key.Private),
		"expired":         good.claimed("exp", start.Add(-time.Second).Unix()).signed(t, key.Private),
		"no end":          good.claimed("exp", nil).signed(t, key.Private),
		"not yet":         good.claimed("nbf", start.Add(time.Hour).Unix()).signed(t, key.Private),
		"end is a word":   good.claimed("exp", "later").signed(t, key.Private),
		"other tenant":    good.claimed("tid", "t2").signed(t, key.Private),
		"no tenant":       good.claimed("tid", nil).signed(t, key.Private),
		"other grant":     good.claimed("gid", "x").signed(t, key.Private),
		"other person":    good.claimed("sub", h.bob.ID).signed(t, key.Private),
		"nested":          base64.RawURLEncoding.EncodeToString([]byte(a.Access)) + "." + a.Access,
		"JSON": `{"payload":"` + strings.Split(a.Access, ".")[1] + `","protected":"` + strings.Split(a.Access,
			".")[0] + `","signature":"` + strings.Split(a.Access, ".")[2] + `"}`,
	}
	for name, token := range forged {
		if rec := h.userinfoWith(token); rec.Code != http.StatusUnauthorized || rec.Body.Len() > 0 {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	id := forge{header(t, a.ID), payload(t, a.ID)}
	for name, token := range map[string]string{"none": id.headed("alg", "none").input(t) + ".",
		"other key":    id.headed("jwk", own).signed(t, theirs),
		"other issuer": id.claimed("iss", "https://evil.test").signed(t, key.Private),
		"changed":      id.claimed("sub", h.bob.ID).input(t) + "." + strings.Split(a.ID, ".")[2]} {
		if _, said := landed(t,
			h.authorizeWith(cookie, "id_token_hint", token)); said.Get("error") != "invalid_request" {
			t.Errorf("hint, %s: %v", name, said)
		}
		if rec := h.get("/logout?id_token_hint="+url.QueryEscape(token), cookie); !strings.Contains(rec.Body.String(),
			"/logout/confirm") {
			t.Errorf("sign-out, %s: %d", name, rec.Code)
		}
	}
	if fetched {
		t.Error("a header of a forged token was followed")
	}
}

func TestAccessTokensExpire(t *testing.T) {
	h := one(t)
	a := h.tokens(h.byMail())
	h.forward(10*time.Minute - time.Second)
	if rec := h.userinfoWith(a.Access); rec.Code != http.StatusOK {
		t.Error(rec.Code)
	}
	h.forward(time.Second)
	if rec := h.userinfoWith(a.Access); rec.Code != http.StatusUnauthorized {
		t.Error(rec.Code)
	}
}

// TestATK151 tells the app what a sign-in that has become too little lacks.
func TestATK151StepUpIsSignalled(t *testing.T) {
	each(t, func(h *house) {
		a := h.tokens(h.signIn(h.ada, levels[0], "pwd"))
		h.demand()
		rec := h.userinfoWith(a.Access)
		want := `Bearer error="insufficient_user_authentication", error_description="a stronger sign-in is needed", acr_values="urn:countersign:acr:1e"`
		if got := rec.Header().Get("WWW-Authenticate"); rec.Code != http.StatusUnauthorized || got != want {
			h.Errorf("%d %s", rec.Code, got)
		}
		if rec := h.userinfoWith(h.tokens(h.byMail()).Access); rec.Code != http.StatusOK {
			h.Errorf("after the second step: %d", rec.Code)
		}
	})
}

// TestATK150 rotates the key under a token in use.
func TestATK150TokensOutliveARotation(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		first := h.tokens(cookie)
		var next string
		h.in(db.Installation, func(tx *db.Tx) (err error) {
			fresh, err := keyring.Generate(keyring.ES256)
			h.must(err)
			next, err = h.Ring.Rotate(h.Context(), tx, fresh, h.Limits.AccessTokenLife)
			return err
		})
		if k := header(h.T, h.tokens(cookie).ID)["kid"]; k == next {
			h.Error("signed at once by a key that no app can know")
		}
		h.forward(9 * time.Minute)
		if rec := h.userinfoWith(first.Access); rec.Code != http.StatusOK {
			h.Errorf("a token from before the rotation: %d", rec.Code)
		}
		h.forward(119 * time.Second)
		last := h.tokens(cookie)
		h.forward(2 * time.Second)
		if k := header(h.T, h.tokens(cookie).ID)["kid"]; k != next || header(h.T, last.ID)["kid"] == next {
			h.Errorf("signed by %v, before by %v", k, header(h.T, last.ID)["kid"])
		}
		h.forward(9*time.Minute + 50*time.Second)
		if rec := h.userinfoWith(last.Access); rec.Code != http.StatusOK {
			h.Errorf("the old key's last token: %d", rec.Code)
		}
		spare, err := h.Ring.Spare(h.Context(), next)
		h.must(err)
		h.in(db.Installation, func(tx *db.Tx) error {
			_, err := h.Ring.Retire(h.Context(), tx, next, spare)
			return err
		})
		if _, err := h.verifyHint(h.Context(), h.tokens(cookie).ID); err != nil {
			h.Error(err)
		}
	})
}
