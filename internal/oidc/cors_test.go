package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/internal/client"
	"countersign/internal/db"
)

const (
	spaOrigin = "https://spa.test"
	spaBack   = "https://SPA.test:443/back"
)

// spa registers an app that lives in a browser.
func (h *house) spa() {
	h.in(db.Installation, func(tx *db.Tx) error {
		_, _, err := client.Create(
			h.Context(),
			tx,
			client.New{
				ID:           "spa",
				Name:         "In the browser",
				Kind:         client.Public,
				RedirectURIs: []string{spaBack, "http://localhost:5173/"},
			},
		)
		return err
	})
}

// cross is a request from a page of another origin.
func (h *house) cross(method, path, origin, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.Context(), method, path, strings.NewReader(body))
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return h.send(r)
}

func allowed(rec *httptest.ResponseRecorder) string {
	return rec.Header().Get("Access-Control-Allow-Origin")
}

func TestCORSOfWhatIsPublished(t *testing.T) {
	h := one(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			if rec := h.cross(method, path, "https://anything.example", ""); rec.Code >= 300 || allowed(rec) != "*" ||
				rec.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %d %v", method, path, rec.Code, rec.Header())
			}
		}
	}
}

// TestCORSOfAnAppInsideABrowser signs in as a page does, with a preflight before what needs
// one, and lets no other origin read an answer.
func TestCORSOfAnAppInsideABrowser(t *testing.T) {
	each(t, func(h *house) {
		h.spa()
		_, said := landed(h.T, h.authorizeWith(h.byMail(), "client_id", "spa", "redirect_uri", spaBack))
		form := exchange(said.Get("code"), "client_id", "spa", "redirect_uri", spaBack)
		pre := h.cross(
			http.MethodOptions,
			"/token",
			spaOrigin,
			"",
			"Access-Control-Request-Method",
			"POST",
			"Access-Control-Request-Headers",
			"authorization,content-type",
		)
		if pre.Code != http.StatusNoContent || allowed(pre) != spaOrigin ||
			pre.Header().Get("Access-Control-Allow-Methods") != "POST" {
			h.Errorf("preflight: %d %v", pre.Code, pre.Header())
		}
		rec := h.cross(http.MethodPost, "/token", spaOrigin, form.Encode())
		a := h.read(rec)
		if a.Error != "" || allowed(rec) != spaOrigin || rec.Header().Get("Access-Control-Allow-Credentials") != "" ||
			!slices.Contains(rec.Header().Values("Vary"), "Origin") {
			h.Fatalf("token: %s %v", a.Error, rec.Header())
		}
		bearer := []string{"Authorization", "Bearer " + a.Access}
		pre = h.cross(
			http.MethodOptions,
			"/userinfo",
			spaOrigin,
			"",
			"Access-Control-Request-Method",
			"GET",
			"Access-Control-Request-Headers",
			"authorization",
		)
		if pre.Code != http.StatusNoContent || allowed(pre) != spaOrigin ||
			!strings.Contains(pre.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
			h.Errorf("preflight: %d %v", pre.Code, pre.Header())
		}
		if rec := h.cross(http.MethodGet, "/userinfo", spaOrigin, "", bearer...); rec.Code != http.StatusOK ||
			allowed(rec) != spaOrigin {
			h.Errorf("userinfo: %d %v", rec.Code, rec.Header())
		}
		if rec := h.cross(http.MethodGet, "/userinfo", spaOrigin, "", "Authorization",
			"Bearer x"); rec.Code != http.StatusUnauthorized ||
			allowed(rec) != spaOrigin ||
			!strings.Contains(rec.Header().Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			h.Errorf("an error that the page may not read: %d %v", rec.Code, rec.Header())
		}
		if rec := h.cross(http.MethodPost, "/token", "http://localhost:5173",
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh},
				"client_id": {"spa"}}.Encode()); rec.Code != http.StatusOK ||
			allowed(rec) != "http://localhost:5173" {
			h.Errorf("renewal: %d %v", rec.Code, rec.Header())
		}
		for _, other := range []string{"https://app.test", "http://spa.test", "https://spa.test:8443",
			"https://spa.test.evil.test", "https://xspa.test", "https://SPA.test", "null", "*", "http://127.0.0.1",
			"test.app.phone:", ""} {
			for _, path := range []string{"/token", "/userinfo"} {
				for _, method := range []string{http.MethodOptions, http.MethodPost} {
					if rec := h.cross(method, path, other, "a=b"); allowed(rec) != "" ||
						rec.Header().Get("Access-Control-Allow-Methods") != "" {
						h.Errorf("%s %s from %q: %v", method, path, other, rec.Header())
					}
				}
			}
		}
		h.in(db.Installation, func(tx *db.Tx) error { return client.Disable(h.Context(), tx, "spa") })
		if rec := h.cross(http.MethodOptions, "/token", spaOrigin, ""); allowed(rec) != "" {
			h.Error("the origin of a client that is switched off")
		}
	})
}

// TestCORSOpensNoPage: what people see stays closed to every other origin.
func TestCORSOpensNoPage(t *testing.T) {
	h := one(t)
	h.spa()
	for _, path := range []string{"/authorize", "/authorize/resume", "/logout"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			if rec := h.cross(method, path, spaOrigin, ""); allowed(rec) != "" {
				t.Errorf("%s %s: %v", method, path, rec.Header())
			}
		}
	}
}
