package keyring_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

const tokenLife = 10 * time.Minute

// clock is a time that a test can move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) forward(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func signer(t *testing.T, r *keyring.Keyring) string {
	t.Helper()
	k, err := r.Signer(t.Context(), keyring.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k.ID
}

// rotate and retire each commit alone.
func rotate(t *testing.T, r *keyring.Keyring) (id string) {
	t.Helper()
	return rotateKey(t, r, keyring.ES256)
}

func rotateKey(t *testing.T, r *keyring.Keyring, algorithm string) (id string) {
	t.Helper()
	fresh, err := keyring.Generate(algorithm)
	if err != nil {
		t.Error(err)
	}
	err = r.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) (err error) {
		id, err = r.Rotate(t.Context(), tx, fresh, tokenLife)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return id
}

func retire(t *testing.T, r *keyring.Keyring, id string) (found bool) {
	t.Helper()
	spare, err := r.Spare(t.Context(), id)
	if err != nil {
		t.Error(err)
	}
	err = r.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) (err error) {
		found, err = r.Retire(t.Context(), tx, id, spare)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return found
}

func published(t *testing.T, r *keyring.Keyring) []string {
	t.Helper()
	set, err := r.Set(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestReplicasStartWithOneKey(t *testing.T) {
	c := newClock()
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) {
		keys := secret.NewKeys(c.Now())
		rings := make([]*keyring.Keyring, 8)
		var wg sync.WaitGroup
		for i := range rings {
			rings[i] = &keyring.Keyring{DB: d, Keys: keys}
			wg.Go(func() {
				if err := rings[i].Ensure(t.Context(), keyring.ES256); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		first := signer(t, rings[0])
		for _, r := range rings {
			if got := published(t, r); len(got) != 1 || got[0] != first || signer(t, r) != first {
				t.Errorf("%v signs with %s", got, first)
			}
		}
	})
}

// TestATK150 walks through a rotation: no token that is still valid loses its key, and
// nothing is signed by a key that an app with a ten-minute cache has not seen.
func TestATK150RotationOverlaps(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		c := newClock()
		d.Now = c.Now
		ours := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		other := &keyring.Keyring{DB: d, Keys: ours.Keys}
		if err := ours.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		old := signer(t, other)
		next := rotate(t, ours)
		if next == old {
			t.Fatal(next)
		}
		c.forward(5 * time.Second) // the other replica's cache
		if got := published(t, other); !slices.Contains(got, next) || !slices.Contains(got, old) {
			t.Errorf("after rotation %v is published", got)
		}
		c.forward(keyring.MaxAge)
		if signer(t, ours) != old || signer(t, other) != old {
			t.Error("signed by a key that an app may not know yet")
		}
		c.forward(keyring.Lead - keyring.MaxAge)
		if signer(t, ours) != next || signer(t, other) != next {
			t.Error("the new key does not sign")
		}
		c.forward(tokenLife - 6*time.Second)
		if !slices.Contains(published(t, other), old) {
			t.Error("the old key went while its tokens were alive")
		}
		c.forward(12 * time.Second)
		if got := published(t, other); len(got) != 1 || got[0] != next {
			t.Errorf("%v is published after the overlap", got)
		}
	})
}

func TestTwoRotationsAtOnceMakeOneKey(t *testing.T) {
	c := newClock()
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) {
		r := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if err := r.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { rotate(t, r) })
		}
		wg.Wait()
		set, err := r.Set(t.Context())
		if err != nil || len(set) < 2 || len(set) > 3 { // one after the other is honest work too
			t.Fatal(len(set), err)
		}
		if k, err := r.Signer(t.Context(), keyring.ES256); err != nil || k.RetiredAt.IsZero() {
			t.Errorf("the old key has no end: %v", err)
		}
	})
}

func TestARetiredKeyIsReplacedAtOnce(t *testing.T) {
	c := newClock()
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) {
		r := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if err := r.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		old := signer(t, r)
		if !retire(t, r, old) {
			t.Fatal("not found")
		}
		if got := published(t, r); len(got) != 1 || got[0] == old || signer(t, r) == old {
			t.Errorf("%v is published", got)
		}
		if retire(t, r, old) {
			t.Error("retired twice")
		}
	})
}

// The key that was to follow leaked: the one that signs now goes on beyond its planned end.
func TestWithdrawingTheNextKeyLeavesOneThatSigns(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		c := newClock()
		d.Now = c.Now
		r := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if err := r.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		old := signer(t, r)
		next := rotate(t, r)
		if !retire(t, r, next) {
			t.Fatal("not found")
		}
		c.forward(2 * time.Hour)
		if got := signer(t, r); got != old {
			t.Errorf("%s signs, not %s", got, old)
		}
	})
}

func TestPrivateKeysAreSealedToTheirRow(t *testing.T) {
	c := newClock()
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) {
		r := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if err := r.Ensure(t.Context(), keyring.ES256); err != nil {
			t.Fatal(err)
		}
		stranger := &keyring.Keyring{DB: d, Keys: secret.NewKeys(c.Now())}
		if _, err := stranger.Signer(t.Context(), keyring.ES256); err == nil {
			t.Error("opened without the key file")
		}
		rotate(t, r)
		err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE signing_keys SET sealed = (SELECT s.sealed FROM signing_keys s
				WHERE s.active_from > $1) WHERE active_from <= $1`, tx.Now)
			return err
		})
		moved := &keyring.Keyring{DB: d, Keys: r.Keys}
		if _, serr := moved.Signer(t.Context(), keyring.ES256); err != nil || serr == nil ||
			!strings.Contains(serr.Error(), "cannot be opened") {
			t.Errorf("a key opened in another row: %v, %v", err, serr)
		}
	})
}

// ctx is for helpers that outlive no test.
var ctx = context.Background()

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
