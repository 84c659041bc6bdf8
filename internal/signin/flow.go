package signin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

var errFlowGone = fault.New(fault.NotFound, "signin.flow_over")

// flow is a half-signed-in claimant: its cookie opens nothing but the steps of this flow.
type flow struct {
	ID, ContinueTo  string
	ClientID        string
	WantACR         []string
	SecurityVersion int64           // of the user when the password was right; a change since ends the flow
	SteppingUp      string          // the session that this flow began from
	beganFrom       session.Session // what is left of that session
	MessageCount    int
	Visitor         session.Visitor
	StartedAt       time.Time
	ExpiresAt       time.Time
	ClosedAt        time.Time
	ClosedBecause   string
	facts.Facts
	Proofs      []authenticator.Proof
	Challenge   challenge.Challenge // the newest; zero where there was none
	Destination string              // where the newest went
	Delivery    message.Status      // what became of its message
	failures    int                 // of its authenticator, since the last right answer
	usable      bool                // its authenticator is still there and not disabled
	budgets     ratelimit.Budgets   // changed in memory, to be written with the step
	sendBudgets *sendStamps         // the budgets of messages, where they were read with the flow
	answers     *ratelimit.Budget   // the account's budget of answers, with the tries of the newest challenge
	knownBy     string              // whose budgets it spends from; empty = those of the account's strangers
	device      secret.Reference    // what the browser keeps of an earlier sign-in; not stored
	prefer      string              // the authenticator or kind to ask for first; empty = the strongest
	remembered  session.Remembered
	rememberBy  secret.Reference

	bindable  []authenticator.Kind
	tokenHash []byte
	stored    bool          // there is a row of it
	lean      bool          // Delivery was not read
	outside   bool          // it was read before this unit of work began: its last write looks whether all that still holds
	proved    bool          // a proof was added that is not written yet
	events    []audit.Event // what happened that is not written yet
	said      []policy.Reason
}

// begin makes a new flow with its first proofs and returns what the browser keeps. Its row
// is written with the first thing that needs it.
func (s *Service) begin(tx *db.Tx, f *flow, proofs ...authenticator.Proof) secret.Reference {
	token, hash := secret.NewToken()
	f.ID, f.tokenHash, f.StartedAt, f.ExpiresAt, f.Proofs = tx.NewID(), hash, tx.Now, tx.Now.Add(s.Limits.FlowLife), proofs
	return secret.Reference{Tenant: tx.Tenant, ID: f.ID, Token: token}
}

// store writes the row of a new flow as it stands, with its first challenge, if any.
func (f *flow) store(ctx context.Context, tx *db.Tx, challengeID string) error {
	f.stored, f.proved = true, false
	return tx.ExecDeferred(ctx, `
		INSERT INTO flows (tenant_id, id, token_hash, user_id, client_id, continue_to, want_acr, security_version, stepping_up, proofs, challenge_id, sends, ip, place, browser, started_at, expires_at, closed_at, closed_because, known_by, disowned_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0)`,
		tx.Tenant, f.ID, f.tokenHash, f.User.ID, f.ClientID, f.ContinueTo, strings.Join(f.WantACR, " "), f.SecurityVersion, f.SteppingUp, writeProofs(f.Proofs),
		challengeID, f.MessageCount, f.Visitor.IP, f.Visitor.Place, f.Visitor.Browser, f.StartedAt, f.ExpiresAt, f.ClosedAt, f.ClosedBecause, f.knownBy)
}

// load reads a flow and its world; a reference that is not this browser's is NotFound.
func (s *Service) load(ctx context.Context, tx *db.Tx, ref secret.Reference) (*flow, error) {
	return s.loadByHash(ctx, tx, ref.ID, ref.Hash())
}

// loadByHash reads everything that a step needs with one statement.
func (s *Service) loadByHash(ctx context.Context, tx *db.Tx, id string, hash []byte) (*flow, error) {
	return s.scan(ctx, tx, whole, id, hash)
}

// loadLean is load without what a right answer does not need: what became of the message,
// and the session that a step-up began from.
func (s *Service) loadLean(ctx context.Context, tx *db.Tx, ref secret.Reference) (*flow, error) {
	f, err := s.scan(ctx, tx, lean, ref.ID, ref.Hash())
	if err == nil && f.SteppingUp != "" {
		return s.load(ctx, tx, ref)
	}
	if err == nil {
		f.lean = true
	}
	return f, err
}

