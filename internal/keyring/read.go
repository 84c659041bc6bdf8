package keyring

import (
	"context"
	"crypto"
	"fmt"
	"time"

	"countersign/internal/db"
)

// Signer returns the key that signs now with an algorithm: of those active the one active
// last. ErrNoKey where there is none.
func (r *Keyring) Signer(ctx context.Context, algorithm string) (Key, error) {
	now := r.DB.Now()
	keys, err := r.Set(ctx)
	if err != nil {
		return Key{}, err
	}
	for i := len(keys) - 1; i >= 0; i-- {
		if keys[i].Algorithm == algorithm && !keys[i].ActiveFrom.After(now) {
			return keys[i], nil
		}
	}
	return Key{}, ErrNoKey
}

// Set returns every published key, those to come included: EC keys first, then RSA keys,
// each by the time it becomes active.
// It may be up to five seconds old.
func (r *Keyring) Set(ctx context.Context) ([]Key, error) {
	keys, err := r.cachedKeys(ctx)
	if err != nil {
		return nil, err
	}
	now, out := r.DB.Now(), make([]Key, 0, len(keys))
	for _, k := range keys {
		if k.Published(now) {
			out = append(out, k)
		}
	}
	return out, nil
}

// List returns every key that there ever was, without its private part.
func (r *Keyring) List(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := r.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		keys, err = r.load(ctx, tx, false)
		return err
	})
	return keys, err
}

// cachedKeys returns the keys that were not over when they were read, from memory if that was
// less than cacheLife ago. The lock makes a crowd of callers wait for one reader.
func (r *Keyring) cachedKeys(ctx context.Context) ([]Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.DB.Now()
	if age := now.Sub(r.asOf); r.cached != nil && age >= 0 && age < cacheLife {
		return r.cached, nil
	}
	err := r.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		r.cached, err = r.load(ctx, tx, true)
		return err
	})
	r.asOf = now
	if err != nil {
		r.cached = nil
	}
	return r.cached, err
}

// Forget drops what is remembered, because someone has changed the keys.
func (r *Keyring) Forget() {
	r.mu.Lock()
	r.cached = nil
	r.mu.Unlock()
}

func (r *Keyring) load(ctx context.Context, tx *db.Tx, usable bool) ([]Key, error) {
	keys := []Key{}
	for _, f := range families {
		some, err := r.loadFamily(ctx, tx, f, usable)
		if err != nil {
			return nil, err
		}
		keys = append(keys, some...)
	}
	return keys, nil
}

func (r *Keyring) loadFamily(ctx context.Context, tx *db.Tx, f family, usable bool) (keys []Key, err error) {
	rows, err := tx.Query(ctx, `SELECT id, sealed, created_at, active_from, retired_at
		FROM `+f.table+` ORDER BY active_from, id`)
	err = db.ForEach(rows, err, func(row db.Row) error {
		k, sealed, err := scan(row)
		if err != nil {
			return err
		}
		k.Algorithm = f.algorithm
		if usable && !k.Published(tx.Now) {
			return nil
		}
		if usable {
			if k.Private, err = r.open(f, k.ID, sealed); err != nil {
				return err
			}
		}
		keys = append(keys, k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return keys, nil
}

func scan(row db.Row) (k Key, sealed []byte, err error) {
	err = row.Scan(&k.ID, &sealed, db.ScanTime(&k.CreatedAt), db.ScanTime(&k.ActiveFrom), db.ScanTime(&k.RetiredAt))
	return k, sealed, err
}

func (r *Keyring) open(f family, id string, sealed []byte) (crypto.Signer, error) {
	der, err := r.Keys.Open(sealed, f.place(id)...)
	if err != nil {
		return nil, fmt.Errorf("open signing key %s: %w", id, err)
	}
	private, err := f.parse(der)
	if err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", id, err)
	}
	return private, nil
}

// Next is when the next change of an algorithm's signing key is due, zero when none is planned.
func Next(keys []Key, algorithm string, now time.Time) time.Time {
	for _, k := range keys {
		if k.Algorithm == algorithm && k.ActiveFrom.After(now) {
			return k.ActiveFrom
		}
	}
	return time.Time{}
}
