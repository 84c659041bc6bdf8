package oidc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/keyring"
)

// believing is a house and a token that was just looked at twice, so that its signature is
// not computed again.
func believing(h *house) (token string) {
	h.Helper()
	token = h.tokens(h.byMail()).Access
	h.believed = &tokenCache{} // forgets what was made here: another replica has made it
	for range 2 {
		if rec := h.userinfoWith(token); rec.Code != http.StatusOK {
			h.Fatal(rec.Code)
		}
	}
	if _, ok := h.believed.find(sumOf(token), h.now()); !ok {
		h.Fatal("nothing is remembered")
	}
	return token
}

func (h *house) turnedAway(what, token string) {
	h.Helper()
	for range 2 { // what was looked at before must not be believed the second time
		if rec := h.userinfoWith(token); rec.Code != http.StatusUnauthorized {
			h.Errorf("%s: %d", what, rec.Code)
		}
	}
}

// sameBytes reports whether two tokens differ in writing only: of the last letter of a part
// some bits stand for nothing.
func sameBytes(a, b string) bool {
	p, q := strings.Split(a, "."), strings.Split(b, ".")
	for i := range p {
		x, _ := base64.RawURLEncoding.DecodeString(p[i])
		y, err := base64.RawURLEncoding.DecodeString(q[i])
		if err != nil || !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}

// TestATK139OtherTokensThanTheBelievedOne changes each letter of a token that is believed.
func TestATK139OtherTokensThanTheBelievedOne(t *testing.T) {
	h := one(t)
	token := believing(h)
	for i := range token {
		if token[i] == '.' {
			continue
		}
		other := []byte(token)
		if other[i]++; other[i] == 'z'+1 || other[i] == 'Z'+1 || other[i] == '9'+1 {
			other[i] -= 2
		}
		if !sameBytes(token, string(other)) {
			h.turnedAway(fmt.Sprintf("letter %d", i), string(other))
		}
	}
	for name, other := range map[string]string{"dot": token + ".", "space": token + "="} {
		if _, err := h.verifyAccessToken(t.Context(), other, h.now()); err == nil {
			t.Errorf("%s is believed", name)
		}
	}
}

// TestATK139ABelievedSignatureIsNotABelievedToken signs, with our own key, tokens that are
// not good here, and brings each twice.
func TestATK139ABelievedSignatureIsNotABelievedToken(t *testing.T) {
	h := one(t)
	token := believing(h)
	key, err := h.Ring.Signer(t.Context(), keyring.ES256)
	h.must(err)
	good := forge{header(t, token), payload(t, token)}
	for name, f := range map[string]forge{
		"other audience": good.claimed("aud", []string{"dash"}),
		"other issuer":   good.claimed("iss", "https://evil.test"),
		"other person":   good.claimed("sub", h.bob.ID), "other grant": good.claimed("gid", "x"),
		"other tenant": good.claimed("tid", "t2"),
		"over":         good.claimed("exp", start.Add(-time.Second).Unix()),
		"not yet":      good.claimed("nbf", start.Add(time.Hour).Unix()), "no end": good.claimed("exp", nil),
	} {
		h.turnedAway(name, f.signed(t, key.Private))
	}
	id := good.headed("typ", typeID).signed(t, key.Private)
	_, _ = h.verifyHint(t.Context(), id)
	h.turnedAway("an ID token that was believed as one", id)
}

// TestABeliefEnds with the token's time, its key, its session, and another key of the name.
func TestABeliefEnds(t *testing.T) {
	for name, end := range map[string]func(h *house, token string){
		"time": func(h *house, _ string) { h.forward(h.Limits.AccessTokenLife) },
		"key": func(h *house, token string) {
			id, _ := header(h.T, token)["kid"].(string)
			spare, err := h.Ring.Spare(h.Context(), id)
			h.must(err)
			h.in(db.Installation, func(tx *db.Tx) error {
				_, err := h.Ring.Retire(h.Context(), tx, id, spare)
				return err
			})
		},
		"session": func(h *house, token string) {
			h.in(h.tenant, func(tx *db.Tx) error {
				_, err := tx.Exec(h.Context(), `UPDATE sessions SET ended_at = $1
					WHERE tenant_id = $2`, tx.Now, tx.Tenant)
				return err
			})
		},
		"app": func(h *house, token string) {
			h.in(db.Installation, func(tx *db.Tx) error {
				_, err := tx.Exec(h.Context(), `UPDATE clients SET disabled_at = $1`, tx.Now)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				token := believing(h)
				end(h, token)
				h.turnedAway(name, token)
			})
		})
	}
}

// TestABeliefIsInOneKey: a key that took over the name of another one signed nothing of its.
func TestABeliefIsInOneKey(t *testing.T) {
	h := one(t)
	token := believing(h)
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	key, err := h.Ring.Signer(t.Context(), keyring.ES256)
	h.must(err)
	forged := forge{header(t, token), payload(t, token)}.signed(t, theirs)
	h.believed.keep(sumOf(forged), verifiedToken{key.ID, &theirs.PublicKey, h.now().Add(time.Hour)})
	h.turnedAway("signed by the key that had this name", forged)
}

func TestATokenMadeHereIsBelievedHere(t *testing.T) {
	h := one(t)
	token := h.tokens(h.byMail()).Access
	if _, ok := h.believed.find(sumOf(token), h.now()); !ok {
		t.Error("it is computed again")
	}
}

func TestBeliefsAreBounded(t *testing.T) {
	b, now := &tokenCache{}, start
	sum := func(n int) (s [sha256.Size]byte) { binary.BigEndian.PutUint64(s[:], uint64(n)); return s }
	for n := range 5 * mostBeliefs {
		b.keep(sum(n), verifiedToken{until: now.Add(time.Minute)})
		if _, ok := b.find(sum(0), now); !ok {
			t.Fatal("what is used again and again was forgotten")
		}
	}
	if n := len(b.young) + len(b.old); n > 2*mostBeliefs {
		t.Errorf("%d are kept", n)
	}
	if _, ok := b.find(sum(1), now); ok {
		t.Error("nothing is forgotten")
	}
	if _, ok := b.find(sum(0), now.Add(time.Minute)); ok || len(b.young)+len(b.old) == 0 {
		t.Error("what is over is believed")
	}
}
