package backup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
)

// Epoch is one time that the database went back to an earlier state.
type Epoch struct {
	Number         int64 // from 1; 0: it never did
	Because        string
	CopyOf         time.Time // the state it went back to; zero where no one knows
	RaisedAt       time.Time
	AcknowledgedAt time.Time
	AuditUntil     time.Time // how far the audit copy that was read reached (Review); zero where none was
}

// ErrUnacknowledged says that the newest epoch is not acknowledged yet.
var ErrUnacknowledged = errors.New(
	"the database went back to an earlier state, and no one has acknowledged it: run countersign epoch show to read what that means, then countersign epoch acknowledge")

// ErrUnfinished says that a restore was begun and is not complete.
var ErrUnfinished = errors.New(
	"a restore was begun in this database and is not finished: run countersign restore again with the same file")

// ending ends rows of one table that must not outlive a return to an earlier state.
type ending struct {
	table string
	text  string              // $1 is the instant, or what mark makes of it
	mark  func(time.Time) any // nil: the instant itself
}

// endings are what a new epoch does. The state that came back does not know what was spent,
// revoked or changed since. So everything that was open ends, nothing that was waiting is sent,
// codes that work once are void, and counters move to the present. A new table must be added
// here or to kept; a test compares both with the schema.
var endings = []ending{
	{"sessions", `UPDATE sessions SET ended_at = $1, ended_because = 'restored'
		WHERE tenant_id <> '' AND ended_at = 0`, nil},
	{"remembered_browsers", `UPDATE remembered_browsers SET ended_at = $1, ended_because = 'restored'
		WHERE tenant_id <> '' AND ended_at = 0`, nil},
	{"challenges", `UPDATE challenges SET closed_at = $1, closed_because = 'restored'
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"flows", `UPDATE flows SET closed_at = $1, closed_because = 'restored'
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"admissions", `UPDATE admissions SET expires_at = $1, admitted_until = $1
		WHERE tenant_id <> '' AND (expires_at > $1 OR admitted_until > $1)`, nil},
	{"drafts", `UPDATE drafts SET closed_at = $1, closed_because = 'restored', sealed = NULL
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"email_changes", `UPDATE email_changes SET closed_at = $1, closed_because = 'restored'
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"activations", `UPDATE activations SET closed_at = $1, closed_because = 'restored'
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"password_links", `UPDATE password_links SET closed_at = $1, closed_because = 'restored'
		WHERE tenant_id <> '' AND closed_at = 0`, nil},
	{"authorization_codes", `UPDATE authorization_codes SET expires_at = $1
		WHERE tenant_id <> '' AND expires_at > $1`, nil},
	{"refresh_families", `UPDATE refresh_families SET ended_at = $1, ended_because = 'restored'
		WHERE tenant_id <> '' AND ended_at = 0`, nil},
	{"messages", `UPDATE messages SET state = 'failed', state_at = $1, next_try_at = 0, sealed = NULL
		WHERE tenant_id <> '' AND sealed IS NOT NULL`, nil},
	{"jobs", `UPDATE jobs SET failed_at = $1, claimed_until = 0, last_error = 'restored'
		WHERE tenant_id <> '' AND done_at = 0 AND failed_at = 0`, nil},
	{"bulk_actions", `UPDATE bulk_actions SET ended_at = $1, ended_because = 'restored'
		WHERE tenant_id <> '' AND ended_at = 0`, nil},
	// No one knows which steps were accepted and which codes were used in the time that was
	// lost: no step up to now by the app's own clock, and none of the printed codes, is
	// accepted again.
	{"totp_secrets", `UPDATE totp_secrets SET last_step = $1 + CASE WHEN drift > 0 THEN drift ELSE 0 END
		WHERE tenant_id <> '' AND last_step < $1 + CASE WHEN drift > 0 THEN drift ELSE 0 END`,
		func(at time.Time) any { return at.Unix()/30 + 1 }},
	{"backup_codes", `UPDATE backup_codes SET used_at = $1 WHERE tenant_id <> '' AND used_at = 0`, nil},
	// Cookies may carry a version from the time that was lost. Adding a thousand is more than the
	// changes that one account can have had in that time.
	{"users", `UPDATE users SET security_version = security_version + 1000, version = version + 1000
		WHERE tenant_id <> '' AND created_at <= $1`, nil},
	// A key may have been withdrawn since, because someone else knew it. A new one is made
	// at the next start.
	{"signing_keys", `UPDATE signing_keys SET retired_at = $1 WHERE retired_at = 0 OR retired_at > $1`, nil},
	{"rsa_signing_keys", `UPDATE rsa_signing_keys SET retired_at = $1 WHERE retired_at = 0 OR retired_at > $1`, nil},
	{"installation", `UPDATE installation SET setup_hash = NULL WHERE created_at <= $1`, nil},
	// Their settings stay; what was read in the time that was lost must not pass for current.
	{"installation", `UPDATE installation SET version = version + 1000 WHERE created_at <= $1`, nil},
	{"tenants", `UPDATE tenants SET version = version + 1000 WHERE tenant_id <> '' AND created_at <= $1`, nil},
	{"clients", `UPDATE clients SET version = version + 1000 WHERE created_at <= $1`, nil},
}

// kept are the tables that a new epoch leaves as they are, and why.
var kept = map[string]string{
	"installation_texts": "words", "client_uris": "apps; operators are told to look at them",
	"adoption_days": "counts for a chart", "delivery_hours": "counts of what was sent until the copy",
	"brands":    "settings of how pages look",
	"directory": "who has which address", "mail_domains": "whose domains they are",
	"authenticators": "methods; owners are told", "passwords": "there is nothing newer; owners are told",
	"outofband_addresses": "methods", "passkeys": "methods; a counter that is ahead of ours is right",
	"passkey_directory":  "whose methods they are",
	"spent_challenges":   "what is not in the copy is worth nothing five minutes later",
	"push_subscriptions": "methods", "push_keys": "browsers know us by it",
	"bulk_people":          "their action has ended",
	"shadow_results":       "what was seen until the copy is still so",
	"message_costs":        "what was spent until the copy still counts",
	"text_answers":         "what was sent until the copy still counts",
	"budgets":              "what was failed until the copy still counts",
	"installation_budgets": "what was failed until the copy still counts",
	"audit_events":         "the record", "pending_audit_events": "the record", "audit_heads": "the record",
	"schema_migrations": "the schema",
	"canaries":          "the key file", "standards": "settings", "master_keys": "the key file", "epochs": "this",
}

// LatestEpoch returns the newest epoch, the zero Epoch where there was none.
func LatestEpoch(ctx context.Context, tx *db.Tx) (e Epoch, err error) {
	err = tx.QueryRow(ctx, `
		SELECT number, because, copy_of, raised_at, acknowledged_at, audit_until FROM epochs
		WHERE number > 0 ORDER BY number DESC LIMIT 1`).
		Scan(
			&e.Number,
			&e.Because,
			db.ScanTime(&e.CopyOf),
			db.ScanTime(&e.RaisedAt),
			db.ScanTime(&e.AcknowledgedAt),
			db.ScanTime(&e.AuditUntil),
		)
	if db.IsNoRows(err) {
		return Epoch{}, nil
	}
	if err != nil {
		return e, fmt.Errorf("read epoch: %w", err)
	}
	return e, nil
}

// CheckAcknowledged fails with ErrUnacknowledged until the newest epoch is acknowledged (SEC-139).
func CheckAcknowledged(ctx context.Context, tx *db.Tx) error {
	e, err := LatestEpoch(ctx, tx)
	if err == nil && e.Number > 0 && e.AcknowledgedAt.IsZero() {
		err = fmt.Errorf("epoch %d (%s): %w", e.Number, e.Because, ErrUnacknowledged)
	}
	return err
}

// NotifyOwners queues a mail to the owners of tx.Tenant. Where it is nil, no one is notified.
type NotifyOwners func(ctx context.Context, tx *db.Tx, e Epoch) error

// Raise ends everything that was open, in one transaction of the installation, and records
// it in every audit chain. The new epoch is higher than above, an epoch known from elsewhere. No
// server starts until it is acknowledged.
func Raise(ctx context.Context, tx *db.Tx, because string, copyOf time.Time, above int64,
	notify NotifyOwners) (Epoch, error) {
	last, err := LatestEpoch(ctx, tx)
	if err != nil {
		return Epoch{}, err
	}
	e := Epoch{
		Number:   max(last.Number, above) + 1,
		Because:  because,
		CopyOf:   copyOf,
		RaisedAt: tx.Now,
	}
	for _, end := range endings {
		var mark any = tx.Now
		if end.mark != nil {
			mark = end.mark(tx.Now)
		}
		if _, err := tx.Exec(ctx, end.text, mark); err != nil {
			return e, fmt.Errorf("end what was open in %s: %w", end.table, err)
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO epochs (number, because, copy_of, raised_at, acknowledged_at)
		VALUES ($1, $2, $3, $4, 0)`, e.Number, e.Because, e.CopyOf, e.RaisedAt)
	if err != nil {
		return e, fmt.Errorf("raise epoch: %w", err)
	}
	return e, recordEverywhere(ctx, tx, e, notify)
}

