package signin

import (
	"context"
	"time"

	"countersign/internal/db"
)

// keepFor is how long closed flows and codes stay, for "this wasn't me" and for questions.
const keepFor = 30 * 24 * time.Hour

// Sweep deletes flows (with their proofs and challenges) and authorization codes that
// nobody will ask for any more. It runs over all tenants.
func (s *Service) Sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		old := tx.Now.Add(-keepFor)
		for _, text := range []string{
			`DELETE FROM flows WHERE tenant_id <> '' AND expires_at < $1`,
			`DELETE FROM authorization_codes WHERE tenant_id <> '' AND expires_at < $1`,
		} {
			if _, err := tx.Exec(ctx, text, old); err != nil {
				return err
			}
		}
		return nil
	})
}
