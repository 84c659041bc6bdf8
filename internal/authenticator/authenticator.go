// Package authenticator owns the things people sign in with: the table, the kinds, their
// traits, and the contract that the verifier of each kind keeps. It knows nothing of
// flows, pages or sessions.
package authenticator

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
)

// Kind is a type of authenticator, as stored and as written in policy.
type Kind string

// The kinds.
const (
	Password Kind = "password"
	Email    Kind = "email"
	SMS      Kind = "sms"     // restricted by NIST SP 800-63B-4 §3.1.3.3: numbers are stolen
	TOTP     Kind = "totp"    // an authenticator app (RFC 6238)
	Passkey  Kind = "passkey" // a passkey or security key (WebAuthn)
	Push     Kind = "push"    // a browser that receives codes (RFC 8030)
	Backup   Kind = "backup"  // printed codes (NIST SP 800-63B-4 §3.1.2)
)

// UserVerified is what a passkey can have shown beyond a touch: its own PIN or finger, a second
// factor by itself. A proof is then of the kind Passkey followed by it; an authenticator is of
// the kind Passkey.
const UserVerified Kind = "+uv"

// SecondSteps are the kinds that may follow a password, strongest first.
var SecondSteps = []Kind{Passkey, TOTP, Push, SMS, Email, Backup}

// Authenticator is one thing that one user has bound to their account.
type Authenticator struct {
	ID, UserID, Label string
	Kind              Kind
	Failures          int // wrong answers since the last right one
	BoundAt           time.Time
	DisabledAt        time.Time // after too many wrong answers, or with a suspension
	SuspendedAt       time.Time // after a report; see Suspend
}

// Traits are the facts that policy may reason about.
type Traits struct {
	Knowledge         bool     // something the person knows, or a check of the person by the device
	Confirms          bool     // a second step beside a password
	Possession        bool     // proves possession of a device by NIST SP 800-63B-4 §3.1
	PhishingResistant bool     // the proof is useless at any other site (NIST SP 800-63B-4 §3.2.5)
	Restricted        bool     // offered with a warning (NIST SP 800-63B-4 §3.2.9)
	Sent              bool     // we send something, so that sends are counted
	AMR               []string // values for the amr claim (RFC 8176, or private where it has none)
}

// TraitsOf lists the traits of each kind of proof. A passkey is a software key ("swk") even where
// it says that it cannot be copied: "hwk" would need a verified attestation. Email proves an address, not a device: by
// NIST SP 800-63B-4 §3.1.3.1 it is not an out-of-band authenticator, so it confirms a
// password without adding a factor.
var TraitsOf = map[Kind]Traits{
	Password: {Knowledge: true, AMR: []string{"pwd"}},
	Email:    {Confirms: true, Sent: true, AMR: []string{"email"}},
	SMS: {
		Possession: true,
		Restricted: true,
		Sent:       true,
		AMR:        []string{"sms"},
	},
	TOTP:    {Possession: true, AMR: []string{"otp"}},
	Push:    {Possession: true, Sent: true, AMR: []string{"push"}},
	Backup:  {Possession: true, AMR: []string{"backup"}},
	Passkey: {Possession: true, PhishingResistant: true, AMR: []string{"swk"}},
	Passkey + UserVerified: {
		Possession:        true,
		PhishingResistant: true,
		Knowledge:         true,
		AMR:               []string{"swk", "user"},
	},
}

// Base is the kind of authenticator that gives proofs of this kind.
func (k Kind) Base() Kind {
	base, _, _ := strings.Cut(string(k), "+")
	return Kind(base)
}

// KindsOfAMR are the kinds of proof that an amr claim of ours stands for.
func KindsOfAMR(amr []string) []Kind {
	var out []Kind
	for _, k := range []Kind{Password, Email, SMS, TOTP, Push, Backup} {
		if slices.Contains(amr, TraitsOf[k].AMR[0]) {
			out = append(out, k)
		}
	}
	key := Passkey
	if slices.Contains(amr, "user") {
		key += UserVerified
	}
	if slices.Contains(amr, "swk") {
		return append(out, key)
	}
	return out
}

// Proof says that an authenticator was shown to be in the claimant's control.
type Proof struct {
	Kind            Kind
	AuthenticatorID string
	At              time.Time
}

// State is what the server must remember of a challenge: never the secret itself.
type State []byte

// ChallengeContext is what a challenge is bound to; an answer given in any other setting is wrong.
type ChallengeContext struct {
	ChallengeID, FlowID, Purpose string
	Vendor, AppName, Company     string
	Language                     string
	Reference                    string
	Destination                  string // where the challenge goes, for kinds that send
	IP, Place, Browser           string
	IssuedAt, ExpiresAt          time.Time
}