// recordEverywhere records the epoch in the audit log of the installation and of every company,
// because owners can read only their own company's.
func recordEverywhere(ctx context.Context, tx *db.Tx, e Epoch, notify NotifyOwners) error {
	tenants, err := listCompanies(ctx, tx)
	if err != nil {
		return fmt.Errorf("list companies: %w", err)
	}
	for _, tenant := range append(tenants, db.Installation) {
		of := tx.ForTenant(tenant)
		if err := audit.Record(ctx, of, e.event(audit.EpochRaised)); err != nil {
			return err
		}
		if tenant == db.Installation || notify == nil {
			continue
		}
		if err := notify(ctx, of, e); err != nil {
			return fmt.Errorf("notify the owners of %s: %w", tenant, err)
		}
	}
	return nil
}

func (e Epoch) event(action audit.Action) audit.Event {
	reason := e.Because
	if !e.CopyOf.IsZero() {
		reason += "; state of " + e.CopyOf.UTC().Format(time.RFC3339)
	}
	return audit.Event{
		Action:    action,
		Result:    audit.OK,
		ActorID:   "command-line",
		SubjectID: strconv.FormatInt(e.Number, 10),
		Reason:    reason,
	}
}

func listCompanies(ctx context.Context, tx *db.Tx) (ids []string, err error) {
	return tx.Texts(ctx, `SELECT tenant_id FROM tenants ORDER BY tenant_id`)
}

// Acknowledge records that someone knows what the newest epoch means; serving may begin.
// It returns that epoch, the zero Epoch where there was nothing to acknowledge.
func Acknowledge(ctx context.Context, tx *db.Tx) (Epoch, error) {
	e, err := LatestEpoch(ctx, tx)
	if err != nil {
		return Epoch{}, err
	}
	n, err := tx.Exec(ctx, `UPDATE epochs SET acknowledged_at = $1
		WHERE number = $2 AND number > 0 AND acknowledged_at = 0`, tx.Now, e.Number)
	if err != nil || n == 0 {
		return Epoch{}, err
	}
	e.AcknowledgedAt = tx.Now
	return e, audit.Record(ctx, tx.ForTenant(db.Installation), e.event(audit.EpochAcknowledged))
}
