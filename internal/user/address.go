package user

import (
	"context"
	"slices"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
)

// Change is one change of a person's address. Until it is confirmed it is worth nothing;
// until UndoUntil anyone who reads the address From can undo it.
type Change struct {
	ID, UserID string
	FlowID     string // the sign-in that it rests on
	From, To   string
	Reference  string // also in the mail with the code
	CodeMAC    []byte
	TriesLeft  int
	TokenHash  []byte // of what the browser in which it began holds

	IP, Place, Browser  string
	BegunAt, EndsAt     time.Time
	ConfirmedAt         time.Time
	UndoUntil, UndoneAt time.Time
}

// Why a change that was under way is over.
const (
	Confirmed = "confirmed"
	Replaced  = "replaced"
	Withdrawn = "withdrawn"
	taken     = "taken"
	undone    = "undone"
	setByHand = "changed"
)

// ErrNoChange says that there is no such change, or none any more.
var ErrNoChange = fault.New(fault.NotFound, "email.over")

const changeColumns = `id, user_id, flow_id, from_email, to_email, reference, code_mac, token_hash, tries_left, ip,
	place, browser, begun_at, ends_at, confirmed_at, undo_until, undone_at`

func scanChange(row db.Row) (c Change, err error) {
	err = row.Scan(
		&c.ID,
		&c.UserID,
		&c.FlowID,
		&c.From,
		&c.To,
		&c.Reference,
		&c.CodeMAC,
		&c.TokenHash,
		&c.TriesLeft,
		&c.IP,
		&c.Place,
		&c.Browser,
		db.ScanTime(&c.BegunAt),
		db.ScanTime(&c.EndsAt),
		db.ScanTime(&c.ConfirmedAt),
		db.ScanTime(&c.UndoUntil),
		db.ScanTime(&c.UndoneAt),
	)
	if db.IsNoRows(err) {
		return c, ErrNoChange
	}
	return c, err
}

