// Package flow owns the row of a sign-in under way: what its browser proved so far, when it
// began, and when and why it ended. Whatever takes something away from an account ends its flows
// here. The package does not know what a sign-in still needs, and asks no one for a proof.
package flow

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/session"
)

// Why a flow is over.
const (
	Finished   = "done"
	Expired    = "expired"
	Cancelled  = "cancelled"
	NotMe      = "not_me"
	Changed    = "changed"
	Restart    = "restart"
	Unmet      = "unmet"
	SetUpLater = "set_up_later" // the password was reset by mail, so the mailbox opens no set-up yet
	Outside    = "outside"      // the company allows no sign-in from this network
	NeedsAdmin = "needs_admin"  // nothing that is set up works; an administrator can reset it
)

// ErrNotFound is returned where there is no such flow.
var ErrNotFound = fault.New(fault.NotFound, "signin.flow_over")

// Flow is a half-signed-in claimant: its cookie opens nothing but the steps of this flow.
type Flow struct {
	ID, UserID      string
	TokenHash       []byte // of the browser's secret; empty in a flow that was read
	ClientID        string
	ContinueTo      string
	WantACR         []string
	SecurityVersion int64  // of the user when the password was right; a change since ends the flow
	SteppingUp      string // the session that this flow began from
	Proofs          []authenticator.Proof
	ChallengeID     string // the newest; empty = none
	MessageCount    int
	Visitor         session.Visitor
	KnownBy         string   // whose budgets it spends from; empty = those of the account's strangers
	Unusual         []string // what is unusual about it, for its company to ask (policy.Unusual)
	StartedAt       time.Time
	ExpiresAt       time.Time
	ClosedAt        time.Time
	ClosedBecause   string
}

// Spender is the subject of the account's budgets that the flow spends from.
func (f Flow) Spender() string { return Spender(f.UserID, f.KnownBy) }

// Spender is the subject of an account's budgets for what a browser spends that is known by
// knownBy; empty: for what the account's strangers spend together.
func Spender(userID, knownBy string) string {
	if knownBy == "" {
		return userID
	}
	return userID + "/" + knownBy
}

// SpenderColumn is Spender for a statement that calls the table f.
const SpenderColumn = `CASE WHEN f.known_by = '' THEN f.user_id ELSE f.user_id || '/' || f.known_by END`

// Store writes the row of a new flow as it stands.
func Store(ctx context.Context, tx *db.Tx, f Flow) error {
	return tx.ExecDeferred(ctx, `
		INSERT INTO flows (tenant_id, id, token_hash, user_id, client_id, continue_to, want_acr, security_version,
			stepping_up, proofs, challenge_id, sends, ip, place, browser, started_at, expires_at, closed_at,
			closed_because, known_by, unusual, disowned_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0)`,
		tx.Tenant, f.ID, f.TokenHash, f.UserID, f.ClientID, f.ContinueTo, strings.Join(f.WantACR, " "),
		f.SecurityVersion,
		f.SteppingUp, FormatProofs(f.Proofs), f.ChallengeID, f.MessageCount, f.Visitor.IP, f.Visitor.Place,
		f.Visitor.Browser,
		f.StartedAt, f.ExpiresAt, f.ClosedAt, f.ClosedBecause, f.KnownBy, strings.Join(f.Unusual, " "))
}

// Columns are the columns of a flow, for a statement that calls the table f.
const Columns = `
	f.id, f.user_id, f.client_id, f.continue_to, f.want_acr, f.security_version, f.stepping_up, f.proofs,
	f.challenge_id, f.sends, f.ip, f.place, f.browser, f.known_by, f.unusual, f.started_at, f.expires_at, f.closed_at,
	f.closed_because`

// Reader scans Columns. Its zero value is not usable: call Into.
type Reader struct {
	into                     *Flow
	want, proofs, unusual    string
	started, expires, closed int64
}

// Into returns a Reader that fills f.
func Into(f *Flow) *Reader { return &Reader{into: f} }

// Targets are where to scan Columns into.
func (r *Reader) Targets() []any {
	f := r.into
	return []any{
		&f.ID, &f.UserID, &f.ClientID, &f.ContinueTo, &r.want, &f.SecurityVersion, &f.SteppingUp,
		&r.proofs, &f.ChallengeID,
		&f.MessageCount, &f.Visitor.IP, &f.Visitor.Place, &f.Visitor.Browser, &f.KnownBy,
		&r.unusual, &r.started, &r.expires, &r.closed, &f.ClosedBecause,
	}
}

// Decode turns what was scanned into the Flow.
func (r *Reader) Decode() (err error) {
	f := r.into
	f.WantACR, f.Unusual = strings.Fields(r.want), strings.Fields(r.unusual)
	f.StartedAt, f.ExpiresAt, f.ClosedAt = db.Time(r.started), db.Time(r.expires), db.Time(r.closed)
	f.Proofs, err = ParseProofs(r.proofs)
	return err
}

// ByID reads a flow that something other than its browser names, such as a report.
func ByID(ctx context.Context, tx *db.Tx, id string) (f Flow, err error) {
	r := Into(&f)
	err = tx.QueryRow(ctx, `SELECT `+Columns+` FROM flows f WHERE f.tenant_id = $1 AND f.id = $2`, tx.Tenant, id).
		Scan(r.Targets()...)
	if db.IsNoRows(err) {
		return f, ErrNotFound
	}
	if err != nil {
		return f, fmt.Errorf("read flow: %w", err)
	}
	return f, r.Decode()
}

// FormatProofs is the stored form of proofs: kind:authenticator:instant, apart by spaces.
func FormatProofs(proofs []authenticator.Proof) string {
	var words []string
	for _, p := range proofs {
		words = append(words, fmt.Sprintf("%s:%s:%d", p.Kind, p.AuthenticatorID, db.Micros(p.At)))
	}
	return strings.Join(words, " ")
}

// ParseProofs reads what FormatProofs wrote.
func ParseProofs(text string) ([]authenticator.Proof, error) {
	var out []authenticator.Proof
	for word := range strings.FieldsSeq(text) {
		parts := strings.Split(word, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("stored proof %q", word)
		}
		at, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("stored proof %q: %w", word, err)
		}
		p := authenticator.Proof{Kind: authenticator.Kind(parts[0]), AuthenticatorID: parts[1], At: db.Time(at)}
		out = append(out, p)
	}
	return out, nil
}