// reading is a text that reads a flow: each joined table costs, whether it finds a row or not.
func reading(session, sends, delivery, joins string) string {
	return `
		SELECT f.client_id, f.continue_to, f.want_acr, f.security_version, f.stepping_up, f.proofs, f.sends, f.ip, f.place, f.browser,
			f.started_at, f.expires_at, f.closed_at, f.closed_because, f.known_by, COALESCE(oa.address, ''), COALESCE(a.failures, 0), COALESCE(a.disabled_at, 1), ` + session + `, ` + sends + `, b.stamps,` + facts.Columns + `,` + challenge.Joined + `,` + delivery + `
		FROM flows f
		JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
		JOIN tenants t ON t.tenant_id = f.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = f.client_id
		LEFT JOIN challenges ch ON ch.tenant_id = f.tenant_id AND ch.id = f.challenge_id
		LEFT JOIN authenticators a ON a.tenant_id = f.tenant_id AND a.id = ch.authenticator_id
		LEFT JOIN outofband_addresses oa ON oa.tenant_id = f.tenant_id AND oa.authenticator_id = ch.authenticator_id
		LEFT JOIN budgets b ON b.tenant_id = f.tenant_id AND b.name = '` + answersName + `' AND b.subject = ` + spenderOfFlow + joins + `
		WHERE f.tenant_id = $1 AND f.id = $2 AND f.token_hash = $3`
}

const (
	notRead = `NULL, NULL`
	around  = `
		LEFT JOIN messages m ON m.tenant_id = f.tenant_id AND m.id = ch.message_id
		LEFT JOIN sessions bs ON bs.tenant_id = f.tenant_id AND bs.id = f.stepping_up`
)

var (
	whole  = reading(`COALESCE(bs.ended_at, 0), COALESCE(bs.expires_at, 0)`, notRead, message.Joined, around)
	lean   = reading(`0, 0`, notRead, message.Unread, ``)
	resend = reading(`COALESCE(bs.ended_at, 0), COALESCE(bs.expires_at, 0)`, `sa.stamps, sd.stamps`, message.Joined, around+`
		LEFT JOIN budgets sa ON sa.tenant_id = f.tenant_id AND sa.name = '`+accountSends+`' AND sa.subject = `+spenderOfFlow+`
		LEFT JOIN budgets sd ON sd.tenant_id = 'installation' AND sd.subject = ch.sent_key
			AND sd.name = CASE WHEN f.known_by = '' THEN '`+destinationSends+`' ELSE '`+knownSends+`' END`)
)

// scan reads a flow with one of the texts.
func (s *Service) scan(ctx context.Context, tx *db.Tx, text, id string, hash []byte) (*flow, error) {
	f := &flow{ID: id, stored: true, bindable: s.Bindable}
	r := facts.Into(&f.Facts)
	var want, proofs string
	var stamps, toAccount, toDestination []byte
	var started, expires, closed, disabled, baseEnded, baseExpires int64
	into := []any{
		&f.ClientID, &f.ContinueTo, &want, &f.SecurityVersion, &f.SteppingUp, &proofs, &f.MessageCount, &f.Visitor.IP, &f.Visitor.Place, &f.Visitor.Browser,
		&started, &expires, &closed, &f.ClosedBecause, &f.knownBy, &f.Destination, &f.failures, &disabled, &baseEnded, &baseExpires, &toAccount, &toDestination, &stamps,
	}
	err := tx.QueryRow(ctx, text, tx.Tenant, id, hash).
		Scan(slices.Concat(into, r.Targets(), f.Challenge.Targets(), f.Delivery.Targets())...)
	if db.IsNoRows(err) {
		return nil, errFlowGone
	}
	if err != nil {
		return nil, err
	}
	f.WantACR, f.StartedAt, f.ExpiresAt, f.ClosedAt = strings.Fields(want), db.Time(started), db.Time(expires), db.Time(closed)
	r.Decode(f.ClientID, s.Limits.RememberDays)
	f.usable = disabled == 0
	s.budgeted(f, tx.Tenant, stamps)
	if text == resend && f.Challenge.SentKey != "" {
		f.sendBudgets = &sendStamps{toAccount, toDestination}
	}
	f.beganFrom.EndedAt, f.beganFrom.ExpiresAt = db.Time(baseEnded), db.Time(baseExpires)
	f.Proofs, err = readProofs(proofs)
	return f, err
}