// AskAddress stores a change that u asks for, in place of one that was under way. It is good
// as long as u's address and security version stay as they are. The caller holds u's row.
func AskAddress(ctx context.Context, tx *db.Tx, u User, c Change) error {
	from, err := EmailKey(u.Email)
	if err != nil {
		return err
	}
	to, err := EmailKey(c.To)
	if err != nil {
		return err
	}
	if _, err := CloseChange(ctx, tx, u.ID, Replaced); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO email_changes (tenant_id, id, user_id, flow_id, from_email, from_key, to_email, to_key,
			security_version, reference, code_mac, token_hash, tries_left,
			ip, place, browser, begun_at, ends_at, closed_at, closed_because, confirmed_at, undo_until, undone_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, '', 0, 0, 0)`,
		tx.Tenant, c.ID, u.ID, c.FlowID, u.Email, from, c.To, to, u.SecurityVersion, c.Reference, c.CodeMAC,
		c.TokenHash, c.TriesLeft, c.IP, c.Place, c.Browser, tx.Now, c.EndsAt)
	return err
}

// underWay holds for the change of a user that may still be confirmed.
const underWay = `
	user_id = $2 AND closed_at = 0 AND ends_at > $3 AND tries_left > 0 AND from_email = $4 AND security_version = $5`

// PendingChange is the change that u has under way in a browser; ErrNoChange where there is
// none, or it began in another.
func PendingChange(ctx context.Context, tx *db.Tx, u User, held secret.Held) (Change, error) {
	c, err := scanChange(tx.QueryRow(ctx, `SELECT `+changeColumns+` FROM email_changes
		WHERE tenant_id = $1 AND `+underWay,
		tx.Tenant, u.ID, tx.Now, u.Email, u.SecurityVersion))
	if err == nil && !held.Opens(tx.Tenant, c.ID, c.TokenHash) {
		return Change{}, ErrNoChange
	}
	return c, err
}

// TryChange reserves a try of the change that u has under way, before anything is compared.
// ErrNoChange where hash is not of the token that its browser holds.
func TryChange(ctx context.Context, tx *db.Tx, u User, id string, hash []byte) (Change, error) {
	return scanChange(tx.QueryRow(ctx, `
		UPDATE email_changes SET tries_left = tries_left - 1
		WHERE tenant_id = $1 AND `+underWay+` AND id = $6 AND token_hash = $7 RETURNING `+changeColumns,
		tx.Tenant, u.ID, tx.Now, u.Email, u.SecurityVersion, id, hash))
}

// CloseChange ends the change that a user has under way and reports whether there was one.
func CloseChange(ctx context.Context, tx *db.Tx, userID, because string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE email_changes SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, userID)
	return n > 0, err
}

// GiveUp ends a change whose address has become someone else's, if it is still under way.
func GiveUp(ctx context.Context, tx *db.Tx, userID, id string) error {
	_, err := tx.Exec(ctx, `UPDATE email_changes SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND id = $5 AND closed_at = 0`, tx.Now, taken, tx.Tenant, userID, id)
	return err
}

// MoveAddress confirms a change: from now on u is found by the new address, and the old one
// is kept for them until undoUntil. Conflict where someone else has the new one; ErrNoChange
// where u is not as when it was asked for. The caller holds u's row.
func MoveAddress(ctx context.Context, tx *db.Tx, u User, c Change, undoUntil time.Time) error {
	key, err := EmailKey(c.To)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		text string
		args []any
	}{
		{`UPDATE email_changes SET closed_at = $1, closed_because = $2, confirmed_at = $1, undo_until = $3
			WHERE tenant_id = $4 AND id = $5 AND user_id = $6 AND closed_at = 0`,
			[]any{tx.Now, Confirmed, undoUntil, tx.Tenant, c.ID, u.ID}},
		{`UPDATE users SET email = $1, email_key = $2, security_version = security_version + 1, version = version + 1 WHERE tenant_id = $3 AND id = $4 AND email = $5 AND security_version = $6 AND disabled_at = 0`,
			[]any{c.To, key, tx.Tenant, u.ID, c.From, u.SecurityVersion}},
		{`UPDATE directory SET held_until = $1 WHERE tenant_id = $2 AND user_id = $3 AND held_until = 0`,
			[]any{undoUntil, tx.Tenant, u.ID}},
	} {
		n, err := tx.Exec(ctx, step.text, step.args...)
		if err == nil && n == 0 {
			err = ErrNoChange
		}
		if err != nil {
			return err
		}
	}
	return claim(ctx, tx, key, u.ID)
}

// claim lists a user under an address. It may be kept for that user, or have been kept for
// someone whose time is over.
func claim(ctx context.Context, tx *db.Tx, key, userID string) error {
	n, err := tx.Exec(ctx, `
		INSERT INTO directory (email_key, tenant_id, user_id, held_until) VALUES ($1, $2, $3, 0)
		ON CONFLICT (email_key) DO UPDATE SET tenant_id = excluded.tenant_id, user_id = excluded.user_id, held_until = 0
		WHERE directory.held_until > 0 AND (directory.held_until <= $4 OR directory.tenant_id = excluded.tenant_id
			AND directory.user_id = excluded.user_id)`,
		key, tx.Tenant, userID, tx.Now)
	if err == nil && n == 0 {
		err = errAddressTaken
	}
	if err != nil {
		return err
	}
	return claimDomain(ctx, tx, key)
}

// Settle makes worthless what could undo a person's return to an address of theirs: all, the
// changes of ChangesOf, from the one after that which left it. Anyone who reads that mailbox
// could have undone them; a thief's mailbox must not outlive its link (SEC-42). back says
// whether the person returns.
func Settle(ctx context.Context, tx *db.Tx, all []Change, to string) (back bool, err error) {
	key, err := EmailKey(to)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(c Change) bool {
		from, err := EmailKey(c.From)
		return err == nil && from == key
	})
	if i < 0 {
		return false, nil
	}
	left := all[i]
	for n := i + 1; n < len(all); n++ {
		all[n].UndoUntil = tx.Now
	}
	_, err = tx.Exec(ctx, `UPDATE email_changes SET undo_until = $1
		WHERE tenant_id = $2 AND user_id = $3 AND undo_until > $1
			AND (confirmed_at > $4 OR confirmed_at = $4 AND id > $5)`,
		tx.Now, tx.Tenant, left.UserID, left.ConfirmedAt, left.ID)
	return true, err
}

// undoable holds for a change that may still be undone; $2 is the instant.
const undoable = `confirmed_at > 0 AND undone_at = 0 AND undo_until > $2`

// UndoChange gives a user the address back that a change took away, whatever they changed it
// to afterwards: otherwise a thief would change it twice. ErrNoChange where it was undone
// before, where its time is over, and where someone who may has set the address since.
func UndoChange(ctx context.Context, tx *db.Tx, id string) (Change, error) {
	var userID string
	err := tx.QueryRow(ctx, `SELECT user_id FROM email_changes WHERE tenant_id = $1 AND `+undoable+` AND id = $3`,
		tx.Tenant, tx.Now, id).Scan(&userID)
	if db.IsNoRows(err) {
		return Change{}, ErrNoChange
	}
	if err != nil {
		return Change{}, err
	}
	if err := Lock(ctx, tx, userID); err != nil {
		return Change{}, err
	}
	c, err := scanChange(tx.QueryRow(ctx, `
		UPDATE email_changes SET undone_at = $2
		WHERE tenant_id = $1 AND `+undoable+` AND id = $3 RETURNING `+changeColumns, tx.Tenant, tx.Now, id))
	if err != nil {
		return c, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE email_changes SET undone_at = $2
		WHERE tenant_id = $1 AND `+undoable+` AND user_id = $3 AND confirmed_at >= $4`,
		tx.Tenant, tx.Now, userID, c.ConfirmedAt)
	if err != nil {
		return c, err
	}
	if _, err := CloseChange(ctx, tx, userID, undone); err != nil {
		return c, err
	}
	return c, restore(ctx, tx, c)
}

