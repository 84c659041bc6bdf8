// Package client owns the apps that people sign in to: their names, their addresses and
// their secrets, and until when each is exempt from a second step. It refuses to decide
// what a sign-in needs, and never keeps a secret that it could tell again.
package client

import (
	"time"

	"countersign/internal/secret"
)

// The kinds of client (RFC 6749 2.1, RFC 8252).
const (
	Confidential = "confidential" // keeps a secret: a server
	Public       = "public"       // cannot: an app inside a browser
	Native       = "native"       // cannot: an app on a phone or a desktop
)

// PortalID is the client id of Countersign's own pages, which no exemption reaches. No client is
// stored under it.
const PortalID = "countersign"

// Client is an app of the vendor's. It belongs to the installation; every tenant uses it.
type Client struct {
	ID, Name, Kind string
	HomeURL        string
	// ExemptUntil: covered from this instant on. Zero is covered now, db.Forever never.
	ExemptUntil    time.Time
	CreatedAt      time.Time
	DisabledAt     time.Time
	SecretHash     []byte
	SigningAlg     string // of the tokens that it gets: ES256 or RS256
	PKCEOptional   bool   // it may ask for a code without PKCE; confidential clients only
	RedirectURIs   []string
	PostLogoutURIs []string
}

// Covered reports whether sign-ins to c meet the two-factor policy at this instant.
func (c Client) Covered(now time.Time) bool { return !now.Before(c.ExemptUntil) }

// Disabled reports whether no one may sign in to c any more.
func (c Client) Disabled() bool { return !c.DisabledAt.IsZero() }

// Weaknesses are the catalogue keys of what makes sign-ins to c easier to attack than those of
// other clients, with the client's name as their argument.
func (c Client) Weaknesses() (keys []string) {
	if c.PKCEOptional {
		keys = append(keys, "client.pkce_optional")
	}
	return keys
}

// CheckSecret compares in constant time. An empty secret is never right, and neither is
// any secret of a client that has none.
func (c Client) CheckSecret(given string) bool {
	if given == "" || len(c.SecretHash) == 0 || c.Kind != Confidential {
		return false
	}
	return secret.Equal(c.SecretHash, secret.Hash(given))
}
