// Package grant owns what a client is given on a person's behalf: the authorization
// request while the person signs in, the code, and the line of refresh tokens behind it.
// It refuses to decide whether a sign-in is enough, and knows neither HTTP nor JWT.
package grant

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"countersign/internal/fault"
	"countersign/internal/secret"
)

// RequestLife is how long a person may take from the app's link to the end of the sign-in.
const RequestLife = 15 * time.Minute

// Request is a checked authorization request (OpenID Connect Core 3.1.2.1). It travels
// sealed in the address and the forms, so that a stranger who never gives a right
// password leaves nothing behind in the database.
type Request struct {
	ClientID      string    `json:"c"`
	RedirectURI   string    `json:"r"`
	Scope         string    `json:"s,omitempty"`
	State         string    `json:"t,omitempty"`
	Nonce         string    `json:"n,omitempty"`
	CodeChallenge string    `json:"p,omitempty"`
	ResponseMode  string    `json:"m,omitempty"`
	ACRValues     []string  `json:"a,omitempty"`
	MaxAge        *int64    `json:"x,omitempty"` // seconds
	PromptLogin   bool      `json:"l,omitempty"`
	PromptNone    bool      `json:"o,omitempty"`
	LoginHint     string    `json:"h,omitempty"`
	UILocales     string    `json:"u,omitempty"`
	Subject       string    `json:"i,omitempty"` // user id the app expects, from id_token_hint
	ReturnTo      string    `json:"b,omitempty"` // instead of RedirectURI: the page of ours that wanted more
	IssuedAt      time.Time `json:"-"`
}

type sealedRequest struct {
	Request
	At int64 `json:"@"`
}

const place = "authorization request"

var errOver = fault.New(fault.NotFound, "signin.flow_over")

// Seal returns the opaque form, safe in a URL. No one else can make one.
func Seal(keys *secret.Keys, r Request) string {
	plain, err := json.Marshal(sealedRequest{r, r.IssuedAt.UnixMicro()})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(keys.Seal(plain, place))
}

// Open reads what Seal made at most RequestLife ago; anything else is NotFound.
func Open(keys *secret.Keys, sealed string, now time.Time) (Request, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return Request{}, errOver.Because(err)
	}
	plain, err := keys.Open(raw, place)
	if err != nil {
		return Request{}, errOver.Because(err)
	}
	var s sealedRequest
	if err := json.Unmarshal(plain, &s); err != nil {
		return Request{}, errOver.Because(err)
	}
	s.IssuedAt = time.UnixMicro(s.At).UTC()
	if !now.Before(s.IssuedAt.Add(RequestLife)) {
		return Request{}, errOver
	}
	return s.Request, nil
}

// Target is where the answer goes, as a Content-Security-Policy source: an origin, or the
// scheme of a native app. Browsers hold every page of a sign-in to it, because its last
// form ends there.
func (r Request) Target() string {
	u, err := url.Parse(r.RedirectURI)
	switch {
	case err != nil || u.Scheme == "":
		return ""
	case u.Scheme == "https" || u.Scheme == "http":
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

// FreshAfter is the instant at or after which the person must have proved who they are;
// zero when any live session will do. max_age counts back from the request, so that a
// sign-in made for this very request always satisfies it, however slow the browser.
func (r Request) FreshAfter() time.Time {
	if r.PromptLogin {
		return r.IssuedAt
	}
	if r.MaxAge != nil {
		return r.IssuedAt.Add(-time.Duration(*r.MaxAge) * time.Second)
	}
	return time.Time{}
}
