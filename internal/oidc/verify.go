package oidc

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"countersign/internal/keyring"
)

// errToken is any reason why a token is not to be believed; the cause is for tests.
var errToken = errors.New("token not valid")

const maxToken = 8 << 10

// verify checks a token's form, type, signature and issuer, and reads its claims. The key
// is one of our own set by its id, and used with its own algorithm only: whatever a header
// says about where to find a key is ignored, and a header that must be understood (crit) ends
// it (RFC 8725 3).
func (p *Provider) verify(ctx context.Context, text, kind string, claims any) (key keyring.Key, err error) {
	if len(text) > maxToken {
		return key, fmt.Errorf("%w: too long", errToken)
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return key, fmt.Errorf("%w: %w", errToken, err)
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != kind {
		return key, fmt.Errorf("%w: type %q", errToken, typ)
	}
	if key, err = p.publishedKey(ctx, header.KeyID); err != nil {
		return key, err
	}
	if header.Algorithm != key.Algorithm {
		return key, fmt.Errorf("%w: %s with a key for %s", errToken, header.Algorithm, key.Algorithm)
	}
	payload, err := signed.Verify(key.Private.Public())
	if err != nil {
		return key, fmt.Errorf("%w: %w", errToken, err)
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return key, fmt.Errorf("%w: %w", errToken, err)
	}
	return key, nil
}

// publishedKey finds a key of ours by its id.
func (p *Provider) publishedKey(ctx context.Context, id string) (keyring.Key, error) {
	keys, err := p.Ring.Set(ctx)
	if err != nil {
		return keyring.Key{}, err
	}
	for _, k := range keys {
		if k.ID == id && id != "" {
			return k, nil
		}
	}
	return keyring.Key{}, fmt.Errorf("%w: unknown key", errToken)
}

// verifyAccess checks a token brought to userinfo, its life included.
func (p *Provider) verifyAccess(ctx context.Context, text string) (c accessClaims, err error) {
	now := p.DB.Now()
	if c, err = p.verifyAccessToken(ctx, text, now); err != nil {
		return c, err
	}
	switch {
	case c.Issuer != p.issuer():
		return c, fmt.Errorf("%w: issuer %q", errToken, c.Issuer)
	case !slices.Contains(c.Audience, p.issuer()+"/userinfo"):
		return c, fmt.Errorf("%w: audience %q", errToken, c.Audience)
	case c.Expiry == nil || !now.Before(c.Expiry.Time()):
		return c, fmt.Errorf("%w: expired", errToken)
	case c.NotBefore != nil && now.Before(c.NotBefore.Time()):
		return c, fmt.Errorf("%w: not yet", errToken)
	}
	return c, nil
}

// verifyAccessToken reads an access token that one of the published keys signed. A signature that was
// right once is not computed again while its key stays published.
func (p *Provider) verifyAccessToken(ctx context.Context, text string, now time.Time) (c accessClaims, err error) {
	sum := sumOf(text)
	if b, ok := p.believed.find(sum, now); ok {
		key, err := p.publishedKey(ctx, b.keyID) // it may have been withdrawn since
		if err != nil {
			return c, err
		}
		if samePublicKey(key.Private.Public(), b.key) {
			return c, claimsOf(text, &c)
		}
	}
	key, err := p.verify(ctx, text, typeAccess, &c)
	if err == nil && c.Expiry != nil {
		p.believed.keep(sum, verifiedToken{key.ID, key.Private.Public(), c.Expiry.Time()})
	}
	return c, err
}

// samePublicKey compares keys of either algorithm.
func samePublicKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// verifyHint checks an ID token that comes back as a hint. It may be old: what counts is
// that we once said so.
func (p *Provider) verifyHint(ctx context.Context, text string) (c idClaims, err error) {
	if _, err := p.verify(ctx, text, typeID, &c); err != nil {
		return c, err
	}
	if c.Issuer != p.issuer() || c.Subject == "" || len(c.Audience) != 1 {
		return c, fmt.Errorf("%w: not our ID token", errToken)
	}
	return c, nil
}
