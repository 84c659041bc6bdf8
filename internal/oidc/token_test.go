package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/keyring"
	"countersign/internal/session"
	"countersign/internal/user"
)

// TestSEC6And111GoldenTokens holds each row of the assurance table that exists now to the
// exact claims of both tokens.
func TestSEC6And111GoldenTokens(t *testing.T) {
	each(t, func(h *house) {
		for _, row := range []struct {
			acr string
			amr []string
		}{
			{"urn:countersign:acr:1", []string{"pwd"}},
			{"urn:countersign:acr:1e", []string{"pwd", "email"}},
		} {
			began := h.now()
			cookie := h.signIn(h.ada, row.acr, row.amr...)
			h.forward(90 * time.Second)
			a := h.tokens(cookie)
			sid := strings.Split(cookie, ".")[1]
			amr := []any{}
			for _, v := range row.amr {
				amr = append(amr, v)
			}
			sum := sha256.Sum256([]byte(a.Access))
			want := map[string]any{
				"iss": origin, "sub": h.ada.ID, "aud": "dash", "azp": "dash", "nonce": "n-1", "sid": sid,
				"acr": row.acr, "amr": amr,
				"iat": float64(
					h.now().Unix(),
				), "exp": float64(h.now().Unix() + 600), "auth_time": float64(began.Unix()),
				"at_hash": base64.RawURLEncoding.EncodeToString(
					sum[:16],
				), "name": "Ada", "preferred_username": "ada@harbor.test", "role": "agent",
				"tenant": map[string]any{"id": h.tenant, "name": "Harbor"}, "email": "ada@harbor.test",
				"email_verified": len(row.amr) > 1,
			}
			if diff := cmp.Diff(want, payload(h.T, a.ID)); diff != "" {
				h.Errorf("%s, ID token: %s", row.acr, diff)
			}
			access := payload(h.T, a.Access)
			if access["jti"] == "" || access["gid"] == "" {
				h.Error("no jti or gid")
			}
			delete(access, "jti")
			delete(access, "gid")
			want = map[string]any{
				"iss": origin, "sub": h.ada.ID, "aud": []any{origin + "/userinfo", "dash"}, "client_id": "dash",
				"sid": sid, "acr": row.acr, "amr": amr, "tid": h.tenant,
				"scope": "openid profile email offline_access", "iat": float64(h.now().Unix()),
				"exp": float64(h.now().Unix() + 600), "auth_time": float64(began.Unix()),
			}
			if diff := cmp.Diff(want, access); diff != "" {
				h.Errorf("%s, access token: %s", row.acr, diff)
			}
			if a.Type != "Bearer" || a.Expires != 600 || a.Scope != "openid profile email offline_access" ||
				a.Refresh == "" {
				h.Errorf("%+v", a)
			}
			for token, typ := range map[string]string{a.ID: "JWT", a.Access: "at+jwt"} {
				if head := header(h.T, token); head["alg"] != "ES256" || head["typ"] != typ || head["kid"] == "" ||
					len(head) != 3 {
					h.Errorf("%v", head)
				}
			}
		}
	})
}

func TestTokensSayNoMoreThanTheScope(t *testing.T) {
	h := one(t)
	a := h.tokens(h.byMail(), "scope", "openid", "nonce", "")
	id := payload(t, a.ID)
	for _, name := range []string{"email", "email_verified", "name", "preferred_username", "role", "tenant", "nonce"} {
		if _, there := id[name]; there {
			t.Errorf("%s is in the token", name)
		}
	}
	if a.Refresh != "" {
		t.Error("a refresh token that no one asked for")
	}
}

func TestTokensEndWithTheSession(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	refresh := h.tokens(cookie).Refresh
	h.forward(24*time.Hour - 4*time.Minute)
	a := h.refreshing(refresh)
	if a.Expires != 240 {
		t.Errorf("%d s", a.Expires)
	}
	h.forward(4 * time.Minute)
	if a := h.refreshing(a.Refresh); a.Error != "invalid_grant" {
		t.Errorf("refreshed after the session: %q", a.Error)
	}
}

func TestTokenStatementBudget(t *testing.T) {
	each(t, func(h *house) {
		code := h.code(h.byMail())
		if _, err := h.Ring.Signer(h.Context(), keyring.ES256); err != nil {
			h.Fatal(err)
		}
		before := h.DB.Statements()
		a := h.read(h.post("/token", exchange(code), h.basic("dash")...))
		// three of them in the one write transaction, one says that the mailbox was reached
		if n := h.DB.Statements() - before; n > 7 {
			h.Errorf("%d statements", n)
		}
		before = h.DB.Statements()
		h.userinfoWith(a.Access)
		if n := h.DB.Statements() - before; n > 2 {
			h.Errorf("userinfo takes %d statements", n)
		}
	})
}

