package message

import (
	"context"
	"fmt"

	"countersign/internal/db"
)

// Best tells what became of a message that went to several receivers at once (see
// Outgoing.CopyOf): the best that became of any of them. The state is None where there is
// no such message.
func Best(ctx context.Context, tx *db.Tx, id string) (Status, error) {
	var s Status
	err := tx.QueryRow(ctx, `
		SELECT m.state, m.host, m.state_at, m.next_try_at, m.attempts FROM messages m
		WHERE m.tenant_id = $1 AND (m.id = $2 OR (m.copy_of = $3 AND m.copy_of <> ''))
		ORDER BY CASE m.state WHEN 'delivered' THEN 0 WHEN 'accepted' THEN 1 WHEN 'queued' THEN 2 WHEN 'delayed' THEN 3
			ELSE 4 END, m.state_at DESC, m.id LIMIT 1`,
		tx.Tenant, id, id).Scan(s.Targets()...)
	if db.IsNoRows(err) {
		return Status{State: None}, nil
	}
	if err != nil {
		return Status{State: None}, fmt.Errorf("read deliveries: %w", err)
	}
	return s, nil
}

// WithdrawAll is Withdraw for a message and its copies.
func WithdrawAll(ctx context.Context, tx *db.Tx, id string) error {
	waiting, err := copies(ctx, tx, id)
	if err != nil {
		return fmt.Errorf("find copies: %w", err)
	}
	for _, one := range append(waiting, id) {
		if err := Withdraw(ctx, tx, one); err != nil {
			return err
		}
	}
	return nil
}

// copies are those of a message that have not left.
func copies(ctx context.Context, tx *db.Tx, id string) (out []string, err error) {
	return tx.Texts(ctx, `
		SELECT id FROM messages
		WHERE tenant_id = $1 AND copy_of = $2 AND copy_of <> '' AND sealed IS NOT NULL ORDER BY id`, tx.Tenant, id)
}
