package configminimum

import (
	"context"
	"errors"
	"fmt"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// ErrForeignKey says that what this database holds was sealed with other keys.
var ErrForeignKey = errors.New(
	"this key file does not belong to this database: put the one in place that was copied when the installation began, and every generation added since")

// ErrKeyMissing says that a key file would have to be made for data that has one already.
var ErrKeyMissing = errors.New(
	"the key file is missing and this database is in use: put the copy of the key file back; a new one would open nothing")

const knownText = "countersign"

// Place is where the key check is sealed, for the code that seals it anew with a newer key.
func Place() []string { return []string{"canaries", "sealed", db.Installation} }

// Prove checks that keys open the database's key check, in a transaction of the installation,
// and leaves one where there is none. A database from before there were key checks is asked for the keys
// that sign: it must have none, or they must open.
func Prove(ctx context.Context, tx *db.Tx, keys *secret.Keys) error {
	found, err := Recognise(ctx, tx, keys)
	if err != nil || found {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO canaries (id, sealed, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO NOTHING`,
		db.Installation, keys.Seal([]byte(knownText), Place()...), tx.Now)
	if err != nil {
		return fmt.Errorf("store key check: %w", err)
	}
	// Of two first starts with two key files one comes second, and learns it here.
	if found, err = Recognise(ctx, tx, keys); err == nil && !found {
		err = errors.New("the key check is gone")
	}
	return err
}

// Recognise is Prove without leaving anything; found says whether there is a key check.
func Recognise(ctx context.Context, tx *db.Tx, keys *secret.Keys) (found bool, err error) {
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT sealed FROM canaries WHERE id = $1`, db.Installation).Scan(&sealed)
	if db.IsNoRows(err) {
		return false, signingKeysOpen(ctx, tx, keys)
	}
	if err != nil {
		return false, fmt.Errorf("read key check: %w", err)
	}
	plain, err := keys.Open(sealed, Place()...)
	if err != nil || string(plain) != knownText {
		return true, ErrForeignKey
	}
	return true, nil
}

func signingKeysOpen(ctx context.Context, tx *db.Tx, keys *secret.Keys) error {
	var id string
	var sealed []byte
	err := tx.QueryRow(ctx, `SELECT id, sealed FROM signing_keys
		ORDER BY created_at DESC, id LIMIT 1`).Scan(&id, &sealed)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a signing key: %w", err)
	}
	if _, err := keys.Open(sealed, "signing_keys", "sealed", id); err != nil {
		return ErrForeignKey
	}
	return nil
}

// InUse reports whether the database holds an installation already.
func InUse(ctx context.Context, tx *db.Tx) (used bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM installation) OR EXISTS (SELECT 1
		FROM canaries) OR EXISTS (SELECT 1 FROM signing_keys)
		OR EXISTS (SELECT 1 FROM tenants WHERE tenant_id <> '')`).Scan(&used)
	return used, err
}
