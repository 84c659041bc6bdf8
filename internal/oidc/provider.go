// Package oidc is the face that apps see: OpenID Connect discovery, authorization, tokens,
// userinfo and sign-out, in the narrowest profile that certified clients accept: code flow
// with PKCE S256 only. It refuses to decide whether a sign-in is enough, which signin does,
// and to send anyone to an address that is not registered character by character.
package oidc

import (
	"net/http"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/keyring"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/web"
)

// Provider answers every OpenID Connect endpoint of one issuer: the Web's public origin.
type Provider struct {
	DB     *db.DB
	Keys   *secret.Keys
	Ring   *keyring.Keyring
	Web    *web.Web
	Gate   *gate.Gate
	Limits config.Limits

	believed *tokenCache
}

// levels are the acr values that a sign-in can reach, weakest first.
var levels = []string{string(policy.PasswordOnly), string(policy.EmailConfirmed), string(policy.TwoFactor),
	string(policy.PhishingResistant)}

// scopes that mean something here; others are ignored (OpenID Connect Core 3.1.2.1).
var scopes = []string{"openid", "profile", "email", "offline_access"}

// Mount registers the endpoints.
func (p *Provider) Mount(m *web.Mux) {
	p.believed = &tokenCache{}
	m.Popup("/authorize", "/logout")
	m.Machine(http.MethodGet, "/.well-known/openid-configuration", withPublicCORS(p.discovery))
	m.Machine(http.MethodOptions, "/.well-known/openid-configuration", withPublicCORS(open))
	m.Machine(http.MethodGet, "/jwks", withPublicCORS(p.jwks))
	m.Machine(http.MethodOptions, "/jwks", withPublicCORS(open))
	m.Machine(http.MethodPost, "/token", p.withClientCORS(p.token))
	m.Machine(http.MethodOptions, "/token", p.preflight("POST"))
	m.Machine(http.MethodGet, "/userinfo", p.withClientCORS(p.userinfo))
	m.Machine(http.MethodPost, "/userinfo", p.withClientCORS(p.userinfo))
	m.Machine(http.MethodOptions, "/userinfo", p.preflight("GET, POST"))
	m.Open(http.MethodGet, "/authorize", p.authorize)
	m.Open(http.MethodPost, "/authorize", p.authorizeForm)
	m.Open(http.MethodGet, "/authorize/resume", p.resume) // no HEAD: looking must not issue a code
	m.Open(http.MethodGet, "/logout", p.logout)
	m.Open(http.MethodPost, "/logout", p.logoutForm)
	m.Post("/logout/confirm", p.confirmLogout)
}

func (p *Provider) issuer() string { return p.Web.PublicAddress() }

// event begins an audit event with what is known of the request.
func event(r *http.Request, clientID string) audit.Event {
	return audit.Event{ClientID: clientID, Origin: visitor(r).Origin()}
}

func visitor(r *http.Request) session.Visitor {
	v := web.From(r.Context())
	ip := ""
	if v.IP.IsValid() {
		ip = v.IP.String()
	}
	return session.Visitor{IP: ip, Browser: v.Browser, RequestID: v.RequestID}
}
