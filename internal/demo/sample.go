package demo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"countersign/internal/secret"
)

// kind is what distinguishes the two sample apps.
type kind struct{ ID, Name, Page, Cookie string }

// Browsers do not tell ports apart when they send cookies, so every app's has its own name.
var (
	dashboard = kind{dashboardID, "Harbor Dashboard", "dashboard", "demo-dashboard"}
	phone     = kind{phoneID, "Harbor Phone", "phone", "demo-phone"}
)

// sample is an ordinary app of the vendor's: it knows the address of Countersign, its own
// id and secret, and otherwise only what OpenID Connect says.
type sample struct {
	*site
	kind
	home, issuer, guide string
	key                 secret.Text
	http                *http.Client
	now                 func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // nil until the first visit
	leaving  string         // where to go to sign out
	visits   map[string]*visit
	going    map[string]departure
}

// visit is someone who is signed in to the app.
type visit struct {
	mu     sync.Mutex // one renewal at a time: a refresh token is good once
	tokens *oauth2.Token
	hint   string // the ID token as it came
	claims claims
	raw    string // all claims, to be shown
}

// claims are what the app reads in an ID token.
type claims struct {
	Subject  string   `json:"sub"`
	Nonce    string   `json:"nonce"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	Expires  int64    `json:"exp"`
}

// info is what the app reads at the userinfo endpoint.
type info struct {
	Subject string `json:"sub"`
	Tenant  struct {
		Name string `json:"name"`
	} `json:"tenant"`
}

func newSample(d *Demo, k kind, home string, key secret.Text) *sample {
	s := &sample{
		site:   newSite(d, home, d.at.SignIn),
		kind:   k,
		home:   home,
		issuer: d.at.SignIn,
		guide:  d.URL,
		key:    key,
		now:    d.house.DB.Now,
		http:   &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}},
		visits: map[string]*visit{},
		going:  map[string]departure{},
	}
	d.closers = append(d.closers, func() error { s.http.CloseIdleConnections(); return nil })
	return s
}

func (s *sample) routes() http.Handler {
	s.handle("GET /{$}", s.showHome)
	s.handle("GET /sign-in", s.signIn)
	s.handle("GET /callback", s.callback)
	s.handle("POST /sign-out", s.signOut)
	s.handle("GET /signed-out", s.showSignedOut)
	return s.guarded()
}

// welcomePage is for people who are not signed in.
type welcomePage struct {
	kind
	Guide, Notice string
}

// homePage is the app itself.
type homePage struct {
	kind
	Guide, Company, Initials string
	Claims                   claims
	How, Level, When, Until  string
	Raw                      string
}

func (s *sample) welcome(w http.ResponseWriter, notice string) error {
	return s.draw(w, http.StatusOK, "welcome", welcomePage{s.kind, s.guide, notice})
}

// showHome asks at each page whether the sign-in still counts, so that a decision of the
// vendor or the company shows at once.
func (s *sample) showHome(w http.ResponseWriter, r *http.Request) error {
	v := s.visitOf(r)
	if v == nil {
		return s.welcome(w, "")
	}
	who, err := s.ask(v)
	var more *tooLittle
	switch {
	case errors.As(err, &more):
		return s.begin(w, r, oauth2.SetAuthURLParam("acr_values", more.levels))
	case errors.Is(err, errOver):
		s.forget(w, r)
		return s.welcome(w, "Your sign-in has ended. Please sign in again.")
	case err != nil:
		return err
	}
	return s.draw(w, http.StatusOK, s.Page, s.page(v, who))
}

func (s *sample) page(v *visit, who info) homePage {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.claims
	at := time.Unix(c.AuthTime, 0).UTC()
	return homePage{
		kind:     s.kind,
		Guide:    s.guide,
		Company:  who.Tenant.Name,
		Initials: initials(c.Name),
		Claims:   c,
		How:      methods(c.AMR),
		Level:    level(c.ACR),
		When:     at.Format("15:04 UTC") + ", " + ago(s.now().Sub(at)),
		Until:    v.tokens.Expiry.UTC().Format("15:04 UTC"),
		Raw:      v.raw,
	}
}

func initials(name string) string {
	out := ""
	for _, word := range strings.Fields(name) {
		out += string([]rune(word)[:1])
	}
	return out
}

// errOver says that no one is signed in behind a token any more.
var errOver = errors.New("the sign-in is over")

// tooLittle says that the sign-in is alive but has become too weak (RFC 9470 3).
type tooLittle struct{ levels string }

func (t *tooLittle) Error() string { return "a stronger sign-in is needed: " + t.levels }

// ask reads the userinfo endpoint with a token that is renewed when its time is over. A
// browser that hangs up must not lose the new refresh token, so its context ends nothing.
func (s *sample) ask(v *visit) (who info, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, err := s.discovered()
	if err != nil {
		return who, err
	}
	ctx := s.context()
	tokens, err := s.config(p).TokenSource(ctx, v.tokens).Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return who, errOver
	}
	if err != nil {
		return who, err
	}
	v.tokens = tokens
	return s.userinfo(ctx, p, tokens)
}

func (s *sample) userinfo(ctx context.Context, p *oidc.Provider, tokens *oauth2.Token) (who info, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.UserInfoEndpoint(), nil)
	if err != nil {
		return who, err
	}
	tokens.SetAuthHeader(req)
	res, err := s.http.Do(req)
	if err != nil {
		return who, err
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
		return who, json.NewDecoder(res.Body).Decode(&who)
	case http.StatusUnauthorized:
		return who, wanting(res.Header.Get("WWW-Authenticate"))
	}
	return who, errors.New("the userinfo endpoint answers " + res.Status)
}

// wanting reads why a token is not enough.
func wanting(header string) error {
	if !strings.Contains(header, `error="insufficient_user_authentication"`) {
		return errOver
	}
	_, rest, _ := strings.Cut(header, `acr_values="`)
	levels, _, _ := strings.Cut(rest, `"`)
	return &tooLittle{levels}
}