// IssuedChallenge is an issued challenge: what to remember, what went out and where it went.
type IssuedChallenge struct {
	State     State
	MessageID string // empty where nothing was sent
}

// Response is what came back, still untrusted.
type Response struct {
	Code      string // typed by the person
	Saved     bool   // the person said that they saved what was shown; no proof of anything
	LinkToken string // from the secure link
	Assertion []byte // JSON from the browser's credential manager (WebAuthn §5.2)
	Compared  string // what Slow.Compare found; never from a request
}

// Verdict is the outcome of a verification. A wrong answer is a verdict, not an error.
type Verdict struct {
	OK     bool
	Reason string // for the audit log; a word of the verifier's, never what was typed
	Detail string // of a right answer, for the audit log, behind how it was given
	// Set where another authenticator of the account, or more than its kind says, was shown.
	AuthenticatorID string
	Proof           Kind
	Notice          string // catalogue key of something to tell the person; empty = nothing
	NoticeArgs      []any
}

// Verifier is the server side of one kind of authenticator.
type Verifier interface {
	// Begin issues a challenge in the caller's transaction.
	Begin(ctx context.Context, tx *db.Tx, a Authenticator, s ChallengeContext) (IssuedChallenge, error)
	// Verify judges an answer and spends whatever may be used only once, by a guarded write.
	// Where the account has several authenticators of the kind, any of them may have given
	// the answer, and the verdict names it.
	Verify(ctx context.Context, tx *db.Tx, a Authenticator, s ChallengeContext, state State,
		r Response) (Verdict, error)
}

// Precomparer is a Verifier whose comparison is slow on purpose. It is made outside transactions,
// after the try was taken and committed; Verify then judges by what it put into Compared.
type Precomparer interface {
	Compare(ctx context.Context, d *db.DB, a Authenticator, tenant string, r Response) (Response, error)
}

// Subject is the person who binds, and the names that their authenticator will show them.
type Subject struct {
	UserID, Email, Name string
	Vendor, Company     string
	Brand               string // the company's own name for what its people sign in to; empty: the vendor's name
	Language            string
	IP, Place, Browser  string
}

// PendingEnrollment is an authenticator that is being set up. Its state is sealed by the caller that stores it
// and erased when set-up ends.
type PendingEnrollment struct {
	ID    string // the id that the authenticator will have
	Label string
	Begun time.Time
	Ends  time.Time
	State State
}

// Preparer is a Binder with slow work to do before the transaction of Propose, which gets
// its result as the draft's state.
type Preparer interface {
	Prepare(ctx context.Context) (State, error)
}

// Binder is the set-up of one kind of authenticator.
type Binder interface {
	// Propose makes what will be bound, or says in a fault what is wrong with the wish (a
	// number that cannot receive messages). wish is what the person typed; empty for kinds
	// that ask nothing. It may send a message.
	Propose(ctx context.Context, tx *db.Tx, who Subject, d PendingEnrollment, wish string) (State, error)
	// Confirm judges the first proof and, when it is right, stores what Verify will need and
	// spends the proof, so that it cannot be used again at sign-in (SEC-21). The row in
	// authenticators is its caller's.
	Confirm(ctx context.Context, tx *db.Tx, who Subject, d PendingEnrollment, r Response) (Verdict, error)
}

// Bind adds an authenticator to a user.
func Bind(ctx context.Context, tx *db.Tx, userID string, k Kind, label string) (Authenticator, error) {
	return BindAs(ctx, tx, tx.NewID(), userID, k, label)
}

// BindAs is Bind with an id that was given before, while it was being set up.
func BindAs(ctx context.Context, tx *db.Tx, id, userID string, k Kind, label string) (Authenticator, error) {
	return BindIn(ctx, tx, "", id, userID, k, label)
}

