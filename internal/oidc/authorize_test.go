package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/grant"
)

func TestDiscovery(t *testing.T) {
	h := one(t)
	rec := h.get("/.well-known/openid-configuration", "")
	var m map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || rec.Code != http.StatusOK {
		t.Fatal(rec.Code, err)
	}
	for name, want := range map[string]string{
		"issuer": `"https://sign-in.test"`, "authorization_endpoint": `"https://sign-in.test/authorize"`,
		"token_endpoint":       `"https://sign-in.test/token"`,
		"end_session_endpoint": `"https://sign-in.test/logout"`, "code_challenge_methods_supported": `["S256"]`,
		"response_types_supported":                       `["code"]`,
		"grant_types_supported":                          `["authorization_code","refresh_token"]`,
		"id_token_signing_alg_values_supported":          `["ES256","RS256"]`,
		"authorization_response_iss_parameter_supported": `true`, "request_parameter_supported": `false`,
		"request_uri_parameter_supported": `false`,
		"acr_values_supported":            `["urn:countersign:acr:1","urn:countersign:acr:1e","urn:countersign:acr:2","phr"]`,
		"scopes_supported":                `["openid","profile","email","offline_access"]`,
	} {
		if got, _ := json.Marshal(m[name]); string(got) != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestTheKeySetShowsNoPrivateKey(t *testing.T) {
	h := one(t)
	rec := h.get("/jwks", "")
	var set struct{ Keys []map[string]any }
	h.must(json.Unmarshal(rec.Body.Bytes(), &set))
	if len(set.Keys) != 1 || set.Keys[0]["d"] != nil || set.Keys[0]["kty"] != "EC" || set.Keys[0]["alg"] != "ES256" ||
		set.Keys[0]["use"] != "sig" || set.Keys[0]["kid"] == "" {
		t.Errorf("%s", rec.Body)
	}
	if got := rec.Header().Get("Cache-Control"); got != "public, max-age=600" {
		t.Error(got)
	}
}

// TestATK133 sends people nowhere but to registered addresses.
func TestATK133NoRedirectToAnAddressThatIsNotRegistered(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	for _, uri := range []string{"", callback + "/", callback + "/more", "https://app.test/c", callback + "?x=1",
		callback + "#f", "https://app.test:443/cb",
		"https://app.test@evil.test/cb", "https://app.test.evil.test/cb", "https://аpp.test/cb", "https://APP.test/cb",
		"https://app.test/%63b",
		"https://app.test/x/%2e%2e/cb", "http://127.0.0.1:5/cb", "javascript:alert(1)", "//evil.test"} {
		rec := h.authorizeWith(cookie, "redirect_uri", uri)
		if rec.Code != http.StatusUnprocessableEntity || rec.Header().Get("Location") != "" {
			t.Errorf("%q: %d %s", uri, rec.Code, rec.Header().Get("Location"))
		}
	}
	for name, query := range map[string]string{
		"two addresses": ask().Encode() + "&redirect_uri=https%3A%2F%2Fevil.test%2F",
		"two clients":   ask().Encode() + "&client_id=other",
		"no client":     ask("client_id", "").Encode(), "unknown client": ask("client_id", "nobody").Encode(),
		"sql": ask("client_id", "dash' OR '1'='1").Encode(), "malformed": "client_id=dash&redirect_uri=%zz",
	} {
		rec := h.get("/authorize?"+query, cookie)
		if rec.Code != http.StatusUnprocessableEntity || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Header().Get("Location"))
		}
	}
}

