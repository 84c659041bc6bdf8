// Package push carries codes to browsers by Web Push (RFC 8030): it words them, encrypts
// them for the one browser that subscribed (RFC 8291), signs each request with the
// installation's own key (RFC 8292) and hands them to the push service that the browser
// chose. It refuses every address that is not a public one over https, follows no
// redirection, and never lets a push service read a word.
package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// Channel is the name of this way in messages.
const Channel = "push"

// Subscription is where one browser takes pushes, and the keys that encrypt for it, as
// PushSubscription.toJSON gives it (W3C Push API section 8).
type Subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// ErrSubscription says that a text is no subscription that could ever be used.
var ErrSubscription = errors.New("not a push subscription")

// The longest that a subscription and its endpoint may be, in bytes; real ones take 400.
const (
	maxSubscription = 4 << 10
	maxEndpoint     = 1 << 10
)

// Read reads what a browser says about its subscription. Whether the push service is where
// we may send to shows when its name is resolved, each time anew.
func Read(text string) (s Subscription, err error) {
	if len(text) > maxSubscription || json.Unmarshal([]byte(text), &s) != nil {
		return Subscription{}, ErrSubscription
	}
	if _, err := service(s.Endpoint); err != nil {
		return Subscription{}, err
	}
	if _, _, err := s.keys(); err != nil {
		return Subscription{}, err
	}
	return s, nil
}

// service is the address of a push service with nothing that could mislead: https, a name
// and no number, no account, no fragment.
func service(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil || len(endpoint) > maxEndpoint || u.Scheme != "https" || u.Opaque != "" || u.User != nil ||
		strings.Contains(endpoint, "#") || strings.ContainsFunc(endpoint, unsafe) {
		return nil, ErrSubscription
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || digits(u.Hostname()) {
		return nil, ErrSubscription
	}
	return u, nil
}

func unsafe(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }

// digits reports whether a host ends in a label that some resolvers read as a number, such
// as 127.1 or 0x7f.0.0.1.
func digits(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == "" || last[0] >= '0' && last[0] <= '9'
}

// keys are the browser's public key and its shared secret (RFC 8291 section 3.1).
func (s Subscription) keys() (public *ecdh.PublicKey, auth []byte, err error) {
	point, err := unbase64(s.Keys.P256dh)
	if err != nil {
		return nil, nil, ErrSubscription
	}
	if public, err = ecdh.P256().NewPublicKey(point); err != nil {
		return nil, nil, ErrSubscription
	}
	if auth, err = unbase64(s.Keys.Auth); err != nil || len(auth) != authLength {
		return nil, nil, ErrSubscription
	}
	return public, auth, nil
}

// unbase64 reads both alphabets, padded or not: browsers have used all of them.
func unbase64(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s),
		"="))
}
