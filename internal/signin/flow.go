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

	bindable       []authenticator.Kind
	stored         bool // there is a row of it
	deliveryUnread bool // it was read without Delivery
	// it was read before this unit of work began: its last write looks whether all that still holds
	readEarly bool
	proved    bool            // a proof was added that is not written yet
	events    []audit.Event   // what happened that is not written yet
	said      []policy.Reason // what the second step has to tell
}

// store writes the row of a new flow as it stands, with its first challenge, if any.
func (f *activeFlow) store(ctx context.Context, tx *db.Tx, challengeID string) error {
	f.stored, f.proved, f.ChallengeID = true, false, challengeID
	return flow.Store(ctx, tx, f.Flow)
}

// budgeted gives a flow the account's budget of answers as it was read. It also holds the
// tries of the newest challenge, so that one guarded write reserves both.
func (s *Service) budgeted(f *activeFlow, tenant string, stamps []byte) {
	f.answers = ratelimit.FromStored(ratelimit.BudgetKey{
		Tenant:  tenant,
		Limit:   s.limitAnswers(f.Tenant.Lock),
		Subject: f.Spender(),
		PerTag:  s.Limits.WrongAnswers,
	}, stamps)
	f.answers.Tag, f.answers.Since = f.occasion()
	f.countTries()
}

// occasion is what tries are counted for, and when it began. A message has its own; what is not sent
// could be asked for again without end, so all such challenges of one kind in a flow share theirs.
func (f *activeFlow) occasion() (name string, since time.Time) {
	if c := f.Challenge; c.ID != "" && !authenticator.TraitsOf[c.Kind].Sent {
		return f.ID + "/" + string(c.Kind), f.StartedAt
	}
	return f.Challenge.ID, f.Challenge.IssuedAt
}

func (f *activeFlow) countTries() {
	f.Challenge.TriesLeft = min(f.Challenge.TriesLeft, f.answers.Left())
}

// endReason says why the flow cannot go on; empty when it can.
func (f *activeFlow) endReason(now time.Time) string {
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

// endedStep draws the end of a flow.
func (f *activeFlow) endedStep(reason string) Over {
	over := Over{
		AppName:    f.App.Name,
		Reason:     reason,
		ContinueTo: f.ContinueTo,
		HomeURL:    f.App.HomeURL,
		FlowID:     f.ID,
		Tenant:     f.Tenant.ID,
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

// writePending writes what is left to be written of a step: proofs of a flow that goes on, and what
// happened. Every transaction of a flow ends here.
func (f *activeFlow) writePending(ctx context.Context, tx *db.Tx, step Step, err error) (Step, error) {
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
	if f.readEarly {
		query, args = query+unchanged, append(args, f.unchangedArgs()...)
	}
	n, err := tx.Exec(ctx, query, args...)
	if err != nil || n == 0 {
		if err == nil && f.readEarly {
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
	return f.endedStep(flow.Changed), err
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