// restore lists the user under the old address. The newer one is kept for as long as an
// older owner of it may ask for it.
func restore(ctx context.Context, tx *db.Tx, c Change) error {
	key, err := EmailKey(c.From)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE directory SET held_until = $1
		WHERE tenant_id = $2 AND user_id = $3 AND held_until = 0`, c.UndoUntil, tx.Tenant, c.UserID); err != nil {
		return err
	}
	if err := claim(ctx, tx, key, c.UserID); err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE users
		SET email = $1, email_key = $2, security_version = security_version + 1, version = version + 1
			WHERE tenant_id = $3 AND id = $4`, c.From, key, tx.Tenant, c.UserID))
}

// ChangesOf are the changes of a user that may still be undone, the oldest first.
func ChangesOf(ctx context.Context, tx *db.Tx, userID string) ([]Change, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+changeColumns+` FROM email_changes
		WHERE tenant_id = $1 AND `+undoable+` AND user_id = $3 ORDER BY confirmed_at, id`, tx.Tenant, tx.Now, userID)
	return db.Collect(rows, err, scanChange)
}

// Addresses are where a person is told of what concerns their account: their own, and each
// that it took the place of, as long as that may be undone.
func Addresses(ctx context.Context, tx *db.Tx, u User) ([]string, error) {
	all, err := ChangesOf(ctx, tx, u.ID)
	out, seen := []string{u.Email}, map[string]bool{u.Email: true}
	for _, c := range all {
		if !seen[c.From] {
			out, seen[c.From] = append(out, c.From), true
		}
	}
	return out, err
}

// closeChanges ends what a user has begun or could undo, because someone who may decides
// about the address.
func closeChanges(ctx context.Context, tx *db.Tx, userID string) error {
	if _, err := CloseChange(ctx, tx, userID, setByHand); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE email_changes SET undo_until = $1
		WHERE tenant_id = $2 AND user_id = $3 AND undo_until > $1`, tx.Now, tx.Tenant, userID)
	return err
}