// budgeted gives a flow the account's budget of answers as it was read. It also holds the
// tries of the newest challenge, so that one guarded write reserves both.
func (s *Service) budgeted(f *flow, tenant string, stamps []byte) {
	f.answers = ratelimit.FromStored(ratelimit.BudgetKey{Tenant: tenant, Limit: s.limitAnswers(), Subject: f.spender(), Tag: f.occasion(), PerTag: s.Limits.WrongAnswers}, stamps)
	f.countTries()
}

// occasion is what tries are counted for. A message has its own; what is not sent could be
// asked for again without end, so all such challenges of one kind in a flow share theirs.
func (f *flow) occasion() string {
	if c := f.Challenge; c.ID != "" && !authenticator.TraitsOf[c.Kind].Sent {
		return f.ID + "/" + string(c.Kind)
	}
	return f.Challenge.ID
}

func (f *flow) countTries() {
	f.Challenge.TriesLeft = min(f.Challenge.TriesLeft, f.answers.Left())
}

// writeProofs is the stored form of proofs: kind:authenticator:instant, apart by spaces.
func writeProofs(proofs []authenticator.Proof) string {
	var words []string
	for _, p := range proofs {
		words = append(words, fmt.Sprintf("%s:%s:%d", p.Kind, p.AuthenticatorID, db.Micros(p.At)))
	}
	return strings.Join(words, " ")
}

func readProofs(text string) ([]authenticator.Proof, error) {
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
		out = append(out, authenticator.Proof{Kind: authenticator.Kind(parts[0]), AuthenticatorID: parts[1], At: db.Time(at)})
	}
	return out, nil
}

// over says why the flow cannot go on; empty when it can.
func (f *flow) over(now time.Time) string {
	switch {
	case !f.ClosedAt.IsZero():
		return f.ClosedBecause
	case !now.Before(f.ExpiresAt):
		return Expired
	case !f.Open() || f.SecurityVersion != f.User.SecurityVersion:
		return Changed
	case f.SteppingUp != "" && !f.beganFrom.ValidForTokens(now):
		return Changed // its password proof ended with that session
	}
	return ""
}

// overStep draws the end of a flow.
func (f *flow) overStep(reason string) Over {
	over := Over{AppName: f.App.Name, Reason: reason, ContinueTo: f.ContinueTo, HomeURL: f.App.HomeURL, FlowID: f.ID}
	if reason == SetUpLater {
		over.SetUpFrom = f.ResetAt.Add(policy.ResetWait)
	}
	return over
}

// prove adds a proof, or renews one of the same kind. It is written with the next write.
func (f *flow) prove(p authenticator.Proof) {
	f.Proofs = append(slices.DeleteFunc(f.Proofs, func(q authenticator.Proof) bool { return q.Kind == p.Kind }), p)
	f.proved = true
}

// recordEvent remembers what happened, to be written with the step.
func (f *flow) recordEvent(
	action audit.Action, result audit.Result, reason, method, subject string, v session.Visitor,
) {
	f.events = append(f.events, event(action, result, reason, f.User.ID, f.ClientID, method, subject, v))
}

// flush writes what is left to be written of a step: proofs of a flow that goes on, and what
// happened. Every transaction of a flow ends here.
func (f *flow) flush(ctx context.Context, tx *db.Tx, step Step, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	if err := f.budgets.Write(ctx, tx); err != nil {
		return nil, err
	}
	if !f.stored {
		if err := f.store(ctx, tx, ""); err != nil {
			return nil, err
		}
	}
	if f.proved {
		_, err := tx.Exec(ctx, `UPDATE flows SET proofs = $1 WHERE tenant_id = $2 AND id = $3 AND closed_at = 0`, writeProofs(f.Proofs), tx.Tenant, f.ID)
		if err != nil {
			return nil, err
		}
	}
	return step, audit.Record(ctx, tx, f.events...)
}

// lock takes the flow's row and its user's until the transaction ends, where both must be known
// to be as they were read before something else is written. why says that they are not.
func (f *flow) lock(ctx context.Context, tx *db.Tx) (why string, err error) {
	n, err := tx.Exec(ctx, `UPDATE flows SET sends = sends WHERE tenant_id = $1 AND id = $2 AND closed_at = 0`, tx.Tenant, f.ID)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return Finished, nil
	}
	same, err := user.LockIfUnchanged(ctx, tx, f.User)
	if err == nil && !same {
		why = Changed
	}
	return why, err
}

