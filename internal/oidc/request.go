package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/grant"
)

// Response modes.
const (
	modeQuery = "query"
	modeForm  = "form_post"
)

// What is answered on our own page, because the address to answer to cannot be believed.
var (
	errUnknownClient = fault.New(fault.Invalid, "oidc.unknown_client")
	errBadRedirect   = fault.New(fault.Invalid, "oidc.bad_redirect")
	errBadRequest    = fault.New(fault.Invalid, "oidc.bad_request")
)

// denial is an error that the app is told at its redirect address (OpenID Connect Core 3.1.2.6).
type denial struct{ code, description string }

func (d *denial) Error() string { return d.code + ": " + d.description }

func deny(code, description string) error { return &denial{code, description} }

const (
	maxQuery = 8 << 10
	maxValue = 2 << 10
	// maxAge keeps a number of seconds inside what a time can hold: ten years.
	maxAge = 10 * 365 * 24 * 3600
)

// query reads the parameters of a GET. Malformed pairs are refused; the caller looks for
// repeats, since some can be told to the app. web has refused what no database takes.
func query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		return nil, errBadRequest
	}
	return q, nil
}

// readRequest checks an authorization request. Its errors are faults for our own page, or denials
// for the app, and then req says where the app is.
func (p *Provider) readRequest(ctx context.Context, q url.Values) (req grant.Request, err error) {
	if len(q["client_id"]) != 1 {
		return req, errUnknownClient
	}
	c, err := p.client(ctx, q.Get("client_id"))
	if err != nil {
		return req, err
	}
	if len(q["redirect_uri"]) != 1 || !c.AllowsRedirect(q.Get("redirect_uri")) {
		return req, errBadRedirect
	}
	req = grant.Request{ClientID: c.ID, RedirectURI: q.Get("redirect_uri"), IssuedAt: p.DB.Now()}
	if len(q["state"]) == 1 && len(q.Get("state")) <= maxValue {
		req.State = q.Get("state")
	}
	if q.Get("response_mode") == modeForm && isWeb(req.RedirectURI) {
		req.ResponseMode = modeForm // a native app's own scheme takes no form
	}
	for _, check := range []func(context.Context, url.Values, *grant.Request) error{noRepeats, shape, proofKey(c),
		scope, p.readPreferences} {
		if err := check(ctx, q, &req); err != nil {
			return req, err
		}
	}
	return req, nil
}

// isWeb reports whether an address is one that a browser sends a form to.
func isWeb(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http")
}

// client loads a client that people may sign in to.
func (p *Provider) client(ctx context.Context, id string) (c client.Client, err error) {
	err = p.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		c, err = client.ByID(ctx, tx, id)
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && c.Disabled() {
		return client.Client{}, errUnknownClient
	}
	return c, err
}

// noRepeats refuses what is given twice or is too long (RFC 6749 3.1).
func noRepeats(_ context.Context, q url.Values, _ *grant.Request) error {
	for name, values := range q {
		if len(values) > 1 {
			return deny("invalid_request", "a parameter is given more than once")
		}
		if len(values[0]) > maxValue && name != "claims" && name != "id_token_hint" {
			return deny("invalid_request", "a parameter is too long")
		}
	}
	return nil
}

func shape(_ context.Context, q url.Values, req *grant.Request) error {
	mode := q.Get("response_mode")
	switch {
	case q.Has("request"):
		return deny("request_not_supported", "request objects are not supported")
	case q.Has("request_uri"):
		return deny("request_uri_not_supported", "request objects are not supported")
	case q.Get("response_type") == "":
		return deny("invalid_request", "response_type is missing")
	case q.Get("response_type") != "code":
		return deny("unsupported_response_type", "only response_type=code is supported")
	case mode != "" && mode != modeQuery && mode != req.ResponseMode:
		return deny("invalid_request", "response_mode must be query, or form_post to a web address")
	}
	return nil
}

