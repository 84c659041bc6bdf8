package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// errToken is any reason why a token is not to be believed; the cause is for tests.
var errToken = errors.New("token not valid")

const maxToken = 8 << 10

// verify checks a token's form, type, signature and issuer, and reads its claims. The key
// is one of our own set by its id: whatever a header says about where to find a key is
// ignored, and a header that must be understood (crit) ends it (RFC 8725 3).
func (p *Provider) verify(ctx context.Context, text, kind string, claims any) error {
	if len(text) > maxToken {
		return fmt.Errorf("%w: too long", errToken)
	}
	sum := sha256.Sum256([]byte(kind + "\x00" + text))
	if b, ok := p.believed.find(sum); ok {
		key, err := p.publicKey(ctx, b.keyID) // it may have been withdrawn since
		if err != nil {
			return err
		}
		if key.Equal(b.key) {
			return json.Unmarshal(b.payload, claims)
		}
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != kind {
		return fmt.Errorf("%w: type %q", errToken, typ)
	}
	key, err := p.publicKey(ctx, header.KeyID)
	if err != nil {
		return err
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	p.believed.keep(sum, belief{keyID: header.KeyID, key: key, payload: payload})
	return nil
}

// belief is a token whose signature was right. Whether it is still good is asked each time.
type belief struct {
	keyID   string
	key     *ecdsa.PublicKey
	payload []byte
}

// beliefs spares the most expensive part of looking at a token again: an app shows the same
// one for ten minutes. Nil keeps nothing.
type beliefs struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]belief
}

// mostBeliefs bounds the memory to about a megabyte; when they are full they are forgotten.
const mostBeliefs = 1024

func (b *beliefs) find(sum [sha256.Size]byte) (belief, bool) {
	if b == nil {
		return belief{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.all[sum]
	return found, ok
}

func (b *beliefs) keep(sum [sha256.Size]byte, new belief) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil || len(b.all) >= mostBeliefs {
		b.all = map[[sha256.Size]byte]belief{}
	}
	b.all[sum] = new
}

func (p *Provider) publicKey(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	keys, err := p.Ring.Set(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID == id && id != "" {
			return &k.Private.PublicKey, nil
		}
	}
	return nil, fmt.Errorf("%w: unknown key", errToken)
}

// verifyAccess checks a token brought to userinfo, its life included.
func (p *Provider) verifyAccess(ctx context.Context, text string) (c accessClaims, err error) {
	if err := p.verify(ctx, text, typeAccess, &c); err != nil {
		return c, err
	}
	now := p.DB.Now()
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

// verifyHint checks an ID token that comes back as a hint. It may be old: what counts is
// that we once said so.
func (p *Provider) verifyHint(ctx context.Context, text string) (c idClaims, err error) {
	if err := p.verify(ctx, text, typeID, &c); err != nil {
		return c, err
	}
	if c.Issuer != p.issuer() || c.Subject == "" || len(c.Audience) != 1 {
		return c, fmt.Errorf("%w: not our ID token", errToken)
	}
	return c, nil
}
