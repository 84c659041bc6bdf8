package oidc

import (
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"countersign/internal/keyring"
)

// metadata is the discovery document (OpenID Connect Discovery 3, RFC 8414, RFC 9207).
type metadata struct {
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	UserinfoEndpoint       string   `json:"userinfo_endpoint"`
	EndSessionEndpoint     string   `json:"end_session_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	Scopes                 []string `json:"scopes_supported"`
	ResponseTypes          []string `json:"response_types_supported"`
	ResponseModes          []string `json:"response_modes_supported"`
	GrantTypes             []string `json:"grant_types_supported"`
	SubjectTypes           []string `json:"subject_types_supported"`
	IDTokenAlgorithms      []string `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	ChallengeMethods       []string `json:"code_challenge_methods_supported"`
	ACRValues              []string `json:"acr_values_supported"`
	Claims                 []string `json:"claims_supported"`
	Prompts                []string `json:"prompt_values_supported"`
	UILocales              []string `json:"ui_locales_supported"`
	ClaimsParameter        bool     `json:"claims_parameter_supported"`
	RequestParameter       bool     `json:"request_parameter_supported"`
	RequestURIParameter    bool     `json:"request_uri_parameter_supported"`
	IssuerInResponse       bool     `json:"authorization_response_iss_parameter_supported"`
	RequireRequestURIAhead bool     `json:"require_request_uri_registration"`
}

func (p *Provider) discovery(rw http.ResponseWriter, _ *http.Request) error {
	at := p.issuer()
	cacheable(rw)
	return p.Web.JSON(rw, http.StatusOK, metadata{
		Issuer:                at,
		AuthorizationEndpoint: at + "/authorize",
		TokenEndpoint:         at + "/token",
		UserinfoEndpoint:      at + "/userinfo",
		EndSessionEndpoint:    at + "/logout",
		JWKSURI:               at + "/jwks",
		Scopes:                scopes,
		ResponseTypes:         []string{"code"},
		ResponseModes:         []string{modeQuery, modeForm},
		GrantTypes:            []string{"authorization_code", "refresh_token"},
		SubjectTypes:          []string{"public"},
		IDTokenAlgorithms:     keyring.Algorithms,
		TokenAuthMethods:      []string{"client_secret_basic", "client_secret_post", "none"},
		ChallengeMethods:      []string{"S256"},
		ACRValues:             levels,
		Claims: []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "azp", "at_hash",
			"name", "preferred_username", "role", "tenant", "email", "email_verified"},
		Prompts:          []string{"none", "login", "select_account", "consent"},
		UILocales:        p.Web.Catalog.Languages(),
		ClaimsParameter:  true,
		IssuerInResponse: true,
	})
}

// jwks publishes every key that a valid token may name, and the next one (RFC 7517).
func (p *Provider) jwks(rw http.ResponseWriter, r *http.Request) error {
	keys, err := p.Ring.Set(r.Context())
	if err != nil {
		return err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key:       k.Private.Public(),
			KeyID:     k.ID,
			Algorithm: k.Algorithm,
			Use:       "sig",
		})
	}
	cacheable(rw)
	return p.Web.JSON(rw, http.StatusOK, set)
}

// cacheable lets others keep what changes only with a rotation, which waits for them.
func cacheable(rw http.ResponseWriter) {
	rw.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(keyring.MaxAge.Seconds())))
}
