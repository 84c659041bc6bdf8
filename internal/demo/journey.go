package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// departure is a sign-in that an app began: what must come back with it.
type departure struct{ state, nonce, verifier string }

// mostVisits bounds what an app keeps in memory; a demo does not get there.
const mostVisits = 1000

var errFull = &problem{http.StatusServiceUnavailable, "The sample app keeps no more sessions. Start the demo again."}

// discovered is the provider, found once it is asked for.
func (s *sample) discovered() (*oidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider != nil {
		return s.provider, nil
	}
	p, err := oidc.NewProvider(s.context(), s.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover: %w", err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("discover: %w", err)
	}
	s.provider, s.leaving = p, more.EndSession
	return p, nil
}

// context gives the libraries this app's HTTP client. It does not end with a request,
// because the provider keeps it to fetch keys later.
func (s *sample) context() context.Context {
	return oidc.ClientContext(context.Background(), s.http)
}

func (s *sample) config(p *oidc.Provider) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if s.key == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID:     s.ID,
		ClientSecret: s.key.Reveal(),
		Endpoint:     endpoint,
		RedirectURL:  s.home + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
}

// signIn leaves for Countersign. "again" asks for a fresh sign-in.
func (s *sample) signIn(w http.ResponseWriter, r *http.Request) error {
	if r.FormValue("again") != "" {
		return s.begin(w, r, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return s.begin(w, r)
}

func (s *sample) begin(w http.ResponseWriter, r *http.Request, options ...oauth2.AuthCodeOption) error {
	p, err := s.discovered()
	if err != nil {
		return err
	}
	left := departure{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	s.mu.Lock()
	full := len(s.going) >= mostVisits
	if !full {
		s.going[left.state] = left
	}
	s.mu.Unlock()
	if full {
		return errFull
	}
	s.setCookie(w, s.Cookie+"-going", left.state, 0)
	options = append(options, oidc.Nonce(left.nonce), oauth2.S256ChallengeOption(left.verifier))
	http.Redirect(w, r, s.config(p).AuthCodeURL(left.state, options...), http.StatusFound)
	return nil
}

// callback takes people back in. Only the browser that left may come back with its state.
func (s *sample) callback(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	cookie, err := r.Cookie(s.Cookie + "-going")
	if err != nil || cookie.Value != q.Get("state") || q.Get("iss") != s.issuer {
		return s.welcome(w, "That sign-in did not begin in this browser, or has been finished already.")
	}
	s.mu.Lock()
	left, known := s.going[cookie.Value]
	delete(s.going, cookie.Value)
	s.mu.Unlock()
	s.setCookie(w, s.Cookie+"-going", "", -1)
	if !known || q.Get("error") != "" {
		return s.welcome(w, "You did not finish signing in. "+q.Get("error_description"))
	}
	v, err := s.redeem(q.Get("code"), left)
	if err != nil {
		return err
	}
	if err := s.remember(w, r, v); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// redeem exchanges the code and believes the ID token only after the library has checked
// signature, issuer, audience and time, and this function the nonce and the access token.
func (s *sample) redeem(code string, left departure) (*visit, error) {
	p, err := s.discovered()
	if err != nil {
		return nil, err
	}
	ctx := s.context()
	tokens, err := s.config(p).Exchange(ctx, code, oauth2.VerifierOption(left.verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange code: %w", err)
	}
	hint, _ := tokens.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: s.ID, Now: s.now}).Verify(ctx, hint)
	if err != nil {
		return nil, fmt.Errorf("check ID token: %w", err)
	}
	v := &visit{tokens: tokens, hint: hint}
	if err := errors.Join(id.Claims(&v.claims), id.VerifyAccessToken(tokens.AccessToken)); err != nil {
		return nil, fmt.Errorf("check ID token: %w", err)
	}
	if v.claims.Nonce != left.nonce {
		return nil, errors.New("the ID token was made for another sign-in")
	}
	v.raw, err = pretty(id)
	return v, err
}

func pretty(id *oidc.IDToken) (string, error) {
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text), err
}

// remember begins the app's own session under a new name, in place of any older one.
func (s *sample) remember(w http.ResponseWriter, r *http.Request, v *visit) error {
	s.forget(w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.visits) >= mostVisits {
		return errFull
	}
	name := rand.Text()
	s.visits[name] = v
	s.setCookie(w, s.Cookie, name, 0)
	return nil
}

func (s *sample) visitOf(r *http.Request) *visit {
	cookie, err := r.Cookie(s.Cookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits[cookie.Value]
}

// forget ends the app's own session, and Countersign's not.
func (s *sample) forget(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie(s.Cookie)
	if err != nil {
		return
	}
	s.mu.Lock()
	delete(s.visits, cookie.Value)
	s.mu.Unlock()
	s.setCookie(w, s.Cookie, "", -1)
}

// setCookie cannot be Secure: the demo speaks plain HTTP, on this machine only.
func (s *sample) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// signOut ends the session here and asks Countersign to end its own
// (OpenID Connect RP-Initiated Logout 1.0, 2).
func (s *sample) signOut(w http.ResponseWriter, r *http.Request) error {
	v := s.visitOf(r)
	s.forget(w, r)
	if v == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	q := url.Values{"id_token_hint": {v.hint}, "client_id": {s.ID},
		"post_logout_redirect_uri": {s.home + "/signed-out"}}
	http.Redirect(w, r, s.leaving+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}

func (s *sample) showSignedOut(w http.ResponseWriter, _ *http.Request) error {
	return s.welcome(w, "You are signed out, here and at the sign-in page.")
}
