package signin

import (
	"context"
	"time"

	"countersign/internal/db"
)

// keepFor is how long closed flows stay, for "this wasn't me" and for questions.
const keepFor = 30 * 24 * time.Hour

// Sweep deletes flows, with their proofs and challenges, that nobody will ask for any
// more. It runs over all tenants.
func (s *Service) Sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM flows WHERE tenant_id <> '' AND expires_at < $1`, tx.Now.Add(-keepFor))
		return err
	})
}
