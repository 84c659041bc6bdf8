package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/session"
)

func (h *house) signedIn(cookie string) bool {
	h.Helper()
	_, said := landed(h.T, h.authorizeWith(cookie, "prompt", "none"))
	return said.Get("code") != ""
}

func leaving(hint string, more ...string) string {
	q := url.Values{}
	if hint != "" {
		q.Set("id_token_hint", hint)
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/logout?" + q.Encode()
}

const bye = "https://app.test/bye"

func TestSignOutByTheApp(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		a := h.tokens(cookie)
		rec := h.get(leaving(a.ID, "post_logout_redirect_uri", bye, "state", "s 2"), cookie)
		if where, said := landed(h.T, rec); where != bye || said.Get("state") != "s 2" || len(said) != 1 {
			h.Errorf("%s %v", where, said)
		}
		if c := rec.Header().Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-session=;") {
			h.Errorf("cookie %q", c)
		}
		if h.signedIn(cookie) {
			h.Error("still signed in")
		}
		if got := h.refreshing(a.Refresh); got.Error != "invalid_grant" {
			h.Error("the refresh token outlived the session")
		}
		if rec := h.userinfoWith(a.Access); rec.Code != http.StatusUnauthorized {
			h.Error("the access token outlived the session")
		}
		where, _ := landed(h.T, h.get(leaving(a.ID, "post_logout_redirect_uri", bye), ""))
		if where != bye {
			h.Errorf("signed out already: %s", where)
		}
	})
}

// TestATK147 asks before it believes a sign-out that no ID token of this person backs.
func TestATK147ForcedSignOutOnlyAsks(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	mine, bobs := h.tokens(cookie), h.tokens(h.signIn(h.bob, levels[0], "pwd"))
	for name, path := range map[string]string{
		"no hint": "/logout", "no one's": leaving("", "post_logout_redirect_uri", "https://evil.test/", "state", "s"),
		"client only":  leaving("", "client_id", "dash", "post_logout_redirect_uri", bye),
		"other's hint": leaving(bobs.ID, "post_logout_redirect_uri", bye),
		"altered hint": leaving(mine.ID[:len(mine.ID)-6] + "AAAAAA"), "hint that is none": leaving("x"),
	} {
		rec := h.get(path, cookie)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `action="/logout/confirm"`) ||
			rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
	for name, path := range map[string]string{
		"unregistered":   leaving(mine.ID, "post_logout_redirect_uri", "https://evil.test/"),
		"longer":         leaving(mine.ID, "post_logout_redirect_uri", bye+"/x"),
		"redirect uri":   leaving(mine.ID, "post_logout_redirect_uri", callback),
		"other client's": leaving("", "client_id", "other", "post_logout_redirect_uri", bye),
		"two clients":    leaving(mine.ID, "client_id", "other"), "unknown client": leaving("", "client_id", "nobody"),
		"twice": leaving(mine.ID, "post_logout_redirect_uri",
			bye) + "&post_logout_redirect_uri=https%3A%2F%2Fevil.test",
	} {
		if rec := h.get(path, cookie); rec.Code != http.StatusUnprocessableEntity ||
			rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
	if !h.signedIn(cookie) {
		t.Error("someone else signed them out")
	}
}

func TestSignOutAfterAsking(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	body := h.get(leaving("", "client_id", "dash", "post_logout_redirect_uri", bye, "state", "s2"),
		cookie).Body.String()
	_, hint, _ := strings.Cut(body, `name="hint" value="`)
	hint, _, _ = strings.Cut(hint, `"`)
	own := []string{"Cookie", "__Host-session=" + cookie}
	if rec := h.post("/logout/confirm", url.Values{"hint": {hint}},
		append(own, "Sec-Fetch-Site", "cross-site", "Origin",
			"https://evil.test")...); rec.Code != http.StatusForbidden || !h.signedIn(cookie) {
		t.Errorf("another site's form: %d", rec.Code)
	}
	if rec := h.post("/logout/confirm", url.Values{"hint": {"x"}},
		append(own, "Sec-Fetch-Site", "same-origin")...); rec.Code != http.StatusUnprocessableEntity ||
		!h.signedIn(cookie) {
		t.Errorf("a made-up hint: %d", rec.Code)
	}
	rec := h.post("/logout/confirm", url.Values{"hint": {hint}}, append(own, "Sec-Fetch-Site", "same-origin")...)
	if where, said := landed(t, rec); where != bye || said.Get("state") != "s2" || h.signedIn(cookie) {
		t.Errorf("%s %v", where, said)
	}
}

func TestSignOutByPOSTComesBackAsGET(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	hint := h.tokens(cookie).ID
	rec := h.post("/logout", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "extra": {"x"}},
		"Origin", "https://app.test", "Sec-Fetch-Site", "cross-site")
	where, said := landed(t, rec)
	if where != "/logout" || said.Get("id_token_hint") != hint || said.Has("extra") {
		t.Fatalf("%s %v", where, said)
	}
	if where, _ := landed(t, h.get(where+"?"+said.Encode(), cookie)); where != bye {
		t.Error(where)
	}
	if rec := h.get("/logout", ""); rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), "confirm") {
		t.Errorf("no one signed in: %d", rec.Code)
	}
}

