package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Activation is one person's way to switching two-factor authentication on for their company. A code shows first that
// mail reaches them: it would be too late to find that out when everyone needs a code.
type Activation struct {
	ID, UserID      string
	SecurityVersion int64 // of the person when it began
	Email           string
	Reference       string // also in the mail
	CodeMAC         []byte
	TriesLeft       int
	Sends           int // codes sent
	BegunAt         time.Time
	SentAt, EndsAt  time.Time // of the newest code
	ProvedAt        time.Time // when the right code came; zero = not yet
}

// Why an activation that was under way is over.
const (
	ActivationFinished = "finished"
	ActivationReplaced = "replaced"
	ActivationUsedUp   = "used_up" // no more codes are sent: it begins anew
)

// ErrNoActivation says that a person has no activation under way.
var ErrNoActivation = fault.New(fault.NotFound, "activation.over")

const activationColumns = `id, user_id, security_version, email, reference, code_mac, tries_left, sends, begun_at,
	sent_at, ends_at, proved_at`

func scanActivation(row db.Row) (a Activation, err error) {
	err = row.Scan(
		&a.ID,
		&a.UserID,
		&a.SecurityVersion,
		&a.Email,
		&a.Reference,
		&a.CodeMAC,
		&a.TriesLeft,
		&a.Sends,
		db.ScanTime(&a.BegunAt),
		db.ScanTime(&a.SentAt),
		db.ScanTime(&a.EndsAt),
		db.ScanTime(&a.ProvedAt),
	)
	if db.IsNoRows(err) {
		err = ErrNoActivation
	}
	return a, err
}

// PendingActivation loads the activation that a person has under way. A new password or address makes it void.
func PendingActivation(ctx context.Context, tx *db.Tx, userID string, securityVersion int64) (Activation, error) {
	return scanActivation(tx.QueryRow(ctx, `
		SELECT `+activationColumns+` FROM activations
		WHERE tenant_id = $1 AND user_id = $2 AND closed_at = 0 AND security_version = $3`,
		tx.Tenant, userID, securityVersion))
}

// BeginActivation stores an activation in the place of one that the person has under way.
func BeginActivation(ctx context.Context, tx *db.Tx, a Activation) error {
	if _, err := CloseActivation(ctx, tx, a.UserID, ActivationReplaced); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO activations (tenant_id, `+activationColumns+`, closed_at, closed_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, '')`,
		tx.Tenant, a.ID, a.UserID, a.SecurityVersion, a.Email, a.Reference, a.CodeMAC, a.TriesLeft, a.Sends, a.BegunAt,
		a.SentAt, a.EndsAt)
	return err
}

// RenewActivation puts another code in the place of the one that a was read with. ErrNoActivation where that was
// answered or replaced meanwhile.
func RenewActivation(ctx context.Context, tx *db.Tx, a Activation) error {
	n, err := tx.Exec(ctx, `
		UPDATE activations SET reference = $1, code_mac = $2, tries_left = $3, sends = sends + 1, sent_at = $4,
			ends_at = $5
		WHERE tenant_id = $6 AND id = $7 AND closed_at = 0 AND proved_at = 0 AND sends = $8`,
		a.Reference, a.CodeMAC, a.TriesLeft, a.SentAt, a.EndsAt, tx.Tenant, a.ID, a.Sends)
	if err == nil && n == 0 {
		err = ErrNoActivation
	}
	return err
}

// TryActivation takes a try of the code that a person was sent, before anything is compared. ErrNoActivation where
// there is none to answer any more.
func TryActivation(ctx context.Context, tx *db.Tx, userID, id string, securityVersion int64) (Activation, error) {
	return scanActivation(tx.QueryRow(ctx, `
		UPDATE activations SET tries_left = tries_left - 1
		WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND security_version = $4 AND closed_at = 0 AND proved_at = 0
			AND tries_left > 0 AND ends_at > $5 RETURNING `+activationColumns,
		tx.Tenant, userID, id, securityVersion, tx.Now))
}

// ProveActivation records that the right code came.
func ProveActivation(ctx context.Context, tx *db.Tx, id string) error {
	n, err := tx.Exec(ctx, `UPDATE activations SET proved_at = $1
		WHERE tenant_id = $2 AND id = $3 AND closed_at = 0 AND proved_at = 0`, tx.Now, tx.Tenant, id)
	if err == nil && n == 0 {
		err = ErrNoActivation
	}
	return err
}

// FinishActivation spends the proof of an activation, once, if it is not older than within.
func FinishActivation(
	ctx context.Context, tx *db.Tx, userID, id string, securityVersion int64, within time.Duration,
) error {
	n, err := tx.Exec(ctx, `
		UPDATE activations SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND id = $5 AND security_version = $6 AND closed_at = 0
			AND proved_at > $7`,
		tx.Now, ActivationFinished, tx.Tenant, userID, id, securityVersion, tx.Now.Add(-within))
	if err == nil && n == 0 {
		err = ErrNoActivation
	}
	return err
}

// CloseActivation ends the activation that a person has under way and reports whether there was one.
func CloseActivation(ctx context.Context, tx *db.Tx, userID, because string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE activations SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, userID)
	return n > 0, err
}

// Sweep deletes activations whose last code ran out a day ago, and old results of trials, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	activations, err := d.DeleteOld(ctx, "activations", `
		DELETE FROM activations WHERE (tenant_id, id) IN (SELECT a.tenant_id, a.id FROM activations a
			WHERE a.ends_at < $1 LIMIT $2)`, 24*time.Hour)
	if err != nil {
		return activations, err
	}
	results, err := d.DeleteOld(ctx, "results of trials", `
		DELETE FROM shadow_results WHERE (tenant_id, began_at, user_id, outcome) IN (
			SELECT r.tenant_id, r.began_at, r.user_id, r.outcome FROM shadow_results r WHERE r.at < $1 LIMIT $2)`,
		keepShadow)
	return activations + results, err
}

// SwitchOnFrom records that the company switched its second step on from an instant, for everyone at once.
func SwitchOnFrom(ctx context.Context, tx *db.Tx, from time.Time) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET switched_on_at = $1, switched_off_at = 0, step_days = 0,
		step_stop = 0, steps_stopped_at = 0, steps_resumed_at = 0, steps_delay = 0, version = version + 1
		WHERE tenant_id = $2`, from, tx.Tenant))
}