// close ends the flow; only the first caller gets true. It also spends the newest
// challenge: of an ended flow nothing is answered. A flow that was read outside is closed
// only while everything that the decision rests on is still as it was read; otherwise the
// step runs again.
func (f *flow) close(ctx context.Context, tx *db.Tx, because string) (first bool, err error) {
	if !f.stored {
		f.ClosedAt, f.ClosedBecause = tx.Now, because
		return true, f.store(ctx, tx, "")
	}
	query, args := `UPDATE flows SET closed_at = $1, closed_because = $2, proofs = $3 WHERE tenant_id = $4 AND id = $5 AND closed_at = 0`,
		[]any{tx.Now, because, writeProofs(f.Proofs), tx.Tenant, f.ID}
	if f.outside {
		query, args = query+unchanged, append(args, f.unchangedArgs()...)
	}
	n, err := tx.Exec(ctx, query, args...)
	if err != nil || n == 0 {
		if err == nil && f.outside {
			err = db.ErrConflict
		}
		return false, err
	}
	f.ClosedAt, f.ClosedBecause, f.proved = tx.Now, because, false
	return true, nil
}

// changed ends a flow that rests on what is no more.
func (s *Service) changed(ctx context.Context, tx *db.Tx, f *flow, err error) (Step, error) {
	if err == nil {
		_, err = f.close(ctx, tx, Changed)
	}
	return f.overStep(Changed), err
}

// unchanged holds while what a finishing step decided on is as it was read: the account and
// its company, the app, the vendor's rules, the challenge and where its code went.
const unchanged = ` AND challenge_id = $6 AND EXISTS (
	SELECT 1 FROM users u
	JOIN tenants t ON t.tenant_id = u.tenant_id
	JOIN installation i ON i.id = 'installation'
	JOIN challenges ch ON ch.tenant_id = u.tenant_id AND ch.id = $6
	LEFT JOIN outofband_addresses oa ON oa.tenant_id = u.tenant_id AND oa.authenticator_id = ch.authenticator_id
	LEFT JOIN clients c ON c.id = $7
	WHERE u.tenant_id = $4 AND u.id = $8 AND u.security_version = $9 AND u.password_flagged_at = 0 AND u.disabled_at = 0
		AND t.kind = $10 AND t.mandate = $11 AND t.mandate_from = $12 AND t.switched_on_at = $13 AND t.switched_off_at = $14 AND t.remember_days = $15 AND t.suspended_at = 0
		AND i.mandate = $16 AND i.mandate_from = $17 AND i.remember_days = $18
		AND COALESCE(c.exempt_until, 0) = $19 AND COALESCE(c.disabled_at, 0) = 0
		AND ch.closed_at = 0 AND ch.expires_at > $1 AND COALESCE(oa.address, '') = $20
		AND t.methods = $21 AND t.choice = $22 AND t.set_up_by = $23 AND i.methods = $24 AND u.second_step_at = $25 AND ` + facts.KindsOfUser + ` = $26)`

func (f *flow) unchangedArgs() []any {
	t, i := f.Tenant, f.Vendor
	return []any{
		f.Challenge.ID, f.ClientID, f.User.ID, f.SecurityVersion,
		string(t.Kind), string(t.Mandate.Mode), t.Mandate.From, t.SwitchedOnAt, t.SwitchedOffAt, t.RememberDays,
		string(i.Mandate.Mode), i.Mandate.From, f.VendorDays, f.App.ExemptUntil, f.Destination,
		string(t.Methods), string(t.Choice), t.SetUpBy, string(i.Methods), f.User.SecondStepAt, f.Kinds,
	}
}

// authenticatedAt is the oldest proof: a session is as fresh as its stalest part.
func (f *flow) authenticatedAt() time.Time {
	oldest := f.Proofs[0].At
	for _, p := range f.Proofs {
		if p.At.Before(oldest) {
			oldest = p.At
		}
	}
	return oldest
}

// loadByID reads a flow that something other than its browser names: a link or a report.
func (s *Service) loadByID(ctx context.Context, tx *db.Tx, id string) (*flow, error) {
	var hash []byte
	err := tx.QueryRow(ctx, `SELECT token_hash FROM flows WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(&hash)
	if db.IsNoRows(err) {
		return nil, errFlowGone
	}
	if err != nil {
		return nil, err
	}
	return s.loadByHash(ctx, tx, id, hash)
}
