package receiver

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Gone takes a receiver out of use when its push service says that no one takes pushes there
// any more, and tells its owner by mail. A second call, or one about a browser that was
// never bound, changes nothing.
func (v Verifier) Gone(ctx context.Context, d *db.DB, tenantID, id string) error {
	return d.InTx(ctx, tenantID, func(tx *db.Tx) error {
		var userID string
		err := tx.QueryRow(ctx, `UPDATE push_subscriptions SET gone_at = $1
			WHERE tenant_id = $2 AND authenticator_id = $3 AND gone_at = 0
				RETURNING user_id`, tx.Now, tx.Tenant, id).Scan(&userID)
		if db.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("note a receiver that is gone: %w", err)
		}
		var label string
		err = tx.QueryRow(ctx, `UPDATE authenticators
			SET disabled_at = CASE WHEN disabled_at = 0 THEN $1 ELSE disabled_at END
				WHERE tenant_id = $2 AND id = $3 RETURNING label`,
			tx.Now, tx.Tenant, id).Scan(&label)
		if err != nil {
			return fmt.Errorf("disable a receiver: %w", err)
		}
		if err := authenticator.OwnerChanged(ctx, tx, id); err != nil {
			return err
		}
		err = audit.Record(ctx, tx, audit.Event{
			Action:    audit.ReceiverGone,
			Result:    audit.OK,
			ActorID:   "installation",
			UserID:    userID,
			Method:    string(authenticator.Push),
			SubjectID: id,
			Reason:    label,
		})
		if err != nil {
			return err
		}
		return v.sendNotice(ctx, tx, userID, label)
	})
}

// GoneOf tells of which receivers of a person the push service has said that they are gone,
// by the id of the authenticator, and since when.
func GoneOf(ctx context.Context, tx *db.Tx, userID string) (map[string]time.Time, error) {
	rows, err := tx.Query(ctx, `SELECT authenticator_id, gone_at FROM push_subscriptions
		WHERE tenant_id = $1 AND user_id = $2 AND gone_at > 0`, tx.Tenant, userID)
	out := map[string]time.Time{}
	err = db.ForEach(rows, err, func(row db.Row) error {
		var id string
		var at time.Time
		err := row.Scan(&id, db.ScanTime(&at))
		out[id] = at
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list receivers that are gone: %w", err)
	}
	return out, nil
}

func (v Verifier) sendNotice(ctx context.Context, tx *db.Tx, userID, label string) error {
	u, err := user.ByID(ctx, tx, userID)
	if err != nil {
		return fmt.Errorf("find the owner of a receiver: %w", err)
	}
	vendor, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("find the vendor's name: %w", err)
	}
	return v.Notifier.SendToHolder(ctx, tx, u, notify.Notice{
		Purpose: "receiver.gone",
		Content: email.ReceiverGone{Vendor: vendor.Name, Label: label, At: tx.Now},
	})
}
