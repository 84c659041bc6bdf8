package oidc

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/keyring"
)

// signedWith makes dash a client of RS256 or ES256.
func (h *house) signedWith(alg string) {
	h.Helper()
	h.in(db.Installation, func(tx *db.Tx) error { return client.SetSigningAlg(h.Context(), tx, "dash", alg) })
}

func (h *house) pkceOptional(optional bool) {
	h.Helper()
	h.in(db.Installation, func(tx *db.Tx) error { return client.SetPKCE(h.Context(), tx, "dash", optional) })
}

// TestTokensAreSignedAsTheClientIsRegistered: both tokens of a client have its algorithm, and
// an independent library verifies them with the published set, at_hash included.
func TestTokensAreSignedAsTheClientIsRegistered(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		for _, alg := range []string{"RS256", "ES256", "RS256"} { // RS256 finds no key the first time, and makes it
			h.signedWith(alg)
			a := h.tokens(cookie)
			for _, token := range []string{a.ID, a.Access} {
				if head := header(h.T, token); head["alg"] != alg {
					h.Errorf("%s: %v", alg, head)
				}
			}
			if got := h.idVerified(a); got != h.ada.ID {
				h.Errorf("%s: subject %q", alg, got)
			}
			if rec := h.userinfoWith(a.Access); rec.Code != http.StatusOK {
				h.Errorf("%s: userinfo %d", alg, rec.Code)
			}
			_, said := landed(h.T, h.authorizeWith(cookie, "id_token_hint", a.ID))
			if said.Get("code") == "" {
				h.Errorf("%s: its own hint is refused: %v", alg, said)
			}
			if again := h.refreshing(a.Refresh); header(h.T, again.ID)["alg"] != alg {
				h.Errorf("%s: renewed with %v", alg, header(h.T, again.ID))
			}
		}
		h.believed = &tokenCache{} // nothing is known from having been made here
		if rec := h.userinfoWith(h.tokens(cookie).Access); rec.Code != http.StatusOK {
			h.Errorf("a token that was never seen: %d", rec.Code)
		}
	})
}

// idVerified verifies an ID token as a library does, with what /jwks publishes.
func (h *house) idVerified(a answered) string {
	h.Helper()
	set := &oidc.StaticKeySet{}
	set.PublicKeys = append(set.PublicKeys, h.keySet()...)
	v := oidc.NewVerifier(origin, set,
		&oidc.Config{ClientID: "dash", SupportedSigningAlgs: []string{"ES256", "RS256"}, Now: h.now})
	id, err := v.Verify(h.Context(), a.ID)
	h.must(err)
	h.must(id.VerifyAccessToken(a.Access))
	return id.Subject
}

// keySet is what others see.
func (h *house) keySet() (keys []crypto.PublicKey) {
	h.Helper()
	all, err := h.Ring.Set(h.Context())
	h.must(err)
	for _, k := range all {
		keys = append(keys, k.Private.Public())
	}
	return keys
}

func TestTheKeySetHoldsAKeyForEachAlgorithm(t *testing.T) {
	h := one(t)
	h.must(h.Ring.EnsureAll(t.Context()))
	var set struct{ Keys []map[string]any }
	h.must(json.Unmarshal(h.get("/jwks", "").Body.Bytes(), &set))
	if len(set.Keys) != 2 {
		t.Fatalf("%v", set.Keys)
	}
	for i, want := range []struct{ kty, alg string }{{"EC", "ES256"}, {"RSA", "RS256"}} {
		k := set.Keys[i]
		if k["kty"] != want.kty || k["alg"] != want.alg || k["use"] != "sig" || k["kid"] == "" {
			t.Errorf("%v", k)
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi"} {
			if k[private] != nil {
				t.Errorf("%s is published", private)
			}
		}
	}
	if set.Keys[0]["kid"] == set.Keys[1]["kid"] {
		t.Error("two keys of one name")
	}
}