// TestATK148 tries every way of being a client without its secret.
func TestATK148ClientAuthentication(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	basicOf := func(id, secret string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
	}
	mine := h.secrets["dash"]
	for name, c := range map[string]struct {
		form   []string
		header []string
		query  string
	}{
		"nothing":             {nil, nil, ""},
		"id only":             {[]string{"client_id", "dash"}, nil, ""},
		"empty secret":        {nil, basicOf("dash", ""), ""},
		"wrong secret":        {nil, basicOf("dash", mine+"x"), ""},
		"other's secret":      {nil, basicOf("dash", h.secrets["other"]), ""},
		"other's id":          {nil, basicOf("other", mine), ""},
		"unknown":             {nil, basicOf("nobody", mine), ""},
		"both methods":        {[]string{"client_id", "dash", "client_secret", mine}, h.basic("dash"), ""},
		"two ids":             {[]string{"client_id", "other"}, h.basic("dash"), ""},
		"secret in the query": {[]string{"client_id", "dash"}, nil, "?client_secret=" + mine},
		"all in the query":    {nil, nil, "?client_id=dash&client_secret=" + mine},
		"wrong post secret":   {[]string{"client_id", "dash", "client_secret", "wrong"}, nil, ""},
		"bearer":              {[]string{"client_id", "dash"}, []string{"Authorization", "Bearer " + mine}, ""},
		"two headers":         {nil, append(h.basic("dash"), h.basic("other")...), ""},
		"not base64":          {nil, []string{"Authorization", "Basic %%%"}, ""},
		"no colon": {nil,
			[]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("dash"))}, ""},
		"assertion": {[]string{"client_id", "dash", "client_assertion", "a.b.c", "client_assertion_type",
			"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, nil, ""},
		"public with secret": {[]string{"client_id", "phone", "client_secret", mine}, nil, ""},
	} {
		code := h.code(cookie)
		rec := h.post("/token"+c.query, exchange(code, c.form...), c.header...)
		if a := h.read(rec); rec.Code != http.StatusUnauthorized || a.Error != "invalid_client" || a.Access != "" ||
			!strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if a := h.read(h.post("/token", exchange(code), h.basic("dash")...)); a.Error != "" {
			t.Errorf("%s: an unproved client killed the code: %s", name, a.Error)
		}
	}
	h.in(db.Installation, func(tx *db.Tx) error { return client.Disable(t.Context(), tx, "other") })
	if a := h.read(h.post("/token", exchange("x"), h.basic("other")...)); a.Error != "invalid_client" {
		t.Error("a disabled client was heard")
	}
}

