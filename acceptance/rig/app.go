package rig

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// App is something people sign in to: an ordinary OpenID Connect client made with a
// public library.
type App struct {
	ID, Secret string
	Redirect   string
	Home       string
	Scopes     []string
	Alg        string // what its ID tokens must be signed with; empty: ES256

	world    *World
	server   *Server
	provider *oidc.Provider
}

// Visit is one journey of one browser from an app and back.
type Visit struct {
	URL      string
	State    string
	Nonce    string
	Verifier string // of PKCE
}

// Tokens are what an app received, checked by its library.
type Tokens struct {
	Raw     *oauth2.Token
	IDToken string
	Claims  Claims
}

// Claims are the claims of an ID token.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience any      `json:"aud"`
	Nonce    string   `json:"nonce"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	AtHash   string   `json:"at_hash"`
	SID      string   `json:"sid"`
	Email    string   `json:"email"`
	Name     string   `json:"name"`
}

// The levels.
const (
	Level1  = "urn:countersign:acr:1"
	Level1e = "urn:countersign:acr:1e"
)

// Visit begins a journey. Options change or add parameters: "prompt", "none", …
func (a *App) Visit(options ...string) *Visit {
	v := &Visit{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier)}
	for i := 0; i+1 < len(options); i += 2 {
		opts = append(opts, oauth2.SetAuthURLParam(options[i], options[i+1]))
	}
	v.URL = a.config().AuthCodeURL(v.State, opts...)
	return v
}

func (a *App) config() *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if a.Secret == "" { // public and native apps name themselves in the form
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID:     a.ID,
		ClientSecret: a.Secret,
		RedirectURL:  a.Redirect,
		Scopes:       a.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL:   PublicURL + "/authorize",
			TokenURL:  PublicURL + "/token",
			AuthStyle: style,
		},
	}
}

// Callback checks that a page sends the browser back to the app, and returns the parameters.
func (a *App) Callback(t testing.TB, v *Visit, pg *Page) url.Values {
	t.Helper()
	if pg.Left == nil {
		t.Fatalf("the browser is not sent back to the app (status %d): %s", pg.Status, Quietly(pg.Text()))
	}
	if got := pg.Left.Scheme + "://" + pg.Left.Host + pg.Left.Path; got != a.Redirect {
		t.Fatalf("sent to %s, not to %s", got, a.Redirect)
	}
	q := pg.Left.Query()
	if q.Get("state") != v.State || q.Get("iss") != PublicURL {
		t.Fatalf("state or iss is wrong: %v", q)
	}
	return q
}

// Finish redeems the code of a page that sends the browser back, and checks the ID token.
func (a *App) Finish(t testing.TB, v *Visit, pg *Page) *Tokens {
	t.Helper()
	q := a.Callback(t, v, pg)
	if q.Get("code") == "" {
		t.Fatalf("no code: %v", q)
	}
	raw, err := a.Redeem(q.Get("code"), v.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	return a.Check(t, v.Nonce, raw)
}

// Redeem exchanges an authorization code.
func (a *App) Redeem(code, verifier string) (*oauth2.Token, error) {
	return a.config().Exchange(a.context(), code, oauth2.VerifierOption(verifier))
}

// Refresh exchanges a refresh token.
func (a *App) Refresh(refresh string) (*oauth2.Token, error) {
	return a.config().TokenSource(a.context(), &oauth2.Token{RefreshToken: refresh, Expiry: time.Unix(1, 0)}).Token()
}

// Check verifies the ID token of an answer with the library.
func (a *App) Check(t testing.TB, nonce string, raw *oauth2.Token) *Tokens {
	t.Helper()
	id, _ := raw.Extra("id_token").(string)
	verifier := a.Provider(t).Verifier(&oidc.Config{
		ClientID:             a.ID,
		SupportedSigningAlgs: []string{cmp.Or(a.Alg, "ES256")},
		Now:                  a.world.Now,
	})
	token, err := verifier.Verify(a.context(), id)
	if err != nil {
		t.Fatalf("the library refuses the ID token: %v", err)
	}
	out := &Tokens{Raw: raw, IDToken: id}
	if err := token.Claims(&out.Claims); err != nil {
		t.Fatal(err)
	}
	if out.Claims.Nonce != nonce {
		t.Fatalf("nonce %q, want %q", out.Claims.Nonce, nonce)
	}
	if err := token.VerifyAccessToken(raw.AccessToken); err != nil {
		t.Fatalf("at_hash: %v", err)
	}
	return out
}

// Provider discovers the program with the library.
func (a *App) Provider(t testing.TB) *oidc.Provider {
	t.Helper()
	if a.provider == nil {
		p, err := oidc.NewProvider(a.context(), PublicURL)
		if err != nil {
			t.Fatalf("discover: %v", err)
		}
		a.provider = p
	}
	return a.provider
}

// UserInfo asks the userinfo endpoint and returns status, WWW-Authenticate and body.
func (a *App) UserInfo(t testing.TB, bearer string) (int, string, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, PublicURL+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, body := a.Do(t, req)
	var out map[string]any
	_ = json.Unmarshal(body, &out)
	return res.StatusCode, res.Header.Get("WWW-Authenticate"), out
}

// Token posts a form to the token endpoint; basic authentication when id is not empty.
func (a *App) Token(t testing.TB, id, secret string, form url.Values) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, PublicURL+"/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	res, body := a.Do(t, req)
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("the token endpoint does not answer JSON (%d): %s", res.StatusCode, body)
	}
	return res.StatusCode, out
}

// Do sends a machine's request.
func (a *App) Do(t testing.TB, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	res, err := a.httpClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func (a *App) context() context.Context {
	return oidc.ClientContext(context.WithValue(context.Background(), oauth2.HTTPClient, a.httpClient()),
		a.httpClient())
}

func (a *App) httpClient() *http.Client { return a.world.machine(a.server) }

// Via is the same app talking to another replica.
func (a *App) Via(s *Server) *App {
	b := *a
	b.server, b.provider = s, nil
	return &b
}

// machine is an HTTP client without cookies that finds our host at a server.
func (w *World) machine(s *Server) *http.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s == nil {
		s = w.A
	}
	if s.machine == nil {
		ca, _ := theAuthority()
		pool := TheCA(w.t)
		pool.AddCert(ca.cert)
		s.machine = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
			},
		}}
	}
	return s.machine
}

// String keeps secrets out of failure messages.
func (a *App) String() string { return fmt.Sprintf("app %s", a.ID) }
