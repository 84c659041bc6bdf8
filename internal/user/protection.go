package user

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/tenant"
)

// RecoveryLife is how long a person may set a method up again after a reset.
const RecoveryLife = 24 * time.Hour

// FactorKinds are the kinds that protect an account, for SQL.
const FactorKinds = `('sms', 'totp', 'passkey', 'push')`

// factorOf finds the second factors a of the user u, in whatever state.
const factorOf = `SELECT 1 FROM authenticators a
	WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.kind IN ` + FactorKinds

// FactorBound records that a second factor was set up: the first one is never forgotten, and
// a recovery is over with it.
func FactorBound(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `
		UPDATE users SET released_at = 0, recovery_until = 0, version = version + 1,
			first_factor_at = CASE WHEN first_factor_at = 0 THEN $1 ELSE first_factor_at END
		WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, id))
}

// ReleaseProtection records that a person, having shown a second factor, removed the last
// one. It does nothing where one is left, in whatever state.
func ReleaseProtection(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `
		UPDATE users SET released_at = $1, version = version + 1
			WHERE tenant_id = $2 AND id = $3 AND first_factor_at > 0 AND NOT EXISTS (
			SELECT 1 FROM authenticators a
			WHERE a.tenant_id = $2 AND a.user_id = $3 AND a.kind IN `+FactorKinds+`)`, tx.Now, tx.Tenant, id)
	return err
}

// OpenRecovery lets a person set up a method once, until an instant, with the password and
// the mailbox, and ends everything else that is open. released says that the company allows
// nothing that could be set up: then the mailbox is what protects the account from now on. A
// wait after a reset of the password ends: people have decided.
func OpenRecovery(ctx context.Context, tx *db.Tx, id string, until time.Time, released bool) error {
	var at time.Time
	if released {
		at = tx.Now
	}
	return changed(tx.Exec(ctx, `
		UPDATE users SET recovery_until = $1, released_at = $2, password_reset_at = 0,
			security_version = security_version + 1, version = version + 1,
			first_factor_at = CASE WHEN first_factor_at = 0 THEN $3 ELSE first_factor_at END
		WHERE tenant_id = $4 AND id = $5`, until, at, tx.Now, tx.Tenant, id))
}

// RecoveryOpen reports whether a person may set up a method after a reset, and nothing makes them wait for it (as
// EndResetWait).
func RecoveryOpen(ctx context.Context, tx *db.Tx, id string, wait time.Duration) (open bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT recovery_until > $1 AND password_reset_at <= $2 FROM users
		WHERE tenant_id = $3 AND id = $4`, tx.Now, tx.Now.Add(-wait), tx.Tenant, id).Scan(&open)
	return open, err
}

// PasswordSetByMail records that a mailed link set the password of u: everything that an older
// one opened ends, and a report of it is settled. Where a second factor protects the account, a
// mailbox settles no report: SettleReport does, once that factor was shown. reset says that it
// replaced one. same is false, and nothing is written, where u is not as it was read any more.
func PasswordSetByMail(ctx context.Context, tx *db.Tx, u User, reset bool) (same bool, err error) {
	var at time.Time
	if reset {
		at = tx.Now
	}
	n, err := tx.Exec(ctx, `
		UPDATE users SET password_reset_at = $1, security_version = security_version + 1, version = version + 1,
			password_flagged_at = CASE WHEN first_factor_at > 0 AND released_at = 0 OR EXISTS (
				SELECT 1 FROM authenticators a
				WHERE a.tenant_id = $2 AND a.user_id = $3
					AND a.kind IN `+FactorKinds+`) THEN password_flagged_at ELSE 0 END
		WHERE tenant_id = $2 AND id = $3 AND security_version = $4 AND email = $5 AND disabled_at = 0`,
		at, tx.Tenant, u.ID, u.SecurityVersion, u.Email)
	return n > 0, err
}

// SettleReport ends the report that someone else knows the password of u, unless there has been
// another since.
func SettleReport(ctx context.Context, tx *db.Tx, u User) error {
	_, err := tx.Exec(ctx, `
		UPDATE users SET password_flagged_at = 0, version = version + 1
		WHERE tenant_id = $1 AND id = $2 AND password_flagged_at = $3`, tx.Tenant, u.ID, u.PasswordFlaggedAt)
	return err
}

