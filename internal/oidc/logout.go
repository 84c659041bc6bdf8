package oidc

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"countersign/internal/client"
	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/web"
)

// leave is a checked sign-out request (OpenID Connect RP-Initiated Logout 1.0, 2).
type leave struct {
	ClientID string `json:"c"`
	To       string `json:"t"` // registered, or empty
	State    string `json:"s"`
	subject  string // whom a valid id_token_hint names
	app      client.Client
}

var errBadLogout = fault.New(fault.Invalid, "oidc.bad_logout")

const leavePlace = "sign-out request"

// logout signs the browser out for an app that shows, by an ID token, that it means the
// person who is signed in here. Anyone else's link only asks.
func (p *Provider) logout(rw http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	l, err := p.readLeave(r, q)
	if err != nil {
		q.Set("client_id", l.ClientID) // as the hint names it
		p.refusedRequest(r, q, err)
		return err
	}
	owner, err := p.Gate.Owner(r.Context(), p.Web.Cookie(r, "session"))
	if err != nil {
		return err
	}
	if owner == "" || owner == l.subject { // without a session there is no one to ask
		return p.finishSignOut(rw, r, l)
	}
	return p.Web.Draw(rw, r, http.StatusOK, signOutPage{
		AppName: l.app.Name,
		Hint:    p.sealLeave(l),
		target:  grant.Request{RedirectURI: l.To}.Target(),
	})
}

// logoutForm turns another site's form into a GET, which is when the browser sends cookies.
func (p *Provider) logoutForm(rw http.ResponseWriter, r *http.Request) error {
	if err := web.ParseForm(rw, r); err != nil {
		return err
	}
	keep := url.Values{}
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if r.PostForm.Has(name) {
			keep.Set(name, r.PostForm.Get(name))
		}
	}
	text := keep.Encode()
	if len(text) > maxQuery {
		return errBadRequest
	}
	return p.Web.Redirect(rw, "/logout?"+text)
}

// confirmLogout is the answer of a person who was asked.
func (p *Provider) confirmLogout(rw http.ResponseWriter, r *http.Request) error {
	l, err := p.openLeave(r.PostForm.Get("hint"))
	if err != nil {
		return err
	}
	if l.ClientID != "" {
		if l.app, err = p.client(r.Context(), l.ClientID); err != nil {
			return err
		}
	}
	if still := l.app.AllowsPostLogout(l.To); l.To != "" && !still { // withdrawn since the person was asked
		return errBadLogout
	}
	return p.finishSignOut(rw, r, l)
}

func (p *Provider) finishSignOut(rw http.ResponseWriter, r *http.Request, l leave) error {
	if ref, err := secret.ParseReference(p.Web.Cookie(r, "session")); err == nil {
		if err := p.Gate.SignOut(r.Context(), ref, visitor(r)); err != nil {
			return err
		}
	}
	p.Web.ClearCookie(rw, "session")
	if l.To == "" {
		return p.Web.Draw(rw, r, http.StatusOK, pages.SignedOut{HomeURL: l.app.HomeURL, AppName: l.app.Name})
	}
	add := url.Values{}
	if l.State != "" {
		add.Set("state", l.State)
	}
	return p.Web.Redirect(rw, addQuery(l.To, add))
}

// readLeave believes an address to go to only if the client registered it (2.1).
func (p *Provider) readLeave(r *http.Request, q url.Values) (l leave, err error) {
	for _, values := range q {
		if len(values) > 1 || len(values[0]) > maxQuery {
			return l, errBadRequest
		}
	}
	l = leave{ClientID: q.Get("client_id"), To: q.Get("post_logout_redirect_uri"), State: q.Get("state")}
	if t, err := p.verifyHint(r.Context(), q.Get("id_token_hint")); err == nil {
		if l.ClientID != "" && l.ClientID != t.Audience[0] {
			return l, errBadLogout
		}
		l.ClientID, l.subject = t.Audience[0], t.Subject
	}
	if l.ClientID != "" {
		if l.app, err = p.client(r.Context(), l.ClientID); err != nil {
			return l, err
		}
	}
	if l.ClientID == "" { // no one can say whose address it is, and signing out is still what is asked for
		l.To, l.State = "", ""
	}
	if l.To != "" && !l.app.AllowsPostLogout(l.To) {
		return l, errBadLogout
	}
	return l, nil
}

func (p *Provider) sealLeave(l leave) string {
	plain, err := json.Marshal(l)
	if err != nil {
		panic(err) // three strings
	}
	return base64.RawURLEncoding.EncodeToString(p.Keys.Seal(plain, leavePlace))
}

func (p *Provider) openLeave(text string) (l leave, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return l, errBadLogout.Because(err)
	}
	plain, err := p.Keys.Open(raw, leavePlace)
	if err != nil {
		return l, errBadLogout.Because(err)
	}
	if err := json.Unmarshal(plain, &l); err != nil {
		return l, errBadLogout.Because(err)
	}
	return l, nil
}
