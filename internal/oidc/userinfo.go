package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/gate"
	"countersign/internal/web"
)

// info is what an app may read of the person (OpenID Connect Core 5.3.2).
type info struct {
	Subject string `json:"sub"`
	person
	AuthTime int64    `json:"auth_time"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
}

type company struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// challenge is an answer that names, in a header, what is wrong with the token (RFC 6750 3).
type challenge struct {
	status     int
	parameters string // after "Bearer"; empty when no token was brought
}

func (c *challenge) Error() string { return "bearer" + c.parameters }

var (
	errNoToken   = &challenge{http.StatusUnauthorized, ""}
	errTwoTokens = &challenge{http.StatusBadRequest,
		` error="invalid_request", error_description="bring one token, in one way"`}
	errBearer = &challenge{http.StatusUnauthorized,
		` error="invalid_token", error_description="the access token is not valid, or no longer"`}
)

// userinfo answers about the person while the sign-in behind the token is alive and enough.
func (p *Provider) userinfo(rw http.ResponseWriter, r *http.Request) error {
	st, c, err := p.bearer(rw, r)
	var refused *challenge
	if errors.As(err, &refused) {
		noStore(rw)
		rw.Header().Set("WWW-Authenticate", "Bearer"+refused.parameters)
		rw.WriteHeader(refused.status)
		return nil
	}
	if err != nil {
		return err
	}
	who, err := p.loadPerson(r.Context(), c.Scope, st)
	if err != nil {
		return err
	}
	who.Tenant = &company{st.User.TenantID, st.Tenant.Name} // whatever the scope
	noStore(rw)
	return p.Web.JSON(rw, http.StatusOK, info{
		Subject:  st.User.ID,
		person:   who,
		AuthTime: st.Session.AuthenticatedAt.Unix(),
		ACR:      st.Session.ACR,
		AMR:      st.Session.AMR,
	})
}

func (p *Provider) bearer(rw http.ResponseWriter, r *http.Request) (st gate.SessionCheck, c accessClaims, err error) {
	text, err := bearerToken(rw, r)
	if err != nil {
		return st, c, err
	}
	if c, err = p.verifyAccess(r.Context(), text); err != nil {
		if errors.Is(err, errToken) {
			err = errBearer
		}
		return st, c, err
	}
	st, err = p.checkToken(r.Context(), c)
	return st, c, err
}

// checkToken asks the rows behind a token whether it is still good. A sign-in that is alive
// but has become too little is told apart, so that the app can ask for more (RFC 9470 3).
func (p *Provider) checkToken(ctx context.Context, c accessClaims) (st gate.SessionCheck, err error) {
	st, err = p.Gate.CheckSessionByGrant(ctx, c.Tenant, c.Grant, gate.Ask{ClientID: c.ClientID})
	switch {
	case err != nil:
		return st, err
	case st.Session == nil || st.User.ID != c.Subject:
		return st, errBearer
	case !st.Enough:
		return st, tooLittle(st.NeedACR)
	}
	return st, nil
}

func tooLittle(need string) error {
	return &challenge{http.StatusUnauthorized,
		fmt.Sprintf(
			` error="insufficient_user_authentication", error_description="a stronger sign-in is needed", acr_values=%q`,
			need)}
}

// bearerToken finds the token in the header, or in the body of a form (RFC 6750 2). One in
// the address is not seen.
func bearerToken(rw http.ResponseWriter, r *http.Request) (string, error) {
	var found []string
	for _, h := range r.Header.Values("Authorization") {
		scheme, text, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", errNoToken
		}
		found = append(found, text)
	}
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "" {
		if err := web.ParseForm(rw, r); err != nil {
			return "", errTwoTokens
		}
		if r.PostForm.Has("access_token") {
			found = append(found, r.PostForm.Get("access_token"))
		}
	}
	switch len(found) {
	case 0:
		return "", errNoToken
	case 1:
		return found[0], nil
	}
	return "", errTwoTokens
}

// confirmedByMail reports whether this sign-in, or the one that its remembered browser stands for,
// reached the person by mail.
func confirmedByMail(st gate.SessionCheck) bool {
	return slices.Contains(st.Session.AMR, authenticator.TraitsOf[authenticator.Email].AMR[0]) ||
		st.Session.RememberedID != "" && onlyByMail(st)
}

// onlyByMail reports whether nothing but a mail can have been the second step that a browser is
// remembered for: a method that comes or goes ends what is remembered.
func onlyByMail(st gate.SessionCheck) bool {
	return !slices.ContainsFunc(slices.Concat(st.Has, st.Lost),
		func(k authenticator.Kind) bool { return authenticator.TraitsOf[k].Possession })
}