// TestATK133NoRedirectFromTextThatNoDatabaseTakes: refused for every route before it is read.
func TestATK133NoRedirectFromTextThatNoDatabaseTakes(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	for _, more := range []string{"&x=%ff", "&x=%00"} {
		rec := h.get("/authorize?"+ask().Encode()+more, cookie)
		if rec.Code != http.StatusBadRequest || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", more, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestADisabledClientIsUnknown(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	sealed := grant.Seal(h.Keys,
		grant.Request{ClientID: "dash", RedirectURI: callback, Scope: "openid", CodeChallenge: proofOf,
			IssuedAt: h.now()})
	h.in(db.Installation, func(tx *db.Tx) error { return client.Disable(t.Context(), tx, "dash") })
	for _, path := range []string{"/authorize?" + ask().Encode(), "/authorize/resume?to=" + sealed} {
		if rec := h.get(path, cookie); rec.Code != http.StatusUnprocessableEntity ||
			rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestAnAddressWithdrawnDuringTheSignIn(t *testing.T) {
	h := one(t)
	_, said := landed(t, h.authorizeWith(""))
	h.in(db.Installation, func(tx *db.Tx) error {
		_, err := client.RemoveURI(t.Context(), tx, "dash", client.Redirect, callback)
		return err
	})
	if rec := h.get("/authorize/resume?to="+said.Get("to"), h.byMail()); rec.Code != http.StatusUnprocessableEntity ||
		rec.Header().Get("Location") != "" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// TestATK134And144 covers what the app itself is told: with its state and with iss (ATK-138).
func TestATK134And144RefusedRequestsAreToldToTheApp(t *testing.T) {
	h := one(t)
	cookie := h.byMail()
	long := strings.Repeat("x", 3000)
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"no challenge":             {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"challenge without method": {[]string{"code_challenge_method", ""}, "invalid_request"},
		"method without challenge": {[]string{"code_challenge", ""}, "invalid_request"},
		"plain": {[]string{"code_challenge_method", "plain", "code_challenge", verifier},
			"invalid_request"},
		"lower case method":    {[]string{"code_challenge_method", "s256"}, "invalid_request"},
		"short challenge":      {[]string{"code_challenge", proofOf[:42]}, "invalid_request"},
		"padded challenge":     {[]string{"code_challenge", proofOf + "="}, "invalid_request"},
		"no response type":     {[]string{"response_type", ""}, "invalid_request"},
		"token":                {[]string{"response_type", "token"}, "unsupported_response_type"},
		"id_token":             {[]string{"response_type", "id_token"}, "unsupported_response_type"},
		"id_token token":       {[]string{"response_type", "id_token token"}, "unsupported_response_type"},
		"code token":           {[]string{"response_type", "code token"}, "unsupported_response_type"},
		"code id_token":        {[]string{"response_type", "code id_token"}, "unsupported_response_type"},
		"fragment":             {[]string{"response_mode", "fragment"}, "invalid_request"},
		"web_message":          {[]string{"response_mode", "web_message"}, "invalid_request"},
		"request object":       {[]string{"request", "e30.e30."}, "request_not_supported"},
		"request uri":          {[]string{"request_uri", "https://evil.test/r"}, "request_uri_not_supported"},
		"no scope":             {[]string{"scope", ""}, "invalid_scope"},
		"scope without openid": {[]string{"scope", "email openids"}, "invalid_scope"},
		"none and login":       {[]string{"prompt", "none login"}, "invalid_request"},
		"max_age is a word":    {[]string{"max_age", "soon"}, "invalid_request"},
		"max_age below zero":   {[]string{"max_age", "-1"}, "invalid_request"},
		"hint is rubbish":      {[]string{"id_token_hint", "a.b.c"}, "invalid_request"},
		"claims is not JSON":   {[]string{"claims", "{"}, "invalid_request"},
		"nonce too long":       {[]string{"nonce", long}, "invalid_request"},
		"acr unknown": {[]string{"acr_values", "urn:mace:incommon:iap:silver"},
			"unmet_authentication_requirements"},
		"acr out of reach": {[]string{"acr_values", "urn:countersign:acr:2 phr"},
			"unmet_authentication_requirements"},
		"essential acr out of reach": {[]string{"claims", `{"id_token":{"acr":{"essential":true,"values":["phr"]}}}`},
			"unmet_authentication_requirements"},
	} {
		where, said := landed(t, h.authorizeWith(cookie, c.change...))
		if where != callback || said.Get("error") != c.want || said.Get("code") != "" || said.Get("state") != "s-1" ||
			said.Get("iss") != origin {
			t.Errorf("%s: %s %v", name, where, said)
		}
	}
	for _, twice := range []string{"state", "nonce", "scope", "code_challenge", "response_type", "unknown"} {
		_, said := landed(t, h.get("/authorize?"+ask("unknown", "1").Encode()+"&"+twice+"=again", cookie))
		if said.Get("error") != "invalid_request" || said.Get("code") != "" {
			t.Errorf("%s twice: %v", twice, said)
		}
	}
}

func TestASessionThatIsEnoughGetsACode(t *testing.T) {
	each(t, func(h *house) {
		cookie := h.byMail()
		for name, change := range map[string][]string{
			"plain": nil, "prompt none": {"prompt", "none"}, "consent": {"prompt", "consent"},
			"unknown parameter": {"extra", "1"}, "no nonce": {"nonce", ""},
			"level reached": {"acr_values", "phr " + levels[1]}, "weaker level": {"acr_values", levels[0]},
			"essential":    {"claims", `{"id_token":{"acr":{"essential":true,"value":"` + levels[1] + `"}}}`},
			"other claims": {"claims", `{"userinfo":{"name":{"essential":true}},"id_token":{"auth_time":null}}`},
			"this person":  {"claims", `{"id_token":{"sub":{"value":"` + h.ada.ID + `"}}}`},
			"age":          {"max_age", "10000"}, "enormous age": {"max_age", "9223372036854775807"},
			"display": {"display", "popup"}, "more scopes": {"scope", "openid address phone"},
		} {
			where, said := landed(h.T, h.authorizeWith(cookie, change...))
			if where != callback || said.Get("code") == "" || said.Get("iss") != origin || said.Get("state") != "s-1" ||
				len(said) != 3 {
				h.Errorf("%s: %s %v", name, where, said)
			}
		}
		_, said := landed(h.T, h.authorizeWith(cookie, "redirect_uri", callback+"?keep=1"))
		if said.Get("keep") != "1" || said.Get("code") == "" {
			h.Errorf("%v", said)
		}
		where, said := landed(h.T, h.authorizeWith(cookie, "client_id", "phone", "redirect_uri", "test.app.phone:/cb"))
		if where != "test.app.phone:/cb" || said.Get("code") == "" {
			h.Errorf("%s %v", where, said)
		}
		if where, _ := landed(h.T,
			h.authorizeWith(cookie, "client_id", "phone", "redirect_uri",
				"http://127.0.0.1:51000/cb")); where != "http://127.0.0.1:51000/cb" {
			h.Error(where)
		}
	})
}

// TestATK143 covers who is sent to sign in, and what an app that wants no page is told.
func TestATK143WhatIsNotEnoughLeadsToASignIn(t *testing.T) {
	each(t, func(h *house) {
		password := h.signIn(h.ada, levels[0], "pwd")
		h.forward(10 * time.Second)
		for name, c := range map[string]struct {
			cookie string
			change []string
			silent string // what prompt=none is told
		}{
			"nobody":         {"", nil, "login_required"},
			"rubbish cookie": {"t1.x.y", nil, "login_required"},
			"stronger level": {password, []string{"acr_values", levels[1]}, "interaction_required"},
			"essential level": {password,
				[]string{"claims", `{"id_token":{"acr":{"essential":true,"values":["` + levels[1] + `"]}}}`},
				"interaction_required"},
			"max_age 1":      {password, []string{"max_age", "1"}, "login_required"},
			"max_age 0":      {password, []string{"max_age", "0"}, "login_required"},
			"prompt login":   {password, []string{"prompt", "login"}, ""},
			"select account": {password, []string{"prompt", "select_account"}, ""},
			"someone else": {password, []string{"claims", `{"id_token":{"sub":{"value":"` + h.bob.ID + `"}}}`},
				"login_required"},
			"hint of other one": {password, []string{"id_token_hint", h.tokens(h.signIn(h.bob, levels[0], "pwd")).ID},
				"login_required"},
		} {
			where, said := landed(h.T, h.authorizeWith(c.cookie, c.change...))
			if where != "/signin" || said.Get("to") == "" {
				h.Errorf("%s: %s %v", name, where, said)
			}
			if c.silent == "" {
				continue
			}
			where, said = landed(h.T, h.authorizeWith(c.cookie, append(c.change, "prompt", "none")...))
			if where != callback || said.Get("error") != c.silent || said.Get("iss") != origin {
				h.Errorf("%s, prompt=none: %s %v", name, where, said)
			}
		}
	})
}

// TestResume signs in between the two halves of one request.
func TestResumeAfterTheSignIn(t *testing.T) {
	each(t, func(h *house) {
		old := h.signIn(h.ada, levels[0], "pwd")
		h.forward(time.Minute)
		for name, change := range map[string][]string{
			"no one was here": nil, "prompt login": {"prompt", "login"}, "max_age 0": {"max_age", "0"},
			"max_age 1": {"max_age", "1"}, "level": {"acr_values", levels[1]},
		} {
			_, said := landed(h.T, h.authorizeWith(map[bool]string{true: "", false: old}[change == nil], change...))
			resume := "/authorize/resume?to=" + url.QueryEscape(said.Get("to"))
			if where, _ := landed(h.T, h.get(resume, old)); change != nil && where != "/signin" {
				h.Errorf("%s: the old session was enough: %s", name, where)
			}
			h.forward(30 * time.Second) // a person types; max_age=1 must not loop
			fresh := h.byMail()
			h.forward(3 * time.Second)
			if where, said := landed(h.T, h.get(resume, fresh)); where != callback || said.Get("code") == "" ||
				said.Get("state") != "s-1" {
				h.Errorf("%s: %s %v", name, where, said)
			}
		}
	})
}

func TestResumeForAnotherPersonEndsInAnError(t *testing.T) {
	h := one(t)
	h.signIn(h.ada, levels[0], "pwd")
	_, said := landed(t, h.authorizeWith(h.byMail(), "claims", `{"id_token":{"sub":{"value":"`+h.bob.ID+`"}}}`))
	resume := "/authorize/resume?to=" + url.QueryEscape(said.Get("to"))
	if where, _ := landed(t, h.get(resume, "")); where != "/signin" {
		t.Error(where)
	}
	h.forward(time.Second)
	if where, said := landed(t, h.get(resume, h.byMail())); where != callback || said.Get("error") != "login_required" {
		t.Errorf("%s %v", where, said)
	}
	if where, said := landed(t, h.get(resume, h.signIn(h.bob, levels[0], "pwd"))); where != callback ||
		said.Get("code") == "" {
		t.Errorf("%s %v", where, said)
	}
}

func TestASignInThatNothingCouldSatisfyIsToldToTheApp(t *testing.T) {
	h := one(t)
	_, said := landed(t, h.authorizeWith(""))
	where, said := landed(t, h.get("/authorize/resume?unmet=1&to="+said.Get("to"), ""))
	if where != callback || said.Get("error") != "unmet_authentication_requirements" || said.Get("state") != "s-1" {
		t.Errorf("%s %v", where, said)
	}
}

func TestSealedRequestsAreOnlyOurs(t *testing.T) {
	h := one(t)
	for name, to := range map[string]string{"empty": "", "rubbish": "AAAA",
		"other purpose": h.sealLeave(leave{ClientID: "dash"}),
		"old": grant.Seal(h.Keys,
			grant.Request{ClientID: "dash", RedirectURI: callback, IssuedAt: h.now().Add(-time.Hour)})} {
		if rec := h.get("/authorize/resume?to="+to, h.byMail()); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
}

func TestAuthorizeByPOST(t *testing.T) {
	h := one(t)
	for _, prompt := range []string{"", "none"} {
		rec := h.post("/authorize", ask("prompt", prompt), "Origin", "https://app.test", "Sec-Fetch-Site", "cross-site")
		where, said := landed(t, rec)
		if where != "/authorize/resume" {
			t.Fatal(where)
		}
		resume := where + "?" + said.Encode()
		if where, said := landed(t, h.get(resume, h.byMail())); where != callback || said.Get("code") == "" {
			t.Errorf("%s %v", where, said)
		}
		want := map[string]string{"": "/signin", "none": callback}[prompt]
		if where, said := landed(t, h.get(resume, "")); where != want {
			t.Errorf("prompt %q: %s %v", prompt, where, said)
		}
	}
	if rec := h.post("/authorize",
		ask("redirect_uri", "https://evil.test/")); rec.Code != http.StatusUnprocessableEntity {
		t.Error(rec.Code)
	}
}

// TestATK138FormPost carries the same answer in a form, under a policy that lets it go.
func TestATK138FormPost(t *testing.T) {
	h := one(t)
	for name, rec := range map[string]string{
		"code":  h.authorizeWith(h.byMail(), "response_mode", "form_post", "state", `"><script>`).Body.String(),
		"error": h.authorizeWith("", "response_mode", "form_post", "prompt", "none").Body.String(),
	} {
		for _, want := range []string{`action="` + callback + `"`, `name="iss" value="` + origin + `"`,
			`name="` + name + `"`, "formpost.js", "<button"} {
			if !strings.Contains(rec, want) {
				t.Errorf("%s: no %s in %s", name, want, rec)
			}
		}
		if strings.Contains(rec, "<script>") {
			t.Error("state broke out")
		}
	}
	rec := h.authorizeWith(h.byMail(), "response_mode", "form_post")
	if csp := rec.Header().Get("Content-Security-Policy"); strings.Contains(csp, "form-action") ||
		!strings.Contains(csp, "default-src 'none'") ||
		!strings.Contains(csp, "frame-ancestors 'none'") {
		t.Error(csp)
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		t.Error("the page with the code may be cached")
	}
	_, said := landed(t, h.authorizeWith(h.byMail(), "client_id", "phone", "redirect_uri", "test.app.phone:/cb",
		"response_mode", "form_post"))
	if said.Get("error") != "invalid_request" {
		t.Errorf("a form to an app's own scheme: %v", said)
	}
}

func FuzzAuthorizeNeverRedirectsElsewhere(f *testing.F) {
	f.Add(ask().Encode())
	f.Add(ask("redirect_uri", "https://evil.test").Encode())
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c := client.Client{Kind: client.Confidential, RedirectURIs: []string{callback}}
		if uri := q.Get("redirect_uri"); c.AllowsRedirect(uri) && uri != callback {
			t.Errorf("%q", uri)
		}
		if to := addQuery(callback, url.Values{"state": {q.Get("state")}}); !strings.HasPrefix(to, callback+"?state=") {
			t.Errorf("%q", to)
		}
	})
}