// TestATK139AlgorithmsAreNotConfused brings hints that are signed with the other key, with the
// public key as a secret, or not at all (RFC 8725 2.1).
func TestATK139AlgorithmsAreNotConfused(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	h.signedWith("RS256")
	a := h.tokens(cookie)
	ec, err := h.Ring.Signer(t.Context(), keyring.ES256)
	h.must(err)
	rsaKey, err := h.Ring.Signer(t.Context(), keyring.RS256)
	h.must(err)
	public, ok := rsaKey.Private.Public().(*rsa.PublicKey)
	if !ok {
		t.Fatalf("%T", rsaKey.Private.Public())
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	h.must(err)
	good := forge{header(t, a.ID), payload(t, a.ID)}
	if !h.hintTaken(cookie, good.signed(t, rsaKey.Private)) {
		t.Fatal("the forge does not work")
	}
	hs256 := func(secret []byte) string {
		in := good.headed("alg", "HS256").input(t)
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(in))
		return in + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	for name, token := range map[string]string{
		"none":                         good.headed("alg", "none").input(t) + ".",
		"HS256 with the DER":           hs256(spki),
		"HS256 with the PKCS #1 DER":   hs256(x509.MarshalPKCS1PublicKey(public)),
		"HS256 with the PEM":           hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})),
		"HS256 with the modulus":       hs256(public.N.Bytes()),
		"HS256 with nothing":           hs256(nil),
		"EC signature, RS256, RSA kid": good.signed(t, ec.Private),
		"EC signature, ES256, RSA kid": good.headed("alg", "ES256").signed(t, ec.Private),
		"RSA signature, RS256, EC kid": good.headed("kid", ec.ID).signed(t, rsaKey.Private),
		"RSA signature, ES256, EC kid": good.headed("kid", ec.ID).headed("alg", "ES256").signed(t, rsaKey.Private),
		"RSA signature, ES256":         good.headed("alg", "ES256").signed(t, rsaKey.Private),
		"RSA signature, PS256":         good.headed("alg", "PS256").signed(t, rsaKey.Private),
		"RSA signature, RS512":         good.headed("alg", "RS512").signed(t, rsaKey.Private),
		"RSA signature, no kid":        good.headed("kid", nil).signed(t, rsaKey.Private),
	} {
		if h.hintTaken(cookie, token) {
			t.Errorf("%s is accepted as a hint", name)
		}
		if rec := h.get("/logout?id_token_hint="+url.QueryEscape(token), cookie); !strings.Contains(rec.Body.String(),
			"/logout/confirm") {
			t.Errorf("%s signs out: %d", name, rec.Code)
		}
		typed := strings.Split(token, ".")
		h.turnedAway(name, forge{header(t, a.Access), payload(t, a.Access)}.input(t)+"."+typed[2])
	}
}

// hintTaken reports whether a request with the hint is answered with a code.
func (h *house) hintTaken(cookie, hint string) bool {
	h.Helper()
	_, said := landed(h.T, h.authorizeWith(cookie, "id_token_hint", hint))
	if said.Get("code") == "" && said.Get("error") != "invalid_request" {
		h.Errorf("%v", said)
	}
	return said.Get("code") != ""
}

// TestTheKeysOfAnAlgorithmSignWithNoOther keeps a token from being read with a key's public
// part under another algorithm, even where a library would let it.
func TestTheKeysOfAnAlgorithmSignWithNoOther(t *testing.T) {
	h := one(t)
	h.must(h.Ring.EnsureAll(t.Context()))
	for _, alg := range keyring.Algorithms {
		k, err := h.Ring.Signer(context.WithoutCancel(t.Context()), alg)
		h.must(err)
		if _, isRSA := k.Private.Public().(*rsa.PublicKey); k.Algorithm != alg || isRSA != (alg == keyring.RS256) {
			t.Errorf("%s: a %T for %s", alg, k.Private, k.Algorithm)
		}
	}
}

