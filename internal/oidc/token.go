package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"countersign/internal/client"
	"countersign/internal/gate"
	"countersign/internal/grant"
	"countersign/internal/web"
)

// refusal is an error of the token endpoint (RFC 6749 5.2).
type refusal struct {
	status            int
	code, description string
}

func (e *refusal) Error() string { return e.code + ": " + e.description }

func refuse(code, description string) error {
	return &refusal{http.StatusBadRequest, code, description}
}

// errGrant is one answer for every code and refresh token that does not count, so that
// no one learns which of the reasons it was.
var errGrant = refuse("invalid_grant", "the code or refresh token is not valid, or no longer")

// token turns a code or a refresh token into tokens.
func (p *Provider) token(rw http.ResponseWriter, r *http.Request) error {
	t, err := p.exchange(rw, r)
	var e *refusal
	if errors.As(err, &e) {
		return p.writeRefusal(rw, e)
	}
	if err != nil {
		return err
	}
	noStore(rw)
	return p.Web.JSON(rw, http.StatusOK, t)
}

func (p *Provider) writeRefusal(rw http.ResponseWriter, e *refusal) error {
	noStore(rw)
	if e.status == http.StatusUnauthorized {
		rw.Header().Set("WWW-Authenticate", `Basic realm="token", charset="UTF-8"`)
	}
	return p.Web.JSON(rw, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

func noStore(rw http.ResponseWriter) {
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Pragma", "no-cache")
}

func (p *Provider) exchange(rw http.ResponseWriter, r *http.Request) (tokens, error) {
	if err := web.ParseForm(rw, r); err != nil {
		return tokens{}, refuse("invalid_request",
			"the body must be a well-formed application/x-www-form-urlencoded form")
	}
	c, err := p.authenticate(r)
	if err != nil {
		return tokens{}, err
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return p.redeem(r, c, r.PostForm)
	case "refresh_token":
		return p.refresh(r, c, r.PostForm)
	case "":
		return tokens{}, refuse("invalid_request", "grant_type is missing")
	}
	return tokens{}, refuse("unsupported_grant_type", "only authorization_code and refresh_token are supported")
}

// redeem looks at the sign-in behind the code first, and spends the code whatever it is
// worth: a code that was shown once is never good again.
func (p *Provider) redeem(r *http.Request, c client.Client, form url.Values) (tokens, error) {
	ctx, code := r.Context(), form.Get("code")
	st, refusal, err := p.checkGrant(ctx, c, code)
	if err != nil {
		return tokens{}, err
	}
	f, err := grant.Redeem(ctx, p.DB, grant.Redemption{
		Keys:           p.Keys,
		PKCEOptional:   c.PKCEOptional,
		Code:           code,
		ClientID:       c.ID,
		RedirectURI:    form.Get("redirect_uri"),
		Verifier:       form.Get("code_verifier"),
		AccessLife:     p.Limits.AccessTokenLife,
		RefreshLife:    p.Limits.RefreshTokenLife,
		ReachedMailbox: refusal == "" && confirmedByMail(st),
		Refuse:         refusal,
		Event:          event(r, c.ID),
	})
	if errors.Is(err, grant.ErrInvalid) {
		return tokens{}, errGrant
	}
	if err != nil {
		return tokens{}, err
	}
	return p.mint(ctx, c, f, st)
}

func (p *Provider) refresh(r *http.Request, c client.Client, form url.Values) (tokens, error) {
	ctx, token := r.Context(), form.Get("refresh_token")
	st, refusal, err := p.checkGrant(ctx, c, token)
	if err != nil {
		return tokens{}, err
	}
	f, err := grant.Refresh(ctx, p.DB, grant.Renewal{
		Keys:     p.Keys,
		Token:    token,
		ClientID: c.ID,
		Scope:    form.Get("scope"),
		Refuse:   refusal,
		Event:    event(r, c.ID),
	})
	switch {
	case errors.Is(err, grant.ErrInvalid):
		return tokens{}, errGrant
	case errors.Is(err, grant.ErrScope):
		return tokens{}, refuse("invalid_scope", "the refresh token does not hold this scope")
	case err != nil:
		return tokens{}, err
	}
	return p.mint(ctx, c, f, st)
}

// checkGrant checks what the session behind a code or refresh token is worth for this client
// now: user, company, policy and levels may have changed since (RFC 9700 4.14).
func (p *Provider) checkGrant(ctx context.Context, c client.Client, text string) (st gate.SessionCheck,
	refusal string, err error) {
	tenant, sessionID, err := grant.Holder(ctx, p.DB, text)
	if errors.Is(err, grant.ErrInvalid) {
		return st, "", errGrant
	}
	if err != nil {
		return st, "", err
	}
	st, err = p.Gate.CheckSessionByID(ctx, tenant, sessionID, gate.Ask{ClientID: c.ID})
	switch {
	case err != nil:
		return st, "", err
	case st.Session == nil:
		return st, "session_over", nil
	case !st.Enough:
		return st, "sign_in_not_enough", nil
	}
	return st, "", nil
}