// EndResetWait lets a person set up their first method with the mailbox again, although the
// password was reset by mail a short time ago. It reports whether that had been so.
func EndResetWait(ctx context.Context, tx *db.Tx, id string, wait time.Duration) (waited bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE users SET password_reset_at = 0, version = version + 1
		WHERE tenant_id = $1 AND id = $2 AND password_reset_at > $3`, tx.Tenant, id, tx.Now.Add(-wait))
	return n > 0, err
}

// StoreDeadline stores a person's deadline for set-up the first time that one applies. newcomer is the end of their
// time as a newcomer, which holds whatever the company's date is; zero: only that date applies. What is stored never
// moves.
func StoreDeadline(ctx context.Context, tx *db.Tx, id string, by, newcomer time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE users SET set_up_by = $1, newcomer_until = $2, version = version + 1
		WHERE tenant_id = $3 AND id = $4 AND set_up_by = 0 AND first_factor_at = 0`, by, newcomer, tx.Tenant, id)
	return err
}

// CountLater counts a sign-in that finishes before the person has set up a method. It reports false, and counts
// nothing, where they have used as many as the limit allows.
func CountLater(ctx context.Context, tx *db.Tx, id string, limit int) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE users SET set_up_laters_used = set_up_laters_used + 1, version = version + 1
		WHERE tenant_id = $1 AND id = $2 AND set_up_laters_used < $3 AND first_factor_at = 0`, tx.Tenant, id, limit)
	if err != nil {
		return false, fmt.Errorf("count a sign-in before set-up: %w", err)
	}
	return n > 0, nil
}

// EndAll ends every session, sign-in, remembered browser and refresh token of a person.
func EndAll(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `
		UPDATE users SET security_version = security_version + 1, version = version + 1
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id))
}

// EndEveryone is EndAll for each person of the transaction's tenant, with one statement (ADR 26).
func EndEveryone(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE users SET security_version = security_version + 1, version = version + 1
		WHERE tenant_id = $1`, tx.Tenant)
	return err
}

// OwnersStuck reports whether every active owner of the transaction's tenant has second
// factors of which none works: no one in the company can help them.
func OwnersStuck(ctx context.Context, tx *db.Tx) (stuck bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT NOT EXISTS (
			SELECT 1 FROM users u WHERE u.tenant_id = $1 AND u.role = 'owner' AND u.disabled_at = 0
				AND (EXISTS (`+factorOf+` AND a.disabled_at = 0) OR NOT EXISTS (`+factorOf+`)))`,
		tx.Tenant).Scan(&stuck)
	return stuck, err
}

// Operators lists the vendor's active operators.
func Operators(ctx context.Context, tx *db.Tx) (out []User, err error) {
	vendors, err := tenant.Vendors(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, id := range vendors {
		vendor := tx.ForTenant(id)
		rows, err := vendor.Query(ctx, `
			SELECT `+columns+` FROM users u
			WHERE u.tenant_id = $1 AND u.role = 'operator' AND u.disabled_at = 0 ORDER BY u.id`, vendor.Tenant)
		found, err := db.Collect(rows, err, scan)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// HadFactor reports whether a person has or once had a second factor.
func HadFactor(ctx context.Context, tx *db.Tx, id string) (had bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT u.first_factor_at > 0 OR EXISTS (`+factorOf+`) FROM users u
		WHERE u.tenant_id = $1 AND u.id = $2`, tx.Tenant, id).Scan(&had)
	return had, err
}

// HoldProtection records that a person once had a second factor that this database does not
// know, and reports whether that is news: the account then opens no more with less than the
// methods it has, and where it has none only people open it.
func HoldProtection(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE users SET released_at = 0, recovery_until = 0, version = version + 1,
			first_factor_at = CASE WHEN first_factor_at = 0 THEN $1 ELSE first_factor_at END
		WHERE tenant_id = $2 AND id = $3 AND (first_factor_at = 0 OR released_at > 0 OR recovery_until > 0)`,
		tx.Now, tx.Tenant, id)
	return n > 0, err
}
