package binding

import (
	"context"

	"countersign/internal/db"
)

// Name gives what is being set up the person's own name, in the unit of work that confirms
// it. An empty one leaves it as it was proposed.
func (s *Service) Name(ctx context.Context, tx *db.Tx, h Enrollee, id, label string) error {
	label, err := cleanLabel(label)
	if err != nil || label == "" {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE drafts SET label = $1 WHERE tenant_id = $2 AND id = $3 AND user_id = $4
		AND holder = $5 AND token_hash = $6 AND closed_at = 0`,
		label, tx.Tenant, id, h.UserID, h.Scope, h.Held.Hash(tx.Tenant, id))
	return err
}
