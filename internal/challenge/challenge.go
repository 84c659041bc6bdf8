// Package challenge owns the lifetime of one request for proof: issued once, answered a
// few times, closed for good. It does not know what proof is.
package challenge

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// Why a challenge was closed.
const (
	Answered = "answered"
	Replaced = "replaced"
	Ended    = "ended"
	Expired  = "expired"
)

// Challenge is one request for proof.
type Challenge struct {
	ID, FlowID, UserID  string
	AuthenticatorID     string
	Kind                authenticator.Kind
	Reference           string // public: also in the message, so that people pick the right one
	State               authenticator.State
	TriesLeft           int
	MessageID           string
	SentKey             string // names the budget of messages to where it was sent; empty where nothing was
	IssuedAt, ExpiresAt time.Time
	ClosedAt            time.Time
	ClosedBecause       string
}

// Open reports whether the challenge may still be answered at now.
func (c Challenge) Open(now time.Time) bool {
	return c.ID != "" && c.ClosedAt.IsZero() && c.TriesLeft > 0 && now.Before(c.ExpiresAt)
}

// New returns a challenge that is not stored yet, so that its id and reference can go
// into the message.
func New(tx *db.Tx, flowID string, a authenticator.Authenticator, tries int, life time.Duration) Challenge {
	return Challenge{
		ID:              tx.NewID(),
		FlowID:          flowID,
		UserID:          a.UserID,
		AuthenticatorID: a.ID,
		Kind:            a.Kind,
		Reference:       secret.NewReference(),
		TriesLeft:       tries,
		IssuedAt:        tx.Now,
		ExpiresAt:       tx.Now.Add(life),
	}
}

// Issue stores a challenge. The flow's earlier one must have been closed: the unique index
// on open challenges makes a second issue at the same moment fail instead of leaving two.
func Issue(ctx context.Context, tx *db.Tx, c Challenge, o authenticator.IssuedChallenge) error {
	return tx.ExecDeferred(ctx, `INSERT INTO challenges (tenant_id, `+columns+`)
		VALUES (`+values+`)`, c.values(tx, o)...)
}

// Replace closes whatever is open in the challenge's flow and stores the challenge, with one
// statement: what is open collides with itself and is closed before the new row is written.
func Replace(ctx context.Context, tx *db.Tx, c Challenge, o authenticator.IssuedChallenge) error {
	return tx.ExecDeferred(ctx, replacing, append(c.values(tx, o), tx.Now, Replaced)...)
}

const values = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', $13`

// closed_at is 0 in an open row; the sum has the type of the column in every engine.
const replacing = `
	INSERT INTO challenges (tenant_id, ` + columns + `)
	SELECT tenant_id, id, flow_id, user_id, authenticator_id, kind, reference, state, tries_left, message_id,
		issued_at, expires_at, closed_at + $14, $15, sent_key
	FROM challenges WHERE tenant_id = $1 AND flow_id = $3 AND closed_at = 0
	UNION ALL SELECT ` + values + ` WHERE true
	ON CONFLICT (tenant_id, id) DO UPDATE SET closed_at = excluded.closed_at, closed_because = excluded.closed_because`

// values are the tenant and, in the order of columns, all but when and why it was closed.
func (c Challenge) values(tx *db.Tx, o authenticator.IssuedChallenge) []any {
	return []any{tx.Tenant, c.ID, c.FlowID, c.UserID, c.AuthenticatorID, string(c.Kind), c.Reference, []byte(o.State),
		c.TriesLeft, o.MessageID, c.IssuedAt, c.ExpiresAt, c.SentKey}
}

// CloseOpen closes whatever is open in a flow.
func CloseOpen(ctx context.Context, tx *db.Tx, flowID, because string) error {
	return tx.ExecDeferred(ctx, `UPDATE challenges SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND flow_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, flowID)
}

// Leave writes how many tries are left, never more than before. The tries themselves are
// taken from the account's budget, ahead of each comparison.
func Leave(ctx context.Context, tx *db.Tx, id string, tries int) error {
	return tx.ExecDeferred(ctx, `UPDATE challenges SET tries_left = $1
		WHERE tenant_id = $2 AND id = $3 AND tries_left > $1`, tries, tx.Tenant, id)
}

// Spend closes a challenge after a right answer. Only the first caller gets true: this is
// the write that makes a code and its link work once.
func Spend(ctx context.Context, tx *db.Tx, id string) (first bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE challenges SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND id = $4 AND closed_at = 0 AND expires_at > $1`,
		tx.Now, Answered, tx.Tenant, id)
	return n > 0, err
}

const columns = `id, flow_id, user_id, authenticator_id, kind, reference, state, tries_left, message_id, issued_at,
	expires_at, closed_at, closed_because, sent_key`

func scan(row db.Row) (c Challenge, err error) {
	err = row.Scan(c.Targets()...)
	return c, err
}

// ByID loads a challenge; found is false where there is none.
func ByID(ctx context.Context, tx *db.Tx, id string) (c Challenge, found bool, err error) {
	c, err = scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM challenges
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id))
	if db.IsNoRows(err) {
		return c, false, nil
	}
	return c, err == nil, err
}

// ReplacedIn lists the challenges of a flow that newer ones replaced, newest first.
func ReplacedIn(ctx context.Context, tx *db.Tx, flowID string) ([]Challenge, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM challenges
		WHERE tenant_id = $1 AND flow_id = $2 AND closed_because = 'replaced' ORDER BY id DESC`, tx.Tenant, flowID)
	return db.Collect(rows, err, scan)
}

// Joined are the columns of a challenge that another query joins as ch, perhaps none.
const Joined = `COALESCE(ch.id, ''), COALESCE(ch.flow_id, ''), COALESCE(ch.user_id, ''),
	COALESCE(ch.authenticator_id, ''), COALESCE(ch.kind, ''), COALESCE(ch.reference, ''),
	ch.state, COALESCE(ch.tries_left, 0), COALESCE(ch.message_id, ''), COALESCE(ch.issued_at, 0),
		COALESCE(ch.expires_at, 0), COALESCE(ch.closed_at, 0), COALESCE(ch.closed_because, ''),
			COALESCE(ch.sent_key, '')`

// Targets are what to scan columns or Joined into.
func (c *Challenge) Targets() []any {
	return []any{
		&c.ID,
		&c.FlowID,
		&c.UserID,
		&c.AuthenticatorID,
		&c.Kind,
		&c.Reference,
		(*[]byte)(&c.State), // NULL where there is none
		&c.TriesLeft,
		&c.MessageID,
		db.ScanTime(&c.IssuedAt),
		db.ScanTime(&c.ExpiresAt),
		db.ScanTime(&c.ClosedAt),
		&c.ClosedBecause,
		&c.SentKey,
	}
}