// proofKey demands PKCE with S256 from every client (RFC 9700 2.1.1), but for confidential
// ones that are registered without. What such a client sends is held to all the same, and
// without PKCE it must send a nonce, by which it notices a code that was slipped to it.
func proofKey(c client.Client) func(context.Context, url.Values, *grant.Request) error {
	return func(_ context.Context, q url.Values, req *grant.Request) error {
		if c.PKCEOptional && !q.Has("code_challenge") && !q.Has("code_challenge_method") {
			if q.Get("nonce") == "" {
				return deny("invalid_request", "a request without PKCE needs a nonce")
			}
			return nil
		}
		if q.Get("code_challenge_method") != "S256" || !grant.ValidChallenge(q.Get("code_challenge")) {
			return deny("invalid_request", "PKCE with code_challenge_method=S256 is required")
		}
		req.CodeChallenge = q.Get("code_challenge")
		return nil
	}
}

func scope(_ context.Context, q url.Values, req *grant.Request) error {
	asked := strings.Fields(q.Get("scope"))
	if !slices.Contains(asked, "openid") {
		return deny("invalid_scope", "scope must contain openid")
	}
	var granted []string
	for _, s := range scopes {
		if slices.Contains(asked, s) {
			granted = append(granted, s)
		}
	}
	req.Scope = strings.Join(granted, " ")
	return nil
}

// readPreferences reads what the app says about how and who should sign in.
func (p *Provider) readPreferences(ctx context.Context, q url.Values, req *grant.Request) error {
	req.Nonce, req.LoginHint, req.UILocales = q.Get("nonce"), q.Get("login_hint"), q.Get("ui_locales")
	wanted := strings.Fields(q.Get("acr_values"))
	if err := prompts(q.Get("prompt"), req); err != nil {
		return err
	}
	if err := age(q.Get("max_age"), req); err != nil {
		return err
	}
	if err := claims(q.Get("claims"), req, &wanted); err != nil {
		return err
	}
	if hint := q.Get("id_token_hint"); hint != "" {
		t, err := p.verifyHint(ctx, hint)
		if err != nil || !slices.Contains(t.Audience, req.ClientID) {
			return deny("invalid_request", "id_token_hint is not a token of this issuer for this client")
		}
		req.Subject = t.Subject
	}
	return reachable(wanted, req)
}

// reachable keeps the levels that exist. An app that wants only others is told so, rather
// than given less than it asked for (RFC 9470 5).
func reachable(wanted []string, req *grant.Request) error {
	for _, l := range levels {
		if slices.Contains(wanted, l) {
			req.ACRValues = append(req.ACRValues, l)
		}
	}
	if len(wanted) > 0 && len(req.ACRValues) == 0 {
		return errUnmet
	}
	return nil
}

var errUnmet = deny("unmet_authentication_requirements", "none of the requested acr values can be reached")

func prompts(text string, req *grant.Request) error {
	values := strings.Fields(text)
	if slices.Contains(values, "none") {
		if len(values) > 1 {
			return deny("invalid_request", "prompt=none stands alone")
		}
		req.PromptNone = true
	}
	req.PromptLogin = slices.Contains(values, "login") || slices.Contains(values, "select_account")
	return nil
}

func age(text string, req *grant.Request) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return deny("invalid_request", "max_age must be a number of seconds")
	}
	n = min(n, maxAge)
	req.MaxAge = &n
	return nil
}

// claims reads the two members that change a sign-in: an essential acr, and which subject.
// Everything else that an app may list is in the tokens anyway, or not offered.
func claims(text string, req *grant.Request, wanted *[]string) error {
	if text == "" {
		return nil
	}
	type claim struct {
		Essential bool     `json:"essential"`
		Value     string   `json:"value"`
		Values    []string `json:"values"`
	}
	var c struct {
		IDToken struct {
			ACR *claim `json:"acr"`
			Sub *claim `json:"sub"`
		} `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return deny("invalid_request", "claims is not a JSON object of the form in OpenID Connect Core 5.5")
	}
	if acr := c.IDToken.ACR; acr != nil && acr.Essential {
		if values := slices.DeleteFunc(append(acr.Values, acr.Value),
			func(v string) bool { return v == "" }); len(values) > 0 {
			*wanted = values
		}
	}
	if sub := c.IDToken.Sub; sub != nil && sub.Value != "" {
		req.Subject = sub.Value
	}
	return nil
}
