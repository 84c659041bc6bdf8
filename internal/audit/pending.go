package audit

import (
	"context"
	"errors"
	"fmt"

	"countersign/internal/db"
	"countersign/internal/fault"
)

type pendingKey struct{}

// OrLater runs fn like db.DB.InTx, for a change that must take effect although the audit cannot
// be written: the end of a session. Where the first attempt fails, it runs fn once more and
// keeps what fn records in pending_audit_events, in the same transaction; a Sealer moves it into the
// audit. A fault that fn returns for the caller is returned as it is. fn may run several times,
// as with InTx, but takes effect once.
func OrLater(
	ctx context.Context, d *db.DB, tenant string, fn func(ctx context.Context, tx *db.Tx) error,
) error {
	err := d.InTx(ctx, tenant, func(tx *db.Tx) error { return fn(ctx, tx) })
	if err == nil || ctx.Err() != nil || !fault.Is(err, fault.Internal) {
		return err
	}
	later := context.WithValue(ctx, pendingKey{}, true)
	if again := d.InTx(later, tenant, func(tx *db.Tx) error { return fn(later, tx) }); again != nil {
		return errors.Join(err, again)
	}
	return nil
}

// targetTable is where Record writes.
func targetTable(ctx context.Context) string {
	if Later(ctx) {
		return "pending_audit_events"
	}
	return recordedIn
}

// Later reports whether this is the second attempt of OrLater, so that what must not happen
// without a record in the audit can fail.
func Later(ctx context.Context) bool {
	later, _ := ctx.Value(pendingKey{}).(bool)
	return later
}

// recordPending moves what waits into the audit. A row keeps its id, so that of two sealers that
// move it at once one finds it there, and it is deleted only where it has arrived.
func (s *Sealer) recordPending(ctx context.Context) error {
	var tenants []string
	err := s.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		tenants, err = tx.Texts(ctx, `SELECT DISTINCT tenant_id FROM pending_audit_events`)
		return err
	})
	if err != nil {
		return fmt.Errorf("find pending audit rows: %w", err)
	}
	for _, tenant := range tenants {
		err := s.DB.InTx(ctx, tenant, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO audit_events (tenant_id, id, at, action, result, actor_id, user_id, client_id, method,
					level, subject_id, request_id, reason, ip, place, browser, personal_salt, personal_hash, seq)
				SELECT tenant_id, id, at, action, result, actor_id, user_id, client_id, method, level,
					subject_id, request_id, reason, ip, place, browser, personal_salt, personal_hash, seq
				FROM pending_audit_events WHERE tenant_id = $1 ORDER BY id
				ON CONFLICT (tenant_id, id) DO NOTHING`, tx.Tenant)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				DELETE FROM pending_audit_events WHERE tenant_id = $1 AND id IN (
					SELECT e.id FROM audit_events e WHERE e.tenant_id = $1
					AND e.id IN (SELECT p.id FROM pending_audit_events p WHERE p.tenant_id = $1))`, tx.Tenant)
			return err
		})
		if err != nil {
			return fmt.Errorf("record pending audit rows of %s: %w", tenant, err)
		}
	}
	return nil
}