// TestATK147_AnAddressThatWasWithdrawn: a sealed question outlives the registration of the
// address that it holds, and leads nowhere then.
func TestATK147_AnAddressThatWasWithdrawn(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	body := h.get(leaving("", "client_id", "dash", "post_logout_redirect_uri", bye), cookie).Body.String()
	_, hint, _ := strings.Cut(body, `name="hint" value="`)
	hint, _, _ = strings.Cut(hint, `"`)
	h.in(db.Installation, func(tx *db.Tx) error {
		_, err := client.RemoveURI(t.Context(), tx, "dash", client.PostLogout, bye)
		return err
	})
	rec := h.post("/logout/confirm", url.Values{"hint": {hint}}, "Cookie", "__Host-session="+cookie,
		"Sec-Fetch-Site", "same-origin")
	if rec.Code != http.StatusUnprocessableEntity || rec.Header().Get("Location") != "" {
		t.Errorf("%d to %q", rec.Code, rec.Header().Get("Location"))
	}
}

// TestSignOutAfterTheSession: an app whose tokens are gone names itself, and the person comes
// back to it. An address that no one vouches for is not followed, and no one is stranded.
func TestSignOutAfterTheSession(t *testing.T) {
	each(t, func(h *house) {
		over := h.byMail()
		h.in(h.tenant, func(tx *db.Tx) error {
			return session.EndLine(h.Context(), tx, strings.Split(over, ".")[1], session.SignedOut)
		})
		for name, cookie := range map[string]string{"no cookie": "", "session over": over} {
			rec := h.get(leaving("", "client_id", "dash", "post_logout_redirect_uri", bye, "state", "s3"), cookie)
			if where, said := landed(h.T, rec); where != bye || said.Get("state") != "s3" {
				h.Errorf("%s: %s %v", name, where, said)
			}
			for _, path := range []string{"/logout",
				leaving("", "post_logout_redirect_uri", "https://evil.test/", "state", "s"),
				leaving("x", "post_logout_redirect_uri", bye)} {
				if rec := h.get(path, cookie); rec.Code != http.StatusOK || rec.Header().Get("Location") != "" {
					h.Errorf("%s, %s: %d", name, path, rec.Code)
				}
			}
			if rec := h.get(leaving("", "client_id", "dash", "post_logout_redirect_uri", "https://evil.test/"),
				cookie); rec.Code != http.StatusUnprocessableEntity {
				h.Errorf("%s, unregistered: %d", name, rec.Code)
			}
		}
		// Asked and answered: an address that could not be believed is not followed afterwards either.
		cookie := h.byMail()
		body := h.get(leaving("", "post_logout_redirect_uri", "https://evil.test/"), cookie).Body.String()
		_, hint, _ := strings.Cut(body, `name="hint" value="`)
		hint, _, _ = strings.Cut(hint, `"`)
		rec := h.post(
			"/logout/confirm",
			url.Values{"hint": {hint}},
			"Cookie",
			"__Host-session="+cookie,
			"Sec-Fetch-Site",
			"same-origin",
		)
		if rec.Code != http.StatusOK || rec.Header().Get("Location") != "" || h.signedIn(cookie) {
			h.Errorf("after asking: %d to %q", rec.Code, rec.Header().Get("Location"))
		}
	})
}

func TestHEADOfWhatLibrariesProbe(t *testing.T) {
	h := one(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks"} {
		rec := h.send(httptest.NewRequestWithContext(t.Context(), http.MethodHead, path, nil))
		if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") ||
			rec.Header().Get("Cache-Control") == "no-store" {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
}
