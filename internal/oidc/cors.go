package oidc

import (
	"net/http"
	"slices"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/web"
)

// withPublicCORS lets pages of every origin read what is public anyway: the discovery document
// and the keys.
func withPublicCORS(h web.Handler) web.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		return h(rw, r)
	}
}

// withClientCORS lets apps inside a browser read the answer: pages of the origins that public
// clients are sent back to. A browser sends no cookie along, and the endpoint reads none:
// what counts is the code or token that the page brings.
func (p *Provider) withClientCORS(h web.Handler) web.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if _, err := p.allowOrigin(rw, r); err != nil {
			return err
		}
		return h(rw, r)
	}
}

// allowOrigin answers the Origin of a page that may read what follows.
func (p *Provider) allowOrigin(rw http.ResponseWriter, r *http.Request) (ok bool, err error) {
	rw.Header().Add("Vary", "Origin")
	given := r.Header.Values("Origin")
	if len(given) != 1 || !client.IsOrigin(given[0]) {
		return false, nil
	}
	var known []string
	err = p.DB.View(r.Context(), db.Installation, func(tx *db.Tx) (err error) {
		known, err = client.BrowserOrigins(r.Context(), tx)
		return err
	})
	if err != nil || !slices.Contains(known, given[0]) {
		return false, err
	}
	rw.Header().Set("Access-Control-Allow-Origin", given[0])
	rw.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, X-Request-Id")
	return true, nil
}

// preflight answers what a browser asks before it sends a request with an Authorization
// header (Fetch 4.8). Origins that may not read the answer are told nothing.
func (p *Provider) preflight(methods string) web.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		ok, err := p.allowOrigin(rw, r)
		if err != nil {
			return err
		}
		if ok {
			allow(rw, methods)
		}
		rw.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// open answers the preflight of what is published: libraries add headers of their own.
func open(rw http.ResponseWriter, _ *http.Request) error {
	allow(rw, "GET, HEAD")
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

func allow(rw http.ResponseWriter, methods string) {
	h := rw.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Cache-Control")
	h.Set("Access-Control-Max-Age", "600")
}
