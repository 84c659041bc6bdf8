// Package keyring owns the keys that sign tokens: making them, announcing them before
// they are used, and keeping them published until the last token they signed is over. It
// refuses to store a private key in the clear, and never says what a token may contain.
package keyring

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

const (
	// Algorithm of every key (RFC 7518 3.4).
	Algorithm = "ES256"
	// Lead is how long a new key is published before it signs. An app may keep our key set
	// for ten minutes (MaxAge), and another replica learns of the key a few seconds late.
	Lead = 11 * time.Minute
	// MaxAge is how long others may cache the published set.
	MaxAge = 10 * time.Minute

	cacheLife = 5 * time.Second
)

// ErrNoKey says that no key may sign at this instant.
var ErrNoKey = errors.New("no active signing key")

// Key is one signing key. Its id is the "kid" of the tokens it signs.
type Key struct {
	ID         string
	CreatedAt  time.Time
	ActiveFrom time.Time // signs from here on, unless a newer key is active
	RetiredAt  time.Time // leaves the published set; zero while nothing is planned
	Private    *ecdsa.PrivateKey
}

// Published reports whether others can see the key at this instant.
func (k Key) Published(now time.Time) bool { return k.RetiredAt.IsZero() || now.Before(k.RetiredAt) }

// Keyring reads and makes keys. The zero cache is ready; share one per process.
type Keyring struct {
	DB   *db.DB
	Keys *secret.Keys

	mu     sync.Mutex
	cached []Key
	asOf   time.Time
}

// Ensure makes the first key where there is none, ready to sign at once.
func (r *Keyring) Ensure(ctx context.Context) error {
	return r.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		tx.OnCommit(r.Forget)
		total, published, err := count(ctx, tx)
		if err != nil || published > 0 {
			return err
		}
		_, err = r.add(ctx, tx, total, tx.Now)
		return err
	})
}

// Rotate makes a key that signs after Lead, and plans the end of all others for when
// tokens of tokenLife that they signed until then are over. It returns the new key's id.
// Of two rotations at the same moment one makes a key; the other returns the same one.
func (r *Keyring) Rotate(ctx context.Context, tx *db.Tx, tokenLife time.Duration) (id string, err error) {
	tx.OnCommit(r.Forget)
	total, published, err := count(ctx, tx)
	if err != nil {
		return "", err
	}
	from := tx.Now.Add(Lead)
	if published == 0 {
		from = tx.Now
	}
	if id, err = r.add(ctx, tx, total, from); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `UPDATE signing_keys SET retired_at = $1 WHERE retired_at = 0 AND id <> $2`, from.Add(tokenLife+cacheLife), id)
	if err != nil {
		return "", fmt.Errorf("plan the end of signing keys: %w", err)
	}
	return id, nil
}

// Retire withdraws a key now, for one that may be known to somebody else. Every token it
// signed stops being valid. Where no other key could sign, a new one does from now on.
func (r *Keyring) Retire(ctx context.Context, tx *db.Tx, id string) (found bool, err error) {
	tx.OnCommit(r.Forget)
	n, err := tx.Exec(ctx, `UPDATE signing_keys SET retired_at = $1 WHERE id = $2 AND (retired_at = 0 OR retired_at > $1)`, tx.Now, id)
	if err != nil {
		return false, fmt.Errorf("retire signing key: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, errors.Join(r.replace(ctx, tx), tx.Notify(ctx, db.TopicKeys))
}

// replace makes a key that signs at once, unless a published one is active already. Where
// the key that was to follow is the one withdrawn, the end that was planned for the active
// one is called off: nothing would sign after it.
func (r *Keyring) replace(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE signing_keys SET retired_at = 0 WHERE NOT EXISTS (SELECT 1 FROM signing_keys k WHERE k.retired_at = 0)
			AND id IN (SELECT k.id FROM signing_keys k WHERE k.active_from <= $1 AND k.retired_at > $1 ORDER BY k.active_from DESC LIMIT 1)`, tx.Now)
	if err != nil {
		return fmt.Errorf("keep the active signing key: %w", err)
	}
	var active int
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM signing_keys WHERE active_from <= $1 AND (retired_at = 0 OR retired_at > $1)`, tx.Now).Scan(&active)
	if err != nil {
		return fmt.Errorf("count active signing keys: %w", err)
	}
	if active > 0 {
		return nil
	}
	total, _, err := count(ctx, tx)
	if err != nil {
		return err
	}
	_, err = r.add(ctx, tx, total, tx.Now)
	return err
}

func count(ctx context.Context, tx *db.Tx) (total, published int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN retired_at = 0 OR retired_at > $1 THEN 1 ELSE 0 END), 0) FROM signing_keys`,
		tx.Now).Scan(&total, &published)
	if err != nil {
		return 0, 0, fmt.Errorf("count signing keys: %w", err)
	}
	return total, published, nil
}

var idLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// add stores the ring's n-th key. Its id follows from n and a key outside the database,
// so that of two replicas doing the same one runs into the other's row and keeps that.
func (r *Keyring) add(ctx context.Context, tx *db.Tx, n int, from time.Time) (string, error) {
	mac := r.Keys.MAC("signing key id", strconv.Itoa(n))
	id := strings.ToLower(idLetters.EncodeToString(mac[len(mac)-10:]))
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("encode signing key: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO signing_keys (id, algorithm, sealed, created_at, active_from, retired_at)
		VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (id) DO NOTHING`, id, Algorithm, r.Keys.Seal(der, place(id)...), tx.Now, from)
	if err != nil {
		return "", fmt.Errorf("store signing key: %w", err)
	}
	return id, tx.Notify(ctx, db.TopicKeys)
}

func place(id string) []string { return []string{"signing_keys", "sealed", id} }
