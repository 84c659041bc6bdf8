package oidc

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"countersign/internal/client"
	"countersign/internal/db"
)

// TestAPublicLibrarySignsIn lets go-oidc and x/oauth2 do what an app does, with every
// check that they know.
func TestAPublicLibrarySignsIn(t *testing.T) {
	each(t, func(h *house) {
		issuer := serve(h)
		defer issuer.Close()
		var code, state string
		app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			code, state = r.FormValue("code"), r.FormValue("state")
			if r.FormValue("iss") != issuer.URL {
				h.Errorf("iss %q", r.FormValue("iss"))
			}
		}))
		defer app.Close()
		h.in(db.Installation, func(tx *db.Tx) error {
			return client.AddURI(h.Context(), tx, &client.Client{ID: "dash", Kind: client.Confidential},
				client.Redirect, app.URL+"/cb")
		})
		ctx := h.Context()
		provider, err := oidc.NewProvider(ctx, issuer.URL)
		h.must(err)
		config := oauth2.Config{ClientID: "dash", ClientSecret: h.secrets["dash"], Endpoint: provider.Endpoint(),
			RedirectURL: app.URL + "/cb",
			Scopes:      []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "email", "profile"}}
		proof := oauth2.GenerateVerifier()
		visit(ctx, h, config.AuthCodeURL("a state", oidc.Nonce("a nonce"), oauth2.S256ChallengeOption(proof)))
		if state != "a state" {
			h.Fatalf("state %q", state)
		}
		token, err := config.Exchange(ctx, code, oauth2.VerifierOption(proof))
		h.must(err)
		id := verified(ctx, h, provider, token)
		if id.Nonce != "a nonce" || id.Subject != h.ada.ID {
			h.Errorf("%+v", id)
		}
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		h.must(err)
		if info.Subject != id.Subject || info.Email != "ada@harbor.test" || !info.EmailVerified {
			h.Errorf("%+v", info)
		}
		token.Expiry = time.Now().Add(-time.Hour)
		again, err := config.TokenSource(ctx, token).Token()
		h.must(err)
		if again.RefreshToken == token.RefreshToken || verified(ctx, h, provider, again).Subject != id.Subject {
			h.Error("the refresh token was not rotated")
		}
	})
}

// visit follows an app's link as a browser that is signed in.
func visit(ctx context.Context, h *house, address string) {
	h.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	h.must(err)
	r.AddCookie(&http.Cookie{Name: "session", Value: h.byMail()})
	res, err := http.DefaultClient.Do(r)
	h.must(err)
	h.must(res.Body.Close())
}

// verified checks the ID token as the library does: signature, issuer, audience, life, at_hash.
func verified(ctx context.Context, h *house, provider *oidc.Provider, token *oauth2.Token) *oidc.IDToken {
	h.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: "dash", Now: h.now}).Verify(ctx, raw)
	h.must(err)
	h.must(id.VerifyAccessToken(token.AccessToken))
	return id
}