// BindIn is BindAs with the sign-in that it was done in, so that it can be taken back with it.
func BindIn(ctx context.Context, tx *db.Tx, flowID, id, userID string, k Kind, label string) (Authenticator, error) {
	a := Authenticator{
		ID:     id,
		UserID: userID,
		Kind:   k,
		Label:  label,
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at,
			disabled_at, bound_in)
		VALUES ($1, $2, $3, $4, $5, 0, $6, 0, 0,
			$7)`, tx.Tenant, a.ID, a.UserID, string(a.Kind), a.Label, tx.Now, flowID)
	if err != nil {
		return a, err
	}
	return a, OwnerChanged(ctx, tx, id)
}

// OwnerChanged adds one to the version of an authenticator's user. Whatever adds, removes,
// disables or enables an authenticator calls it in the same transaction, while the row exists:
// a decision about the user reads which authenticators work.
func OwnerChanged(ctx context.Context, tx *db.Tx, id string) error {
	return tx.ExecDeferred(ctx, `
		UPDATE users SET version = version + 1
		WHERE tenant_id = $1 AND id = (SELECT a.user_id FROM authenticators a WHERE a.tenant_id = $1 AND a.id = $2)`,
		tx.Tenant, id)
}

// Unbind takes an authenticator away from a user, with what its kind keeps in rows that
// hang on it. It is the one way to do so: its kind may not be configured any more. Two of
// these rows do not go with it by themselves.
func Unbind(ctx context.Context, tx *db.Tx, userID, id string) error {
	if err := OwnerChanged(ctx, tx, id); err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM passkey_directory WHERE tenant_id = $1 AND authenticator_id = $2 AND user_id = $3`,
		`DELETE FROM outofband_addresses WHERE tenant_id = $1 AND authenticator_id = (SELECT a.id
			FROM authenticators a WHERE a.tenant_id = $1 AND a.id = $2 AND a.user_id = $3)`,
		`DELETE FROM authenticators WHERE tenant_id = $1 AND id = $2 AND user_id = $3`,
	} {
		if _, err := tx.Exec(ctx, text, tx.Tenant, id, userID); err != nil {
			return err
		}
	}
	return nil
}

const columns = `id, user_id, kind, label, failures, bound_at, disabled_at, suspended_at`

// BoundIn lists what was set up in one sign-in.
func BoundIn(ctx context.Context, tx *db.Tx, flowID string) ([]Authenticator, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM authenticators
		WHERE tenant_id = $1 AND bound_in = $2 AND kind NOT IN ('password', 'email')`, tx.Tenant, flowID)
	return db.Collect(rows, err, scan)
}

// BoundSince lists what a user has set up from an instant on. What an account is made with is
// not among it.
func BoundSince(ctx context.Context, tx *db.Tx, userID string, at time.Time) ([]Authenticator, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM authenticators
		WHERE tenant_id = $1 AND user_id = $2 AND bound_at >= $3 AND kind NOT IN ('password',
			'email')`, tx.Tenant, userID, at)
	return db.Collect(rows, err, scan)
}

// Of lists the authenticators of a user, oldest first.
func Of(ctx context.Context, tx *db.Tx, userID string) ([]Authenticator, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM authenticators
		WHERE tenant_id = $1 AND user_id = $2 ORDER BY bound_at, id`, tx.Tenant, userID)
	return db.Collect(rows, err, scan)
}

func scan(row db.Row) (a Authenticator, err error) {
	err = row.Scan(
		&a.ID,
		&a.UserID,
		&a.Kind,
		&a.Label,
		&a.Failures,
		db.ScanTime(&a.BoundAt),
		db.ScanTime(&a.DisabledAt),
		db.ScanTime(&a.SuspendedAt),
	)
	return a, err
}

// Failed counts a wrong answer; at max in a row the authenticator is disabled until it is
// set up again (NIST SP 800-63B-4 §3.2.2). Where a, as it was read, is far from that, one
// statement is enough: it writes only while the count stays below max, and the unit of work
// runs again where others have failed meanwhile.
func Failed(ctx context.Context, tx *db.Tx, a Authenticator, max int) error {
	if tx.Attempt == 1 && a.Failures+1 < max {
		return tx.ExecExpect(ctx, 1, `
			UPDATE authenticators SET failures = failures + 1
			WHERE tenant_id = $1 AND id = $2 AND failures + 1 < $3`, tx.Tenant, a.ID, max)
	}
	n, err := tx.Exec(ctx, `
		UPDATE authenticators SET failures = failures + 1, disabled_at = $1
		WHERE tenant_id = $2 AND id = $3 AND failures + 1 >= $4 AND disabled_at = 0`, tx.Now, tx.Tenant, a.ID, max)
	if err != nil {
		return err
	}
	if n > 0 {
		return OwnerChanged(ctx, tx, a.ID)
	}
	return tx.ExecDeferred(ctx, `
		UPDATE authenticators SET failures = failures + 1 WHERE tenant_id = $1 AND id = $2`, tx.Tenant, a.ID)
}

// Used notes a right answer: it ends this authenticator's row of failures and no other's.
func Used(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE authenticators SET failures = 0, last_used_at = $1
		WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, id)
	return err
}

// Seen moves the instant of the last use forward, and nothing else.
func Seen(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE authenticators SET last_used_at = $1
		WHERE tenant_id = $2 AND id = $3 AND last_used_at < $1`, at, tx.Tenant, id)
	return err
}

// Enable makes a disabled authenticator usable again after it was set up anew.
// It does not lift a suspension.
func Enable(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `
		UPDATE authenticators SET failures = 0, disabled_at = 0
		WHERE tenant_id = $1 AND id = $2 AND suspended_at = 0`, tx.Tenant, id)
	if err != nil {
		return err
	}
	return OwnerChanged(ctx, tx, id)
}
