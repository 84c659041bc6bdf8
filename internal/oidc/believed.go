package oidc

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// verifiedToken is an access token whose form, type and signature were right. What it says, whether
// its time is over, and whether what it rests on still stands is looked at each time.
type verifiedToken struct {
	keyID string
	key   crypto.PublicKey
	until time.Time // the end of its time; later it is looked at anew, and found to be over
}

// tokenCache spares the most expensive part of looking at a token again, and of looking for the
// first time at one of ours that was made here. They are known by the hash of the whole token:
// one with a single other bit is another token. Nil keeps nothing.
//
// There are two generations. What is used moves to the younger one; when that is full, the
// older one is forgotten.
type tokenCache struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]verifiedToken
}

// mostBeliefs is how many a generation holds; two full ones take about seven megabytes.
const mostBeliefs = 20_000

func (b *tokenCache) find(sum [sha256.Size]byte, now time.Time) (verifiedToken, bool) {
	if b == nil {
		return verifiedToken{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.young[sum]
	if !ok {
		if found, ok = b.old[sum]; ok {
			delete(b.old, sum)
			b.add(sum, found)
		}
	}
	if ok && !now.Before(found.until) {
		delete(b.young, sum)
		return verifiedToken{}, false
	}
	return found, ok
}

func (b *tokenCache) keep(sum [sha256.Size]byte, new verifiedToken) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(sum, new)
}

func (b *tokenCache) add(sum [sha256.Size]byte, new verifiedToken) {
	if b.young == nil || len(b.young) >= mostBeliefs {
		b.young, b.old = map[[sha256.Size]byte]verifiedToken{}, b.young
	}
	b.young[sum] = new
}

// sumOf is what a token is known by.
func sumOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// claimsOf reads what a token says whose signature was right before.
func claimsOf(text string, claims any) error {
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(raw, claims)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	return nil
}
