// Command example is a dashboard of one's own behind Countersign: sign in, ask at each page
// whether the sign-in still counts, step up, sign out. It keeps its sessions in memory.
//
//	COUNTERSIGN_URL=https://sign-in.example.com CLIENT_ID=board CLIENT_SECRET=… go run .
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	home := cmp.Or(os.Getenv("HOME_URL"), "http://localhost:3000")
	b, err := newBoard(context.Background(), os.Getenv("COUNTERSIGN_URL"), home)
	if err != nil {
		log.Fatal(err)
	}
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}": b.page, "GET /sign-in": b.signIn, "GET /callback": b.callback, "POST /sign-out": b.signOut,
	} {
		http.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				log.Print(err)
				http.Error(w, "That did not work.", http.StatusInternalServerError)
			}
		})
	}
	log.Print("open ", home)
	u, _ := url.Parse(home)
	log.Fatal(http.ListenAndServe("localhost:"+u.Port(), http.NewCrossOriginProtection().Handler(http.DefaultServeMux)))
}

// board is the app: what it knows of Countersign, and who is signed in.
type board struct {
	provider *oidc.Provider
	config   oauth2.Config
	home     string
	leave    string // where people sign out
	mu       sync.Mutex
	going    map[string]departure // by state
	people   map[string]*person   // by the app's own cookie
}

type departure struct{ nonce, verifier string }

type person struct {
	mu      sync.Mutex // one renewal at a time: each refresh token is good once
	tokens  *oauth2.Token
	idToken string
}

// newBoard reads the discovery document; nothing else has to be configured.
func newBoard(ctx context.Context, issuer, home string) (*board, error) {
	p, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, err
	}
	return &board{
		provider: p,
		home:     home,
		leave:    more.EndSession,
		going:    map[string]departure{},
		people:   map[string]*person{},
		config: oauth2.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     p.Endpoint(),
			RedirectURL:  home + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		},
	}, nil
}

func (b *board) signIn(w http.ResponseWriter, r *http.Request) error { return b.begin(w, r) }

// begin sends a person to Countersign. State, nonce and verifier tie the answer to this browser.
func (b *board) begin(w http.ResponseWriter, r *http.Request, more ...oauth2.AuthCodeOption) error {
	state, d := rand.Text(), departure{rand.Text(), oauth2.GenerateVerifier()}
	b.mu.Lock()
	b.going[state] = d
	b.mu.Unlock()
	setCookie(w, "board-state", state, 600)
	more = append(more, oidc.Nonce(d.nonce), oauth2.S256ChallengeOption(d.verifier))
	http.Redirect(w, r, b.config.AuthCodeURL(state, more...), http.StatusFound)
	return nil
}

// callback exchanges the code, checks the ID token and begins the app's own session.
func (b *board) callback(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	state, err := r.Cookie("board-state")
	if err != nil || state.Value != q.Get("state") {
		return errors.New("that sign-in did not begin in this browser")
	}
	b.mu.Lock()
	d := b.going[state.Value]
	delete(b.going, state.Value)
	b.mu.Unlock()
	if q.Get("error") != "" || d.verifier == "" {
		return fmt.Errorf("sign-in was not finished: %s", q.Get("error"))
	}
	tokens, err := b.config.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(d.verifier))
	if err != nil {
		return err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := b.provider.Verifier(&oidc.Config{ClientID: b.config.ClientID}).Verify(r.Context(), raw)
	if err != nil {
		return err
	}
	if id.Nonce != d.nonce {
		return errors.New("the ID token belongs to another sign-in")
	}
	cookie := rand.Text() // a new name: anyone who knew an older one knows nothing
	b.mu.Lock()
	b.people[cookie] = &person{tokens: tokens, idToken: raw}
	b.mu.Unlock()
	setCookie(w, "board", cookie, 0)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

var errOver = errors.New("the sign-in is over")

// stepUp says that the sign-in is alive and no longer enough (RFC 9470).
type stepUp struct{ levels string }

func (s stepUp) Error() string { return "a stronger sign-in is needed: " + s.levels }

func (b *board) page(w http.ResponseWriter, r *http.Request) error {
	_, p := b.person(r)
	if p == nil {
		return show(w, `<a href="/sign-in">Sign in</a>`)
	}
	who, err := b.ask(p)
	var more stepUp
	switch {
	case errors.As(err, &more):
		return b.begin(w, r, oauth2.SetAuthURLParam("acr_values", more.levels))
	case errors.Is(err, errOver):
		return show(w, `Your sign-in has ended. <a href="/sign-in">Sign in</a>`)
	case err != nil:
		return err
	}
	return show(w, fmt.Sprintf(
		`<p>%s of %s, %s</p><form method="post" action="/sign-out"><button>Sign out</button></form>`,
		html.EscapeString(who.Name), html.EscapeString(who.Tenant.Name), html.EscapeString(who.ACR)))
}

type info struct {
	Name   string `json:"name"`
	ACR    string `json:"acr"`
	Tenant struct {
		Name string `json:"name"`
	} `json:"tenant"`
}

// ask renews the access token when it must and reads userinfo. A browser that hangs up must
// not lose the new refresh token, so the request's context is not used.
func (b *board) ask(p *person) (who info, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	tokens, err := b.config.TokenSource(context.Background(), p.tokens).Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return who, errOver
	}
	if err != nil {
		return who, err
	}
	p.tokens = tokens
	res, err := oauth2.NewClient(context.Background(),
		oauth2.StaticTokenSource(tokens)).Get(b.provider.UserInfoEndpoint())
	if err != nil {
		return who, err
	}
	defer func() { _ = res.Body.Close() }()
	header := res.Header.Get("WWW-Authenticate")
	switch {
	case res.StatusCode == http.StatusOK:
		return who, json.NewDecoder(res.Body).Decode(&who)
	case strings.Contains(header, `error="insufficient_user_authentication"`):
		_, rest, _ := strings.Cut(header, `acr_values="`)
		levels, _, _ := strings.Cut(rest, `"`)
		return who, stepUp{levels}
	case res.StatusCode == http.StatusUnauthorized:
		return who, errOver
	}
	return who, errors.New("userinfo answers " + res.Status)
}

// signOut ends the session here, then asks Countersign to end its own.
func (b *board) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, p := b.person(r)
	if p == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	b.mu.Lock()
	delete(b.people, cookie)
	b.mu.Unlock()
	setCookie(w, "board", "", -1)
	q := url.Values{"id_token_hint": {p.idToken}, "post_logout_redirect_uri": {b.home + "/"}}
	http.Redirect(w, r, b.leave+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}

func (b *board) person(r *http.Request) (string, *person) {
	cookie, err := r.Cookie("board")
	if err != nil {
		return "", nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return cookie.Value, b.people[cookie.Value]
}

// setCookie: behind https, name it __Host-… and add Secure.
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

func show(w http.ResponseWriter, body string) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := fmt.Fprintf(w,
		`<!doctype html><html lang="en"><meta charset="utf-8"><title>My board</title><h1>My board</h1>%s`,
		body)
	return err
}
