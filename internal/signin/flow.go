package signin

import (
	"context"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// activeFlow is a flow with everything that a step works on.
type activeFlow struct {
	flow.Flow
	facts.Facts
	beganFrom   session.Session     // what is left of the session that a step-up began from
	Challenge   challenge.Challenge // the newest; zero where there was none
	Destination string              // where the newest went
	Delivery    message.Status      // what became of its message
	failures    int                 // of its authenticator, since the last right answer
	usable      bool                // its authenticator is still there and not disabled
	budgets     ratelimit.Budgets   // changed in memory, to be written with the step
	sends       *ratelimit.Budget   // the account's budget of messages, where it was read with the flow
	answers     *ratelimit.Budget   // the account's budget of answers, with the tries of the newest challenge
	device      secret.Reference    // what the browser keeps of an earlier sign-in; not stored
	prefer      string              // the authenticator or kind to ask for first; empty = the strongest
	remembered  session.Remembered
	rememberBy  secret.Reference

	bindable []authenticator.Kind
	stored   bool // there is a row of it
	lean     bool // Delivery was not read
	// it was read before this unit of work began: its last write looks whether all that still holds
	outside bool
	proved  bool          // a proof was added that is not written yet
	events  []audit.Event // what happened that is not written yet
	said    []policy.Reason
}

// store writes the row of a new flow as it stands, with its first challenge, if any.
func (f *activeFlow) store(ctx context.Context, tx *db.Tx, challengeID string) error {
	f.stored, f.proved, f.ChallengeID = true, false, challengeID
	return flow.Store(ctx, tx, f.Flow)
}

// load reads a flow and what stands around it; a reference that is not this browser's is NotFound.
func (s *Service) load(ctx context.Context, tx *db.Tx, ref secret.Reference) (*activeFlow, error) {
	return s.loadByHash(ctx, tx, ref.ID, ref.Hash())
}

// loadByHash reads everything that a step needs with one statement.
func (s *Service) loadByHash(ctx context.Context, tx *db.Tx, id string, hash []byte) (*activeFlow, error) {
	return s.scan(ctx, tx, whole, id, hash)
}

// loadLean is load without what a right answer does not need: what became of the message,
// and the session that a step-up began from.
func (s *Service) loadLean(ctx context.Context, tx *db.Tx, ref secret.Reference) (*activeFlow, error) {
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
		SELECT ` + flow.Columns + `,
			COALESCE(oa.address, ''), COALESCE(a.failures, 0), COALESCE(a.disabled_at, 1),
				` + session + `, ` + sends + `, b.stamps,` + facts.Columns + `,` + challenge.Joined + `,` + delivery + `
		FROM flows f
		JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
		JOIN tenants t ON t.tenant_id = f.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = f.client_id
		LEFT JOIN challenges ch ON ch.tenant_id = f.tenant_id AND ch.id = f.challenge_id
		LEFT JOIN authenticators a ON a.tenant_id = f.tenant_id AND a.id = ch.authenticator_id
		LEFT JOIN outofband_addresses oa ON oa.tenant_id = f.tenant_id AND oa.authenticator_id = ch.authenticator_id
		LEFT JOIN budgets b ON b.tenant_id = f.tenant_id
			AND b.name = '` + answersName + `' AND b.subject = ` + flow.SpenderColumn + joins + `
		WHERE f.tenant_id = $1 AND f.id = $2 AND f.token_hash = $3`
}

const (
	notRead = `NULL`
	around  = `
		LEFT JOIN messages m ON m.tenant_id = f.tenant_id AND m.id = ch.message_id
		LEFT JOIN sessions bs ON bs.tenant_id = f.tenant_id AND bs.id = f.stepping_up`
)

var (
	whole  = reading(`COALESCE(bs.ended_at, 0), COALESCE(bs.expires_at, 0)`, notRead, message.Joined, around)
	lean   = reading(`0, 0`, notRead, message.Unread, ``)
	resend = reading(`COALESCE(bs.ended_at, 0), COALESCE(bs.expires_at,
		0)`, `sa.stamps`, message.Joined, around+`
		LEFT JOIN budgets sa ON sa.tenant_id = f.tenant_id
			AND sa.name = '`+accountSends+`' AND sa.subject = `+flow.SpenderColumn)
)

// scan reads a flow with one of the texts.
func (s *Service) scan(ctx context.Context, tx *db.Tx, text, id string, hash []byte) (*activeFlow, error) {
	f := &activeFlow{stored: true, bindable: s.Gate.Bindable}
	row, around := flow.Into(&f.Flow), facts.Into(&f.Facts)
	var stamps, sends []byte
	var disabled, baseEnded, baseExpires int64
	own := []any{&f.Destination, &f.failures, &disabled, &baseEnded, &baseExpires, &sends, &stamps}
	err := tx.QueryRow(ctx, text, tx.Tenant, id, hash).
		Scan(slices.Concat(row.Targets(), own, around.Targets(), f.Challenge.Targets(), f.Delivery.Targets())...)
	if db.IsNoRows(err) {
		return nil, flow.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	around.Decode(f.ClientID, s.Limits.RememberDays)
	f.usable = disabled == 0
	s.budgeted(f, tx.Tenant, stamps)
	if text == resend && tx.Attempt == 1 {
		f.sends = ratelimit.FromStored(s.accountSends(tx, f.Spender()), sends)
	}
	f.beganFrom.EndedAt, f.beganFrom.ExpiresAt = db.Time(baseEnded), db.Time(baseExpires)
	return f, row.Decode()
}

// budgeted gives a flow the account's budget of answers as it was read. It also holds the
// tries of the newest challenge, so that one guarded write reserves both.
func (s *Service) budgeted(f *activeFlow, tenant string, stamps []byte) {
	f.answers = ratelimit.FromStored(ratelimit.BudgetKey{
		Tenant:  tenant,
		Limit:   s.limitAnswers(),
		Subject: f.Spender(),
		Tag:     f.occasion(),
		PerTag:  s.Limits.WrongAnswers,
	}, stamps)
	f.countTries()
}

// occasion is what tries are counted for. A message has its own; what is not sent could be
// asked for again without end, so all such challenges of one kind in a flow share theirs.
func (f *activeFlow) occasion() string {
	if c := f.Challenge; c.ID != "" && !authenticator.TraitsOf[c.Kind].Sent {
		return f.ID + "/" + string(c.Kind)
	}
	return f.Challenge.ID
}

func (f *activeFlow) countTries() {
	f.Challenge.TriesLeft = min(f.Challenge.TriesLeft, f.answers.Left())
}

// over says why the flow cannot go on; empty when it can.
func (f *activeFlow) over(now time.Time) string {
	switch {
	case !f.ClosedAt.IsZero():
		return f.ClosedBecause
	case !now.Before(f.ExpiresAt):
		return flow.Expired
	case !f.Open() || f.SecurityVersion != f.User.SecurityVersion:
		return flow.Changed
	case f.SteppingUp != "" && !f.beganFrom.ValidForTokens(now):
		return flow.Changed // its password proof ended with that session
	}
	return ""
}

// overStep draws the end of a flow.
func (f *activeFlow) overStep(reason string) Over {
	over := Over{
		AppName:    f.App.Name,
		Reason:     reason,
		ContinueTo: f.ContinueTo,
		HomeURL:    f.App.HomeURL,
		FlowID:     f.ID,
	}
	if reason == flow.SetUpLater {
		over.SetUpFrom = f.ResetAt.Add(policy.ResetWait)
	}
	return over
}

// prove adds a proof, or renews one of the same kind. It is written with the next write.
func (f *activeFlow) prove(p authenticator.Proof) {
	f.Proofs = append(slices.DeleteFunc(f.Proofs, func(q authenticator.Proof) bool { return q.Kind == p.Kind }), p)
	f.proved = true
}

// recordEvent remembers what happened, to be written with the step.
func (f *activeFlow) recordEvent(
	action audit.Action, result audit.Result, reason, method, subject string, v session.Visitor,
) {
	f.events = append(f.events, audit.Event{
		Action:    action,
		Result:    result,
		Reason:    reason,
		ActorID:   f.User.ID,
		UserID:    f.User.ID,
		ClientID:  f.ClientID,
		Method:    method,
		SubjectID: subject,
		Origin:    v.Origin(),
	})
}

// flush writes what is left to be written of a step: proofs of a flow that goes on, and what
// happened. Every transaction of a flow ends here.
func (f *activeFlow) flush(ctx context.Context, tx *db.Tx, step Step, err error) (Step, error) {
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
		_, err := tx.Exec(ctx, `UPDATE flows SET proofs = $1
			WHERE tenant_id = $2 AND id = $3 AND closed_at = 0`, flow.FormatProofs(f.Proofs), tx.Tenant, f.ID)
		if err != nil {
			return nil, err
		}
	}
	return step, audit.Record(ctx, tx, f.events...)
}

// lock takes the flow's row and its user's until the transaction ends, where both must be known
// to be as they were read before something else is written. why says that they are not.
func (f *activeFlow) lock(ctx context.Context, tx *db.Tx) (why string, err error) {
	open, err := flow.Lock(ctx, tx, f.ID)
	if err != nil {
		return "", err
	}
	if !open {
		return flow.Finished, nil
	}
	same, err := user.LockIfUnchanged(ctx, tx, f.User)
	if err == nil && !same {
		why = flow.Changed
	}
	return why, err
}

// close ends the flow; only the first caller gets true. It also spends the newest
// challenge: of an ended flow nothing is answered. A flow that was read outside is closed
// only while everything that the decision rests on is still as it was read; otherwise the
// step runs again.
func (f *activeFlow) close(ctx context.Context, tx *db.Tx, because string) (first bool, err error) {
	if !f.stored {
		f.ClosedAt, f.ClosedBecause = tx.Now, because
		return true, f.store(ctx, tx, "")
	}
	query, args := `UPDATE flows SET closed_at = $1, closed_because = $2, proofs = $3
		WHERE tenant_id = $4 AND id = $5 AND closed_at = 0`,
		[]any{tx.Now, because, flow.FormatProofs(f.Proofs), tx.Tenant, f.ID}
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
func (s *Service) changed(ctx context.Context, tx *db.Tx, f *activeFlow, err error) (Step, error) {
	if err == nil {
		_, err = f.close(ctx, tx, flow.Changed)
	}
	return f.overStep(flow.Changed), err
}

// unchanged holds while what a finishing step decided on is as it was read: the account and
// its company, the app, the vendor's rules, the challenge and where its code went. What stops a
// sign-in is looked at by itself as well: a program of the version before does not count versions.
const unchanged = ` AND challenge_id = $6 AND EXISTS (
	SELECT 1 FROM users u
	JOIN tenants t ON t.tenant_id = u.tenant_id
	JOIN installation i ON i.id = 'installation'
	JOIN challenges ch ON ch.tenant_id = u.tenant_id AND ch.id = $6
	LEFT JOIN outofband_addresses oa ON oa.tenant_id = u.tenant_id AND oa.authenticator_id = ch.authenticator_id
	LEFT JOIN clients c ON c.id = $7
	WHERE u.tenant_id = $4 AND u.id = $8 AND u.version = $9 AND u.security_version = $10
		AND t.version = $11 AND i.version = $12 AND COALESCE(c.version, 0) = $13
		AND ch.closed_at = 0 AND ch.expires_at > $1 AND COALESCE(oa.address, '') = $14
		AND u.password_flagged_at = 0 AND u.disabled_at = 0 AND t.suspended_at = 0 AND COALESCE(c.disabled_at, 0) = 0)`

func (f *activeFlow) unchangedArgs() []any {
	v := f.Versions
	return []any{
		f.Challenge.ID, f.ClientID, f.User.ID, v.User, f.SecurityVersion, v.Tenant, v.Vendor, v.App, f.Destination,
	}
}

// authenticatedAt is the oldest proof: a session is as fresh as its stalest part.
func (f *activeFlow) authenticatedAt() time.Time {
	oldest := f.Proofs[0].At
	for _, p := range f.Proofs {
		if p.At.Before(oldest) {
			oldest = p.At
		}
	}
	return oldest
}

// loadByID reads a flow that something other than its browser names: a link or a report.
func (s *Service) loadByID(ctx context.Context, tx *db.Tx, id string) (*activeFlow, error) {
	var hash []byte
	err := tx.QueryRow(ctx, `SELECT token_hash FROM flows WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(&hash)
	if db.IsNoRows(err) {
		return nil, flow.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.loadByHash(ctx, tx, id, hash)
}
