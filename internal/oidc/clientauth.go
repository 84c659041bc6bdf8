package oidc

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/client"
	"countersign/internal/fault"
)

var errClient = &refusal{http.StatusUnauthorized, "invalid_client", "the client is unknown or did not prove who it is"}

// authenticate finds out which client sends a token request (RFC 6749 2.3). A
// confidential one proves it by exactly one method; the others have nothing to prove with,
// and may not pretend to.
func (p *Provider) authenticate(r *http.Request) (client.Client, error) {
	id, secret, err := credentials(r)
	if err != nil {
		return client.Client{}, err
	}
	c, err := p.client(r.Context(), id)
	if fault.Is(err, fault.Invalid) {
		p.refusedClient(r, id, unknownClient, "")
		return c, errClient
	}
	if err != nil {
		return c, err
	}
	if c.Kind == client.Confidential && !c.CheckSecret(secret) || c.Kind != client.Confidential && secret != "" {
		p.refusedClient(r, id, "wrong_client_secret", "")
		return client.Client{}, errClient
	}
	return c, nil
}

// credentials reads them from the header or from the body, never from both and never from
// the address, which ends in logs.
func credentials(r *http.Request) (id, secret string, err error) {
	form := r.PostForm
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		if form.Get("client_id") == "" {
			return "", "", errClient
		}
		return form.Get("client_id"), form.Get("client_secret"), nil
	}
	id, secret, ok := basic(headers)
	if !ok || form.Has("client_secret") || form.Has("client_assertion") || form.Has("client_id") &&
		form.Get("client_id") != id {
		return "", "", errClient
	}
	return id, secret, nil
}

// basic reads HTTP Basic credentials, which OAuth encodes as a form does (RFC 6749 2.3.1).
func basic(headers []string) (id, secret string, ok bool) {
	scheme, encoded, ok := strings.Cut(headers[0], " ")
	if !ok || len(headers) > 1 || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	name, password, ok := strings.Cut(string(plain), ":")
	id, err1 := url.QueryUnescape(name)
	secret, err2 := url.QueryUnescape(password)
	return id, secret, ok && err1 == nil && err2 == nil && secret != ""
}
