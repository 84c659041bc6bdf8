package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/gate"
	"countersign/internal/grant"
	"countersign/internal/policy"
	"countersign/internal/web"
)

// authorize is where apps send people (OpenID Connect Core 3.1.2). It changes nothing: a
// person who need not be asked anything is sent back with a code, others to sign in.
func (p *Provider) authorize(rw http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	req, err := p.readRequest(r.Context(), q)
	if err != nil {
		p.refusedRequest(r, q, err)
		return p.answerError(rw, r, req, err)
	}
	return p.decide(rw, r, req)
}

// authorizeForm takes the same request as a POST. A browser sends no cookie of ours with
// another site's form, so the request comes back as a GET before anyone looks for them.
func (p *Provider) authorizeForm(rw http.ResponseWriter, r *http.Request) error {
	if err := web.ParseForm(rw, r); err != nil {
		return err
	}
	req, err := p.readRequest(r.Context(), r.PostForm)
	if err != nil {
		p.refusedRequest(r, r.PostForm, err)
		return p.answerError(rw, r, req, err)
	}
	return p.Web.Redirect(rw, "/authorize/resume?to="+grant.Seal(p.Keys, req))
}

// resume takes the request up again after the sign-in. The client is looked at anew: it
// may have been disabled meanwhile.
func (p *Provider) resume(rw http.ResponseWriter, r *http.Request) error {
	req, err := grant.Open(p.Keys, r.URL.Query().Get("to"), p.DB.Now())
	if err != nil {
		return err
	}
	c, err := p.client(r.Context(), req.ClientID)
	if err != nil {
		return err
	}
	if !c.AllowsRedirect(req.RedirectURI) {
		return errBadRedirect
	}
	if req.CodeChallenge == "" && !c.PKCEOptional { // required since
		return p.answerError(rw, r, req, deny("invalid_request", "PKCE with code_challenge_method=S256 is required"))
	}
	if r.URL.Query().Has("unmet") { // the sign-in found that nothing could be enough
		return p.answerError(rw, r, req, errUnmet)
	}
	return p.decide(rw, r, req)
}

// decide asks what the browser's session is worth for this request.
func (p *Provider) decide(rw http.ResponseWriter, r *http.Request, req grant.Request) error {
	st, err := p.standingHere(r, gate.Ask{
		ClientID:   req.ClientID,
		WantACR:    req.ACRValues,
		FreshAfter: req.FreshAfter(),
		From:       policy.Origin{Judged: true, IP: visitor(r).IP},
	})
	if err != nil {
		return err
	}
	switch {
	case st.Unreachable:
		return p.answerError(rw, r, req, errUnmet)
	case st.Session != nil && st.Enough && rightPerson(req, st):
		return p.issueCode(rw, r, req, st)
	case req.PromptNone:
		return p.answerError(rw, r, req, promptNeeded(req, st))
	case st.Enough && req.PromptLogin: // someone else has just signed in
		return p.answerError(rw, r, req, errOther)
	case st.Enough:
		req.PromptLogin = true // another person must come, so this session is not enough
	}
	return p.Web.Redirect(rw, "/signin?to="+grant.Seal(p.Keys, req))
}

// standingHere judges the session of the browser.
func (p *Provider) standingHere(r *http.Request, ask gate.Ask) (gate.SessionCheck, error) {
	return p.Gate.CheckSession(r.Context(), p.Web.Cookie(r, "session"), ask)
}

var errOther = deny("login_required", "someone else than the expected user is signed in")

func rightPerson(req grant.Request, st gate.SessionCheck) bool {
	return req.Subject == "" || req.Subject == st.User.ID
}

// promptNeeded says why a request that may not show a page needs one.
func promptNeeded(req grant.Request, st gate.SessionCheck) error {
	switch {
	case st.Session == nil:
		return deny("login_required", "no one is signed in")
	case !rightPerson(req, st):
		return errOther
	case st.StepUp:
		return deny("interaction_required", "a second step is needed")
	}
	return deny("login_required", "the sign-in is too old")
}

func (p *Provider) issueCode(rw http.ResponseWriter, r *http.Request, req grant.Request, st gate.SessionCheck) error {
	code, err := grant.Authorize(r.Context(), p.DB, st.Session.Tenant, grant.Code{
		ClientID:      req.ClientID,
		UserID:        st.User.ID,
		SessionID:     st.Session.ID,
		RedirectURI:   req.RedirectURI,
		Scope:         req.Scope,
		Nonce:         req.Nonce,
		CodeChallenge: req.CodeChallenge,
	}, p.Limits.AuthorizationCodeLife)
	if err != nil {
		return err
	}
	return p.redirectToApp(rw, r, req, url.Values{"code": {code.Reveal()}})
}

// answerError tells the app what is wrong, or our own page where the app cannot be believed.
func (p *Provider) answerError(rw http.ResponseWriter, r *http.Request, req grant.Request, err error) error {
	var d *denial
	if !errors.As(err, &d) {
		return err
	}
	return p.redirectToApp(rw, r, req, url.Values{"error": {d.code}, "error_description": {d.description}})
}

// redirectToApp sends the browser back with the answer, the app's state and our name (RFC 9207).
func (p *Provider) redirectToApp(rw http.ResponseWriter, r *http.Request, req grant.Request, answer url.Values) error {
	answer.Set("iss", p.issuer())
	if req.State != "" {
		answer.Set("state", req.State)
	}
	if req.ResponseMode == modeForm {
		return p.Web.Draw(rw, r, http.StatusOK, newFormPost(req, answer))
	}
	return p.Web.Redirect(rw, addQuery(req.RedirectURI, answer))
}

// addQuery adds parameters to an address and leaves the rest of it as it was registered,
// character by character: apps compare it, and url.URL would write some of it differently.
// An address that is registered holds no fragment.
func addQuery(uri string, add url.Values) string {
	if len(add) == 0 {
		return uri
	}
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	if strings.HasSuffix(uri, "?") || strings.HasSuffix(uri, "&") {
		separator = ""
	}
	return uri + separator + add.Encode()
}
