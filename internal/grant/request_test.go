package grant_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/secret"
)

func TestRequestTravelsSealed(t *testing.T) {
	keys := secret.NewKeys(start)
	age := int64(60)
	r := grant.Request{ClientID: "dash", RedirectURI: callback, Scope: "openid", State: "s", Nonce: "n",
		CodeChallenge: challenge(verifier), ACRValues: []string{"a"}, MaxAge: &age, PromptLogin: true, Subject: "u1",
		IssuedAt: start}
	sealed := grant.Seal(keys, r)
	got, err := grant.Open(keys, sealed, start.Add(grant.RequestLife-time.Second))
	if err != nil || got.ClientID != "dash" || *got.MaxAge != 60 || !got.PromptLogin || !got.IssuedAt.Equal(start) ||
		got.Subject != "u1" {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(sealed) > 700 || strings.Contains(sealed, "dash") {
		t.Errorf("%d characters: %s", len(sealed), sealed)
	}
	other := secret.NewKeys(start)
	for name, open := range map[string]func() error{
		"late":      func() error { _, err := grant.Open(keys, sealed, start.Add(grant.RequestLife)); return err },
		"other key": func() error { _, err := grant.Open(other, sealed, start); return err },
		"changed":   func() error { _, err := grant.Open(keys, "A"+sealed[1:], start); return err },
		"empty":     func() error { _, err := grant.Open(keys, "", start); return err },
		"other purpose": func() error {
			_, err := grant.Open(keys,
				base64.RawURLEncoding.EncodeToString(keys.Seal([]byte(`{"c":"dash"}`), "messages", "sealed")), start)
			return err
		},
	} {
		if err := open(); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATK134VerifiersHaveTheirForm(t *testing.T) {
	long := strings.Repeat("x", 128)
	for v, want := range map[string]bool{verifier: true, long: true, verifier[:42]: false, long + "x": false, "": false,
		verifier[:42] + "+": false, verifier[:42] + " ": false, verifier[:42] + "é": false,
		verifier[:39] + "-._~": true} {
		if grant.ValidVerifier(v) != want {
			t.Errorf("%q: %v", v, !want)
		}
	}
	for c, want := range map[string]bool{challenge(verifier): true, challenge(verifier) + "=": false,
		challenge(verifier)[:42]: false, "": false, challenge(verifier)[:42] + "+": false} {
		if grant.ValidChallenge(c) != want {
			t.Errorf("%q: %v", c, !want)
		}
	}
}

func TestFreshAfter(t *testing.T) {
	zero, minute := int64(0), int64(60)
	for _, c := range []struct {
		r    grant.Request
		want time.Time
	}{
		{grant.Request{IssuedAt: start}, time.Time{}},
		{grant.Request{IssuedAt: start, PromptLogin: true}, start},
		{grant.Request{IssuedAt: start, MaxAge: &zero}, start},
		{grant.Request{IssuedAt: start, MaxAge: &minute}, start.Add(-time.Minute)},
		{grant.Request{IssuedAt: start, MaxAge: &minute, PromptLogin: true}, start},
	} {
		if got := c.r.FreshAfter(); !got.Equal(c.want) {
			t.Errorf("%+v: %v", c.r, got)
		}
	}
}

func TestTarget(t *testing.T) {
	for uri, want := range map[string]string{callback: "https://app.test",
		"http://127.0.0.1:51000/cb?x=1": "http://127.0.0.1:51000", "http://[::1]:9/cb": "http://[::1]:9",
		"test.app.phone:/cb": "test.app.phone:", "test.app.phone://cb": "test.app.phone:", "": "", "/cb": "", ":": ""} {
		if got := (grant.Request{RedirectURI: uri}).Target(); got != want {
			t.Errorf("%q: %q", uri, got)
		}
	}
}

func FuzzOpenRequest(f *testing.F) {
	keys := secret.NewKeys(start)
	f.Add(grant.Seal(keys, grant.Request{ClientID: "dash", IssuedAt: start}))
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := grant.Open(keys, s, start); err == nil && r.ClientID != "dash" {
			t.Errorf("%q opens", s)
		}
	})
}