// TestATK134PKCEIsOptionalByExplicitSetting: a confidential client that is registered so may
// leave out PKCE, and then needs a nonce. What it does send must still match, both ways
// (RFC 9700 2.1.1 and 4.8).
func TestATK134PKCEIsOptionalByExplicitSetting(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		without := []string{"code_challenge", "", "code_challenge_method", ""}
		h.pkceOptional(true)
		a := h.read(h.post("/token", exchange(h.code(cookie, without...), "code_verifier", ""), h.basic("dash")...))
		if a.Error != "" || payload(h.T, a.ID)["nonce"] != "n-1" {
			h.Errorf("without PKCE: %+v", a)
		}
		if a := h.read(h.post("/token", exchange(h.code(cookie)), h.basic("dash")...)); a.Error != "" {
			h.Errorf("with PKCE: %+v", a)
		}
		for name, change := range map[string][]string{
			"no nonce":         append(slices.Clone(without), "nonce", ""),
			"plain":            {"code_challenge_method", "plain", "code_challenge", verifier},
			"no method":        {"code_challenge_method", ""},
			"no challenge":     {"code_challenge", ""},
			"short challenge":  {"code_challenge", proofOf[:42]},
			"another client's": append(slices.Clone(without), "client_id", "other"),
		} {
			if _, said := landed(h.T, h.authorizeWith(cookie, change...)); said.Get("error") != "invalid_request" ||
				said.Get("code") != "" {
				h.Errorf("%s: %v", name, said)
			}
		}
		for name, form := range map[string]url.Values{
			"verifier without challenge": exchange(h.code(cookie, without...)),
			"challenge without verifier": exchange(h.code(cookie), "code_verifier", ""),
			"other verifier":             exchange(h.code(cookie), "code_verifier", strings.Repeat("a", 43)),
		} {
			if a := h.read(h.post("/token", form, h.basic("dash")...)); a.Error != "invalid_grant" {
				h.Errorf("%s: %+v", name, a)
			}
		}
		h.pkceEndsMeanwhile(cookie, without)
	})
}

// pkceEndsMeanwhile takes the exception back while a request and a code are under way.
func (h *house) pkceEndsMeanwhile(cookie string, without []string) {
	h.Helper()
	code := h.code(cookie, without...)
	_, said := landed(h.T, h.authorizeWith("", without...))
	h.pkceOptional(false)
	if a := h.read(h.post("/token", exchange(code, "code_verifier", ""),
		h.basic("dash")...)); a.Error != "invalid_grant" {
		h.Errorf("a code from before: %+v", a)
	}
	if _, said := landed(h.T, h.get("/authorize/resume?to="+said.Get("to"),
		cookie)); said.Get("error") != "invalid_request" || said.Get("code") != "" {
		h.Errorf("a request from before: %v", said)
	}
	if _, said := landed(h.T, h.authorizeWith(cookie, without...)); said.Get("error") != "invalid_request" {
		h.Errorf("after it ended: %v", said)
	}
}

// TestRSAKeysRotateAsECKeysDo walks through a rotation of the RSA key.
func TestRSAKeysRotateAsECKeysDo(t *testing.T) {
	h := one(t)
	h.signedWith("RS256")
	cookie := h.byMail()
	first := h.tokens(cookie)
	fresh, err := keyring.Generate(keyring.RS256)
	h.must(err)
	var next string
	h.in(db.Installation, func(tx *db.Tx) error {
		next, err = h.Ring.Rotate(h.Context(), tx, fresh, h.Limits.AccessTokenLife)
		return err
	})
	if k := header(t, h.tokens(cookie).ID)["kid"]; k == next {
		t.Error("signed at once by a key that no app can know")
	}
	h.forward(9 * time.Minute)
	if rec := h.userinfoWith(first.Access); rec.Code != http.StatusOK {
		t.Errorf("a token from before the rotation: %d", rec.Code)
	}
	h.forward(2*time.Minute + time.Second)
	if k := header(t, h.tokens(cookie).ID)["kid"]; k != next {
		t.Errorf("signed by %v, not %s", k, next)
	}
}
