// Package password owns memorized secrets: how they are hashed, compared, judged and
// stored. Hashing is slow on purpose, so it runs in a bounded pool and never inside a
// transaction. The package refuses to say why a comparison failed.
package password

import (
	"context"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// Stored is a hash as the database keeps it: a PHC string, and the id of the key that
// peppered it (empty for a hash that was imported from elsewhere).
type Stored struct{ Hash, Pepper string }

// Set stores a hash as the user's password and makes sure that the user has a password
// authenticator. What the old password opened is ended by user.PasswordChanged.
func Set(ctx context.Context, tx *db.Tx, userID string, s Stored) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = excluded.hash, pepper = excluded.pepper,
			set_at = excluded.set_at`,
		tx.Tenant, userID, s.Hash, s.Pepper, tx.Now)
	if err != nil {
		return err
	}
	all, err := authenticator.Of(ctx, tx, userID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.Kind == authenticator.Password {
			return authenticator.Enable(ctx, tx, a.ID)
		}
	}
	_, err = authenticator.Bind(ctx, tx, userID, authenticator.Password, "")
	return err
}

// Renew replaces a hash by another one of the same password, unless someone has changed the
// password since old was read.
func Renew(ctx context.Context, tx *db.Tx, userID string, old, next Stored) error {
	_, err := tx.Exec(ctx, `UPDATE passwords SET hash = $1, pepper = $2
		WHERE tenant_id = $3 AND user_id = $4 AND hash = $5`, next.Hash, next.Pepper, tx.Tenant, userID, old.Hash)
	return err
}

// Load returns the stored hash, or the zero Stored when the user has none.
func Load(ctx context.Context, tx *db.Tx, userID string) (s Stored, err error) {
	err = tx.QueryRow(ctx, `SELECT hash, pepper FROM passwords
		WHERE tenant_id = $1 AND user_id = $2`, tx.Tenant, userID).Scan(&s.Hash, &s.Pepper)
	if db.IsNoRows(err) {
		return Stored{}, nil
	}
	return s, err
}
