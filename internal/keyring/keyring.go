// Package keyring owns the keys that sign tokens: making them, announcing them before
// they are used, and keeping them published until the last token they signed is over. It
// refuses to store a private key in the clear, and never says what a token may contain.
package keyring

import (
	"context"
	"crypto"
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
	Algorithm  string // ES256 or RS256
	CreatedAt  time.Time
	ActiveFrom time.Time // signs from here on, unless a newer key of its algorithm is active
	RetiredAt  time.Time // leaves the published set; zero while nothing is planned
	Private    crypto.Signer
}

// Published reports whether others can see the key at this instant.
func (k Key) Published(now time.Time) bool { return k.RetiredAt.IsZero() || now.Before(k.RetiredAt) }

// Keyring reads and makes keys. The zero cache is ready; share one per process.
type Keyring struct {
	DB   *db.DB
	Keys *secret.Keys

	making sync.Mutex // one key is generated at a time
	mu     sync.Mutex
	cached []Key
	asOf   time.Time
}

// EnsureAll makes the first key of each algorithm that has none.
func (r *Keyring) EnsureAll(ctx context.Context) error {
	for _, algorithm := range Algorithms {
		if err := r.Ensure(ctx, algorithm); err != nil {
			return err
		}
	}
	return nil
}

// Ensure makes the first key of an algorithm where there is none, ready to sign at once. Of
// two replicas that do so at the same time, one stores its key and both use that one. What
// another process has made is known afterwards.
func (r *Keyring) Ensure(ctx context.Context, algorithm string) error {
	f, err := familyOf(algorithm)
	if err != nil {
		return err
	}
	r.making.Lock()
	defer r.making.Unlock()
	published := 0
	err = r.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		_, published, err = f.count(ctx, tx)
		return err
	})
	if err != nil || published > 0 {
		r.Forget()
		return err
	}
	fresh, err := Generate(algorithm)
	if err != nil {
		return err
	}
	return r.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		tx.OnCommit(r.Forget)
		total, published, err := f.count(ctx, tx)
		if err != nil || published > 0 {
			return err
		}
		_, err = r.add(ctx, tx, fresh, total, tx.Now)
		return err
	})
}

// Rotate stores a key that signs after Lead, and plans the end of the others of its
// algorithm for when tokens of tokenLife that they signed until then are over. It returns the
// new key's id. Of two rotations at the same moment one makes a key; the other returns the
// same one.
func (r *Keyring) Rotate(ctx context.Context, tx *db.Tx, fresh Fresh, tokenLife time.Duration) (id string, err error) {
	tx.OnCommit(r.Forget)
	f := fresh.family
	total, published, err := f.count(ctx, tx)
	if err != nil {
		return "", err
	}
	from := tx.Now.Add(Lead)
	if published == 0 {
		from = tx.Now
	}
	if id, err = r.add(ctx, tx, fresh, total, from); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `UPDATE `+f.table+` SET retired_at = $1
		WHERE retired_at = 0 AND id <> $2`, from.Add(tokenLife+cacheLife), id)
	if err != nil {
		return "", fmt.Errorf("plan the end of signing keys: %w", err)
	}
	return id, nil
}

// Spare makes the key that Retire stores if no other one could sign after id. The zero Fresh
// stands for an id that no key has.
func (r *Keyring) Spare(ctx context.Context, id string) (Fresh, error) {
	keys, err := r.List(ctx)
	if err != nil {
		return Fresh{}, err
	}
	for _, k := range keys {
		if k.ID == id {
			return Generate(k.Algorithm)
		}
	}
	return Fresh{}, nil
}

// Retire withdraws a key now, for one that may be known to someone else. Every token it
// signed stops being valid. Where no other key of its algorithm could sign, the spare does
// from now on.
func (r *Keyring) Retire(ctx context.Context, tx *db.Tx, id string, spare Fresh) (found bool, err error) {
	if spare.der == nil {
		return false, nil
	}
	tx.OnCommit(r.Forget)
	n, err := tx.Exec(ctx, `UPDATE `+spare.family.table+` SET retired_at = $1
		WHERE id = $2 AND (retired_at = 0 OR retired_at > $1)`, tx.Now, id)
	if err != nil {
		return false, fmt.Errorf("retire signing key: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, errors.Join(r.replace(ctx, tx, spare), tx.Notify(ctx, db.TopicKeys))
}

// replace stores a key that signs at once, unless a published one is active already. Where
// the key that was to follow is the one withdrawn, the end that was planned for the active
// one is called off: nothing would sign after it.
func (r *Keyring) replace(ctx context.Context, tx *db.Tx, spare Fresh) error {
	f := spare.family
	_, err := tx.Exec(ctx, `
		UPDATE `+f.table+` SET retired_at = 0 WHERE NOT EXISTS (SELECT 1 FROM `+f.table+` k WHERE k.retired_at = 0)
			AND id IN (SELECT k.id FROM `+f.table+` k WHERE k.active_from <= $1 AND k.retired_at > $1
				ORDER BY k.active_from DESC LIMIT 1)`, tx.Now)
	if err != nil {
		return fmt.Errorf("keep the active signing key: %w", err)
	}
	var active int
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM `+f.table+`
		WHERE active_from <= $1 AND (retired_at = 0 OR retired_at > $1)`, tx.Now).Scan(&active)
	if err != nil {
		return fmt.Errorf("count active signing keys: %w", err)
	}
	if active > 0 {
		return nil
	}
	total, _, err := f.count(ctx, tx)
	if err != nil {
		return err
	}
	_, err = r.add(ctx, tx, spare, total, tx.Now)
	return err
}

func (f family) count(ctx context.Context, tx *db.Tx) (total, published int, err error) {
	err = tx.QueryRow(ctx,
		`SELECT COUNT(*), COALESCE(SUM(CASE WHEN retired_at = 0 OR retired_at > $1 THEN 1 ELSE 0 END), 0) FROM `+
			f.table,
		tx.Now).Scan(&total, &published)
	if err != nil {
		return 0, 0, fmt.Errorf("count signing keys: %w", err)
	}
	return total, published, nil
}

// add stores a fresh key as the n-th of its family. Its id follows from n and a key outside
// the database, so that of two replicas doing the same one runs into the other's row and
// keeps that.
func (r *Keyring) add(ctx context.Context, tx *db.Tx, fresh Fresh, n int, from time.Time) (string, error) {
	f := fresh.family
	mac := r.Keys.MAC(f.idPurpose, strconv.Itoa(n))
	id := strings.ToLower(idLetters.EncodeToString(mac[len(mac)-10:]))
	_, err := tx.Exec(ctx, `INSERT INTO `+f.table+` (id, algorithm, sealed, created_at, active_from, retired_at)
		VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (id) DO NOTHING`, id, f.algorithm,
		r.Keys.Seal(fresh.der, f.place(id)...), tx.Now, from)
	if err != nil {
		return "", fmt.Errorf("store signing key: %w", err)
	}
	return id, tx.Notify(ctx, db.TopicKeys)
}