func TestClientsProveThemselvesInEitherWay(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"basic":        h.post("/token", exchange(h.code(cookie)), h.basic("dash")...),
		"basic and id": h.post("/token", exchange(h.code(cookie), "client_id", "dash"), h.basic("dash")...),
		"post": h.post("/token",
			exchange(h.code(cookie), "client_id", "dash", "client_secret", h.secrets["dash"])),
		"encoded basic": h.post("/token", exchange(h.code(cookie)), "Authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte("d%61sh:"+url.QueryEscape(h.secrets["dash"])))),
		"none": h.post("/token", exchange(h.code(cookie, "client_id", "phone", "redirect_uri", "http://127.0.0.1:5/cb"),
			"client_id", "phone", "redirect_uri", "http://127.0.0.1:5/cb")),
	} {
		if a := h.read(rec); rec.Code != http.StatusOK || a.ID == "" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestMalformedTokenRequests(t *testing.T) {
	h := one(t)
	code := h.code(h.byMail())
	for name, c := range map[string]struct{ body, media, want string }{
		"JSON":          {`{"grant_type":"authorization_code"}`, "application/json", "invalid_request"},
		"no media type": {exchange(code).Encode(), "", "invalid_request"},
		"twice":         {exchange(code).Encode() + "&code=x", "application/x-www-form-urlencoded", "invalid_request"},
		"malformed":     {"grant_type=%zz", "application/x-www-form-urlencoded", "invalid_request"},
		"too large": {exchange(code).Encode() + "&x=" + strings.Repeat("x", 70_000),
			"application/x-www-form-urlencoded", "invalid_request"},
		"no grant type": {exchange(code, "grant_type", "").Encode(), "application/x-www-form-urlencoded",
			"invalid_request"},
		"password": {exchange(code, "grant_type", "password").Encode(), "application/x-www-form-urlencoded",
			"unsupported_grant_type"},
		"client": {exchange(code, "grant_type", "client_credentials").Encode(),
			"application/x-www-form-urlencoded", "unsupported_grant_type"},
		"no code": {exchange(code, "code", "").Encode(), "application/x-www-form-urlencoded", "invalid_grant"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		r.Header.Set(h.basic("dash")[0], h.basic("dash")[1])
		if rec := h.send(r); rec.Code != http.StatusBadRequest || h.read(rec).Error != c.want {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := h.get("/token", ""); rec.Code != http.StatusMethodNotAllowed {
		t.Error(rec.Code)
	}
	if a := h.read(h.post("/token", exchange(code), h.basic("dash")...)); a.Error != "" {
		t.Error("the code did not survive malformed requests")
	}
}

func TestATK134And135WrongProofsAtTheTokenEndpoint(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		for name, c := range map[string]struct {
			who    string
			change []string
		}{
			"other client":   {"other", nil},
			"no verifier":    {"dash", []string{"code_verifier", ""}},
			"other verifier": {"dash", []string{"code_verifier", strings.Repeat("a", 43)}},
			"short verifier": {"dash", []string{"code_verifier", verifier[:42]}},
			"the challenge":  {"dash", []string{"code_verifier", proofOf}},
			"other address":  {"dash", []string{"redirect_uri", callback + "?keep=1"}},
			"no address":     {"dash", []string{"redirect_uri", ""}},
		} {
			code := h.code(cookie)
			if a := h.read(h.post("/token", exchange(code, c.change...),
				h.basic(c.who)...)); a.Error != "invalid_grant" || a.Access != "" {
				h.Errorf("%s: %+v", name, a)
			}
			if a := h.read(h.post("/token", exchange(code), h.basic("dash")...)); a.Error != "invalid_grant" {
				h.Errorf("%s: the code survived", name)
			}
		}
	})
}

func TestATK136ReplayedCodeEndsTheTokens(t *testing.T) {
	each(t, func(h *house) {
		code := h.code(h.byMail())
		a := h.read(h.post("/token", exchange(code), h.basic("dash")...))
		if rec := h.userinfoWith(a.Access); rec.Code != http.StatusOK {
			h.Fatal(rec.Code)
		}
		h.forward(30 * time.Second)
		if again := h.read(h.post("/token", exchange(code), h.basic("dash")...)); again.Error != "invalid_grant" {
			h.Errorf("%+v", again)
		}
		if rec := h.userinfoWith(a.Access); rec.Code != http.StatusUnauthorized {
			h.Errorf("userinfo after a replay: %d", rec.Code)
		}
		if again := h.refreshing(a.Refresh); again.Error != "invalid_grant" {
			h.Errorf("%+v", again)
		}
	})
}

func TestATK141RefreshTokens(t *testing.T) {
	each(t, func(h *house) {
		r1 := h.tokens(h.byMail())
		r2 := h.refreshing(r1.Refresh)
		if r2.Error != "" || r2.Refresh == r1.Refresh || r2.ID == "" || payload(h.T, r2.ID)["nonce"] != nil ||
			payload(h.T, r2.ID)["sub"] != h.ada.ID {
			h.Fatalf("%+v", r2)
		}
		narrow := h.read(h.post("/token",
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r2.Refresh}, "scope": {"openid email"}},
			h.basic("dash")...))
		if narrow.Scope != "openid email" || payload(h.T, narrow.ID)["name"] != nil {
			h.Errorf("%+v", narrow)
		}
		if a := h.refreshing(r1.Refresh); a.Error != "invalid_grant" {
			h.Error("an old refresh token was taken")
		}
		if a := h.refreshing(narrow.Refresh); a.Error != "invalid_grant" {
			h.Error("the family survived reuse")
		}
		if rec := h.userinfoWith(narrow.Access); rec.Code != http.StatusUnauthorized {
			h.Error("its access token survived reuse")
		}
	})
}

func TestATK141TwentyAtOnceAtTheEndpoint(t *testing.T) {
	each(t, func(h *house) {
		token := h.tokens(h.byMail()).Refresh
		var mu sync.Mutex
		won := 0
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				a := h.refreshing(token)
				mu.Lock()
				defer mu.Unlock()
				if a.Error == "" {
					won++
				}
			})
		}
		wg.Wait()
		if won > 2 { // the winner, and one that shares its token
			h.Errorf("%d answers for one token", won)
		}
	})
}

