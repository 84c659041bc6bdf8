package keyring_test

import (
	"crypto/rsa"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

func signerOf(t *testing.T, r *keyring.Keyring, algorithm string) keyring.Key {
	t.Helper()
	k, err := r.Signer(t.Context(), algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// An installation that has served with an EC key alone gets an RSA key from replicas that
// start together. They end with the same one, and its EC key goes on.
func TestReplicasAgreeOnOneRSAKey(t *testing.T) {
	c := newClock()
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) {
		keys := secret.NewKeys(c.Now())
		old := &keyring.Keyring{DB: d, Keys: keys}
		if err := old.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		ec := signer(t, old)
		rings := []*keyring.Keyring{{DB: d, Keys: keys}, {DB: d, Keys: keys}}
		var wg sync.WaitGroup
		for range 2 { // each of them twice at once
			for _, r := range rings {
				wg.Go(func() {
					if err := r.EnsureAll(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		first := signerOf(t, rings[0], keyring.RS256)
		if err := old.Ensure(t.Context(), keyring.RS256); err != nil { // it remembers that there is none
			t.Fatal(err)
		}
		rings = append(rings, old)
		public, ok := first.Private.Public().(*rsa.PublicKey)
		if !ok || public.N.BitLen() < 3072 {
			t.Fatalf("%T", first.Private.Public())
		}
		for _, r := range rings {
			same := signerOf(t, r, keyring.RS256)
			if got := published(t, r); len(got) != 2 || same.ID != first.ID || !public.Equal(same.Private.Public()) ||
				signer(t, r) != ec {
				t.Errorf("%v is published, %s signs", got, same.ID)
			}
		}
	})
}

// What happens to the keys of one algorithm leaves the other's alone.
func TestAlgorithmsRotateIndependently(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		c := newClock()
		d.Now = c.Now
		r := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if err := r.EnsureAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		ec, first := signer(t, r), signerOf(t, r, keyring.RS256).ID
		next := rotateKey(t, r, keyring.RS256)
		c.forward(keyring.Lead)
		if got := signerOf(t, r, keyring.RS256).ID; got != next || next == first {
			t.Errorf("%s signs, not %s", got, next)
		}
		if !retire(t, r, next) {
			t.Fatal("not found")
		}
		if got := signerOf(t, r, keyring.RS256).ID; got == next {
			t.Error("a withdrawn key signs")
		}
		c.forward(48 * time.Hour)
		if signer(t, r) != ec || signerOf(t, r, keyring.RS256).RetiredAt != (time.Time{}) {
			t.Error("the EC key changed, or the RSA key has an end")
		}
		if retire(t, r, "nosuchkey") {
			t.Error("an unknown key was retired")
		}
	})
}
