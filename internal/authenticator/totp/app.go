package totp

import (
	"crypto/hmac"
	"crypto/sha1" // RFC 6238 and every app's default; as an HMAC it is not broken
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"time"
)

// App is what an authenticator app keeps of one account. It is the other side of the set-up
// page, for anyone who must show codes: the demo's telephone, imports, tests.
type App struct {
	Issuer, Account string // empty where only a secret was typed
	Secret          []byte
}

var (
	errNoKey  = errors.New("neither an otpauth:// address nor a key in base32")
	errOther  = errors.New("an otpauth:// address of another kind: only totp with SHA1, 6 digits and 30 seconds")
	unpadded  = base32.StdEncoding.WithPadding(base32.NoPadding)
	typedGaps = strings.NewReplacer(" ", "", "-", "", "=", "", "\t", "", "\n", "", "\r", "")
)

// ReadApp reads an otpauth:// address, or a secret as it is typed: base32 (RFC 4648 §6) in
// any case and grouping.
func ReadApp(text string) (App, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "otpauth://") {
		return withKey(App{}, text)
	}
	u, err := url.Parse(text)
	if err != nil {
		return App{}, errNoKey
	}
	q := u.Query()
	usual := func(name, value string) bool { return !q.Has(name) || strings.EqualFold(q.Get(name), value) }
	if u.Host != "totp" || !usual("algorithm", "SHA1") || !usual("digits", "6") || !usual("period", "30") {
		return App{}, errOther
	}
	a := App{Issuer: q.Get("issuer"), Account: strings.TrimPrefix(u.Path, "/")}
	if issuer, account, ok := strings.Cut(a.Account, ":"); ok {
		a.Issuer, a.Account = issuer, strings.TrimSpace(account)
	}
	return withKey(a, q.Get("secret"))
}

func withKey(a App, key string) (App, error) {
	secret, err := unpadded.DecodeString(strings.ToUpper(typedGaps.Replace(key)))
	if err != nil || len(secret) < 10 { // 80 bits, the least that anyone hands out
		return App{}, errNoKey
	}
	a.Secret = secret
	return a, nil
}

// Code is what the app shows at an instant, and for how long it will.
func (a App) Code(at time.Time) (code string, left time.Duration) {
	step := stepAt(at)
	return string(appendCode(nil, hmac.New(sha1.New, a.Secret), step)), time.Unix((step+1)*period, 0).Sub(at)
}