func TestRefreshBelongsToItsClientAndAsksForNoMore(t *testing.T) {
	h := one(t)
	token := h.tokens(h.byMail(), "scope", "openid offline_access").Refresh
	more := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "scope": {"openid email"}}
	if a := h.read(h.post("/token", more, h.basic("dash")...)); a.Error != "invalid_scope" {
		t.Errorf("%+v", a)
	}
	token = h.tokens(h.byMail()).Refresh
	if a := h.read(h.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}},
		h.basic("other")...)); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
	if a := h.refreshing(token); a.Error != "invalid_grant" {
		t.Error("a token in a stranger's hands lives on")
	}
}

// TestSEC104 changes what stands behind a grant between its issue and its use.
func TestSEC104WhatChangedSinceEndsTheGrant(t *testing.T) {
	for name, change := range map[string]func(h *house, cookie string){
		"session ended": func(h *house, cookie string) {
			h.in(h.tenant, func(tx *db.Tx) error {
				return session.EndLine(h.Context(), tx, strings.Split(cookie, ".")[1], session.SignedOut)
			})
		},
		"user disabled": func(h *house, _ string) {
			h.in(h.tenant, func(tx *db.Tx) error { return user.Disable(h.Context(), tx, h.ada.ID) })
		},
		"password changed": func(h *house, _ string) {
			h.in(h.tenant, func(tx *db.Tx) error { return user.PasswordChanged(h.Context(), tx, h.ada.ID) })
		},
		"address changed": func(h *house, _ string) {
			h.in(h.tenant, func(tx *db.Tx) error {
				_, err := user.ChangeEmail(h.Context(), tx, h.ada.ID, "new@harbor.test")
				return err
			})
		},
		"company suspended": func(h *house, _ string) {
			h.in(h.tenant, func(tx *db.Tx) error {
				_, err := tx.Exec(h.Context(), `UPDATE tenants SET suspended_at = $1
					WHERE tenant_id = $2`, tx.Now, tx.Tenant)
				return err
			})
		},
		"second step now required": func(h *house, _ string) { h.demand() },
		"client disabled": func(h *house, _ string) {
			h.in(db.Installation, func(tx *db.Tx) error { return client.Disable(h.Context(), tx, "dash") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				cookie := h.signIn(h.ada, levels[0], "pwd")
				a, code := h.tokens(cookie), h.code(cookie)
				change(h, cookie)
				want := "invalid_grant"
				if name == "client disabled" {
					want = "invalid_client"
				}
				if got := h.refreshing(a.Refresh); got.Error != want {
					h.Errorf("refresh: %q", got.Error)
				}
				if got := h.read(h.post("/token", exchange(code), h.basic("dash")...)); got.Error != want {
					h.Errorf("code: %q", got.Error)
				}
				if rec := h.userinfoWith(a.Access); rec.Code != http.StatusUnauthorized {
					h.Errorf("userinfo: %d", rec.Code)
				}
			})
		})
	}
}

// TestATK141_RefusedByPolicyIsNoShelter: while policy refuses a sign-in, a used refresh
// token and one that another client brings still end their family.
func TestATK141_RefusedByPolicyIsNoShelter(t *testing.T) {
	each(t, func(h *house) {
		weak := h.signIn(h.ada, levels[0], "pwd")
		used := h.tokens(weak)
		newest := h.refreshing(h.refreshing(used.Refresh).Refresh)
		stolen, kept := h.tokens(weak), h.tokens(weak)
		h.demand()
		byOther := h.read(
			h.post(
				"/token",
				url.Values{"grant_type": {"refresh_token"}, "refresh_token": {stolen.Refresh}},
				h.basic("other")...),
		)
		for what, got := range map[string]string{"used": h.refreshing(used.Refresh).Error,
			"other client": byOther.Error, "genuine": h.refreshing(kept.Refresh).Error} {
			if got != "invalid_grant" {
				h.Errorf("%s: %q", what, got)
			}
		}
		h.excuse()
		for what, token := range map[string]string{"used": newest.Refresh, "other client": stolen.Refresh} {
			if got := h.refreshing(token); got.Error != "invalid_grant" {
				h.Errorf("%s: the family lives on", what)
			}
		}
		if got := h.refreshing(kept.Refresh); got.Error != "" {
			h.Errorf("the genuine token died: %s", got.Error)
		}
	})
}
