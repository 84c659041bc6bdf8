package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/grant"
	"countersign/internal/keyring"
)

// The types of our tokens. One never passes for the other (RFC 8725 3.11).
const (
	typeID     = "JWT"
	typeAccess = "at+jwt" // RFC 9068
)

// proof is what both tokens say about the sign-in.
type proof struct {
	AuthTime jwt.NumericDate `json:"auth_time"`
	ACR      string          `json:"acr"`
	AMR      []string        `json:"amr"`
	Session  string          `json:"sid"`
}

// person is what a scope lets an app read of someone.
type person struct {
	Name     string   `json:"name,omitempty"`
	Username string   `json:"preferred_username,omitempty"` // the address that they sign in with
	Role     string   `json:"role,omitempty"`
	Tenant   *company `json:"tenant,omitempty"`
	Email    string   `json:"email,omitempty"`
	Verified *bool    `json:"email_verified,omitempty"` // false is said, not left out
}

// idClaims are for the app itself (OpenID Connect Core 2).
type idClaims struct {
	jwt.Claims
	proof
	person
	Party  string `json:"azp"`
	Nonce  string `json:"nonce,omitempty"`
	AtHash string `json:"at_hash"`
}

// accessClaims are for the server of the app (RFC 9068 2.2). Tenant and Grant are ours:
// they find the rows that say whether the token is still good.
type accessClaims struct {
	jwt.Claims
	proof
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Tenant   string `json:"tid"`
	Grant    string `json:"gid"`
}

// tokens is the answer of the token endpoint (RFC 6749 5.1).
type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"`
	Scope   string `json:"scope"`
	ID      string `json:"id_token,omitempty"`
	Refresh string `json:"refresh_token,omitempty"`
}

// mint makes the tokens of one moment: they say what the session is worth now. Both are
// signed with the algorithm of the client: what verifies its ID tokens verifies the others.
func (p *Provider) mint(ctx context.Context, c client.Client, f grant.Family, st gate.SessionCheck) (tokens, error) {
	scope := f.Scope
	key, err := p.signingKey(ctx, c.SigningAlg)
	if err != nil {
		return tokens{}, err
	}
	now := p.DB.Now()
	common := jwt.Claims{
		Issuer:   p.issuer(),
		Subject:  st.User.ID,
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(earliest(now.Add(p.Limits.AccessTokenLife), st.Session.ExpiresAt)),
	}
	how := proof{
		AuthTime: *jwt.NewNumericDate(st.Session.AuthenticatedAt),
		ACR:      st.Session.ACR,
		AMR:      st.Session.AMR,
		Session:  st.Session.ID,
	}

	access := accessClaims{
		Claims:   common,
		proof:    how,
		ClientID: f.ClientID,
		Scope:    scope,
		Tenant:   f.Tenant,
		Grant:    f.ID,
	}
	access.Audience, access.ID = jwt.Audience{p.issuer() + "/userinfo", f.ClientID}, rand.Text()
	t := tokens{
		Type:    "Bearer",
		Scope:   scope,
		Refresh: f.Refresh.Reveal(),
		Expires: int64(common.Expiry.Time().Sub(now.Truncate(time.Second)) / time.Second),
	}
	if t.Access, err = sign(key, typeAccess, access); err != nil {
		return tokens{}, err
	}
	p.believed.keep(sumOf(t.Access), verifiedToken{key.ID, key.Private.Public(), common.Expiry.Time()})
	who, err := p.loadPerson(ctx, scope, st)
	if err != nil {
		return tokens{}, err
	}
	id := idClaims{
		Claims: common,
		proof:  how,
		person: who,
		Party:  f.ClientID,
		Nonce:  f.Nonce,
		AtHash: leftHalf(t.Access),
	}
	id.Audience = jwt.Audience{f.ClientID}
	t.ID, err = sign(key, typeID, id)
	return t, err
}

// signingKey returns the key that signs now with an algorithm. It makes one where there is none:
// in the first second of a new server, and after all keys were withdrawn.
func (p *Provider) signingKey(ctx context.Context, algorithm string) (keyring.Key, error) {
	key, err := p.Ring.Signer(ctx, algorithm)
	if !errors.Is(err, keyring.ErrNoKey) {
		return key, err
	}
	if err := p.Ring.Ensure(ctx, algorithm); err != nil {
		return key, err
	}
	return p.Ring.Signer(ctx, algorithm)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *Provider) loadPerson(ctx context.Context, scope string, st gate.SessionCheck) (who person, err error) {
	if grant.Has(scope, "profile") {
		who.Name, who.Username, who.Role = st.User.Name, st.User.Email, string(st.User.Role)
		who.Tenant = &company{st.User.TenantID, st.Tenant.Name}
	}
	if grant.Has(scope, "email") {
		who.Email = st.User.Email
		verified, err := p.emailVerified(ctx, st)
		if err != nil {
			return who, err
		}
		who.Verified = &verified
	}
	return who, nil
}

// emailVerified reports whether the person has ever proved to read the mailbox. It is a fact
// about the address, and does not depend on the method of this sign-in.
func (p *Provider) emailVerified(ctx context.Context, st gate.SessionCheck) (proved bool, err error) {
	if confirmedByMail(st) {
		return true, nil
	}
	err = p.DB.View(ctx, st.User.TenantID, func(tx *db.Tx) (err error) {
		proved, err = outofband.Proved(ctx, tx, st.User.ID)
		return err
	})
	return proved, err
}

// leftHalf is at_hash: it ties an access token to its ID token (OpenID Connect Core 3.1.3.6).
// The hash is the one in the name of the algorithm: SHA-256 for ES256 and for RS256. There is
// no c_hash, which belongs to answers that carry a code and an ID token together.
func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

func sign(key keyring.Key, kind string, payload any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm),
		Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		return "", fmt.Errorf("prepare token signature: %w", err)
	}
	text, err := jwt.Signed(signer).Claims(payload).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}
