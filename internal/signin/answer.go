package signin

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// Respond judges an answer that is given on the page, such as a typed code. A wrong one is a
// step, never an error: it costs a try and leaves a trace.
//
// One unit of work takes the try, judges, and writes what came of it, so that no one is
// told an outcome whose try could be lost. When it fails after the try was taken, the try
// is taken again on its own. A browser that hangs up changes nothing of this.
func (s *Service) Respond(ctx context.Context, ref secret.Reference, r authenticator.Response, remember bool,
	v session.Visitor) (step Step, err error) {
	ctx = context.WithoutCancel(ctx)
	r.LinkToken, r.Compared = "", ""
	a := &answer{response: r, remember: remember, visitor: v}
	defer func() {
		r := recover()
		if r != nil || err != nil && a.reserved {
			err = errors.Join(err, s.chargeTry(ctx, ref))
		}
		if r != nil {
			panic(r)
		}
	}()
	early, err := s.readEarly(ctx, ref)
	if err != nil {
		return nil, err
	}
	if slow, ok := s.verifier(early.Challenge.Kind).(authenticator.Precomparer); ok {
		return s.respondSlowly(ctx, ref, slow, a)
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.rereadOnRetry(ctx, tx, ref, early)
		if err != nil {
			return err
		}
		if step, err = s.reserveTry(ctx, tx, f, a); err == nil && a.reserved {
			step, err = s.judge(ctx, tx, f, a.response, a.remember, a.visitor)
		}
		step, err = f.writePending(ctx, tx, step, err)
		return err
	})
	if err == nil && a.refused != nil {
		return nil, a.refused
	}
	return step, err
}

// respondSlowly takes the try and commits, compares outside any transaction, and judges by
// what the comparison found.
func (s *Service) respondSlowly(ctx context.Context, ref secret.Reference, slow authenticator.Precomparer,
	a *answer) (step Step, err error) {
	var who authenticator.Authenticator
	var of string
	step, err = s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step, error) {
		if err := (ratelimit.Budgets{f.answers}).Lock(ctx, tx); err != nil {
			return nil, err
		}
		f.countTries()
		who, of = f.answering(), f.Challenge.ID
		return s.reserveTry(ctx, tx, f, a)
	})
	committed := a.reserved
	a.reserved = false // it cannot be lost any more
	if err != nil || !committed {
		return step, errors.Join(err, a.refused)
	}
	compared, err := slow.Compare(ctx, s.DB, who, ref.Tenant, a.response)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step, error) {
		if f.Challenge.ID != of { // another method was chosen meanwhile
			return s.currentStep(tx, f, "code.problem.wrong")
		}
		return s.judge(ctx, tx, f, compared, a.remember, a.visitor)
	})
}

// answer is one answer on its way.
type answer struct {
	response authenticator.Response
	remember bool
	visitor  session.Visitor
	reserved bool  // it costs a try
	refused  error // it was not judged, because the account's budget is empty
}

// readEarly reads a flow before a unit of work begins.
func (s *Service) readEarly(ctx context.Context, ref secret.Reference) (f *activeFlow, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err = s.loadForAnswer(ctx, tx, ref)
		return err
	})
	return f, err
}

// rereadOnRetry returns the flow that was read early for the first try of a unit of work. Any
// further try reads it anew and holds the budget, so that it cannot be too late twice.
func (s *Service) rereadOnRetry(ctx context.Context, tx *db.Tx, ref secret.Reference,
	early *activeFlow) (*activeFlow, error) {
	if tx.Attempt == 1 {
		early.readEarly = true
		return early, nil
	}
	f, err := s.load(ctx, tx, ref)
	if err != nil {
		return nil, err
	}
	if err := (ratelimit.Budgets{f.answers}).Lock(ctx, tx); err != nil {
		return nil, err
	}
	f.countTries()
	return f, nil
}

// reserveTry reserves a try, of the challenge and of the account's budget in one guarded write,
// before anything is compared. A step says that there is nothing to answer.
func (s *Service) reserveTry(ctx context.Context, tx *db.Tx, f *activeFlow, a *answer) (Step, error) {
	a.reserved, a.refused = false, nil
	if f.endReason(tx.Now) != "" || !f.Challenge.Open(tx.Now) {
		return s.answerClosed(ctx, tx, f, a.visitor)
	}
	budget := ratelimit.Budgets{f.answers}
	if wait := budget.Spend(tx); wait > 0 {
		a.refused = errAnswers.After(wait)
		return nil, s.refused(ctx, tx, f, "throttled", f.Challenge.ID, a.visitor)
	}
	if err := budget.Write(ctx, tx); err != nil {
		return nil, err
	}
	a.reserved = true
	f.countTries()
	return nil, nil
}

// chargeTry takes a try for an answer whose own unit of work failed.
func (s *Service) chargeTry(ctx context.Context, ref secret.Reference) error {
	return s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		budget := ratelimit.Budgets{f.answers}
		if err := budget.Lock(ctx, tx); err != nil {
			return err
		}
		budget.Spend(tx)
		return budget.Write(ctx, tx)
	})
}

var errAnswers = fault.New(fault.RateLimited, "code.problem.wait")

// answerClosed answers a code that came when there was nothing to compare it with.
func (s *Service) answerClosed(ctx context.Context, tx *db.Tx, f *activeFlow, v session.Visitor) (Step, error) {
	f.readEarly = false // what is over stays over
	if err := s.expire(ctx, tx, f); err != nil {
		return nil, err
	}
	if err := s.refused(ctx, tx, f, "no_open_challenge", f.ID, v); err != nil {
		return nil, err
	}
	if why := f.endReason(tx.Now); why != "" {
		return f.endedStep(why), nil
	}
	return s.spentStep(f, tx.Now), nil
}

// refused notes an answer that was turned away unseen, a limited number of times: it cost
// anyone who sent it nothing.
func (s *Service) refused(ctx context.Context, tx *db.Tx, f *activeFlow, reason, subject string,
	v session.Visitor) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitNoise, f.Spender())
	if err == nil && wait == 0 {
		f.recordEvent(audit.SignInSecondFactor, audit.Refused, reason,
			string(cmp.Or(f.Challenge.Kind, authenticator.Email)), subject, v)
	}
	return err
}

// judge compares, spends and goes on.
func (s *Service) judge(ctx context.Context, tx *db.Tx, f *activeFlow, r authenticator.Response, remember bool,
	v session.Visitor) (Step, error) {
	if why := f.endReason(tx.Now); why != "" {
		return f.endedStep(why), nil
	}
	c := f.Challenge
	verdict, err := s.verifier(c.Kind).Verify(ctx, tx, f.answering(), s.challengeContext(f, c), c.State, r)
	if err != nil {
		return nil, err
	}
	if verdict.Reason == passkey.Cloned {
		err := s.FirstStep.AlertCloned(ctx, tx, f.Facts, verdict.AuthenticatorID, s.notMeLink(tx, f), v)
		if err != nil {
			return nil, err
		}
	}
	if !verdict.OK {
		return s.wrong(ctx, tx, f, verdict, r, v)
	}
	if !f.usable && sentToOne(c.Kind) {
		return s.disabledMeanwhile(ctx, tx, f, remember, v)
	}
	if f.readEarly && !f.finishes(tx.Now, c) {
		return nil, db.ErrConflict // more than the flow's end must be written: on what is read in here
	}
	if !f.readEarly {
		first, err := challenge.Spend(ctx, tx, c.ID)
		if err != nil {
			return nil, err
		}
		if !first && r.LinkToken != "" { // pressed twice at once: the other press went on
			return nil, nil
		}
		if !first {
			return s.wrong(ctx, tx, f, authenticator.Verdict{Reason: "already_used"}, r, v)
		}
	}
	return s.right(ctx, tx, f, verdict, r, remember, v)
}

// sentToOne reports whether codes of a kind go to the one authenticator that the challenge names. Verifiers of the
// other kinds look for themselves which authenticators of the account may be used.
func sentToOne(k authenticator.Kind) bool { return k == authenticator.Email || k == authenticator.SMS }

// disabledMeanwhile goes on without the method whose code was right: it was disabled after the code was sent, and a
// disabled method proves nothing.
func (s *Service) disabledMeanwhile(
	ctx context.Context, tx *db.Tx, f *activeFlow, remember bool, v session.Visitor,
) (Step, error) {
	if f.readEarly {
		return nil, db.ErrConflict // what follows is decided on what is read in here
	}
	if err := s.drop(ctx, tx, f, challenge.Ended); err != nil {
		return nil, err
	}
	f.recordEvent(audit.SignInSecondFactor, audit.Refused, "disabled", string(f.Challenge.Kind), f.Challenge.ID, v)
	return s.next(ctx, tx, f, remember)
}

// finishes reports whether a right answer is all that the flow still needs. Then the end of
// the flow is what spends the challenge, too.
func (f *activeFlow) finishes(now time.Time, c challenge.Challenge) bool {
	if f.SteppingUp != "" || !f.User.PasswordFlaggedAt.IsZero() {
		return false
	}
	proved := *f
	proved.Proofs = append(slices.Clone(f.Proofs), authenticator.Proof{
		Kind:            c.Kind,
		AuthenticatorID: c.AuthenticatorID,
		At:              now,
	})
	d := proved.decide(now)
	return d.Outcome == policy.Allow && !proved.onlyWay() && !f.storesDeadline(d)
}

// answering is the authenticator that the newest challenge is about.
func (f *activeFlow) answering() authenticator.Authenticator {
	return authenticator.Authenticator{
		ID:       f.Challenge.AuthenticatorID,
		UserID:   f.User.ID,
		Kind:     f.Challenge.Kind,
		Failures: f.failures,
	}
}

func (s *Service) right(ctx context.Context, tx *db.Tx, f *activeFlow, verdict authenticator.Verdict,
	r authenticator.Response, remember bool, v session.Visitor) (Step, error) {
	c, how := f.Challenge, "typed"
	proof := authenticator.Proof{
		Kind:            cmp.Or(verdict.Proof, c.Kind),
		AuthenticatorID: cmp.Or(verdict.AuthenticatorID, c.AuthenticatorID),
		At:              tx.Now,
	}
	if r.LinkToken != "" {
		how = "link"
	} else { // only a typed answer had reserved a try
		f.answers.RefundTry()
		if err := (ratelimit.Budgets{f.answers}).WriteLater(ctx, tx); err != nil {
			return nil, err
		}
	}
	if c.Kind == authenticator.SMS {
		if err := outofband.Answered(ctx, tx, s.challengeContext(f, c).Destination, c.IssuedAt); err != nil {
			return nil, err
		}
	}
	if err := s.used(ctx, tx, f, proof.AuthenticatorID); err != nil {
		return nil, err
	}
	f.prove(proof)
	if verdict.Notice != "" {
		f.said = append(f.said, policy.Reason{Key: verdict.Notice, Args: verdict.NoticeArgs})
	}
	how = strings.TrimSpace(how + " " + verdict.Detail)
	f.recordEvent(audit.SignInSecondFactor, audit.OK, how, string(c.Kind), proof.AuthenticatorID, v)
	return s.next(ctx, tx, f, remember)
}

// used ends the authenticator's row of failures. That it was used is noted in memory and
// written with other such notes.
func (s *Service) used(ctx context.Context, tx *db.Tx, f *activeFlow, id string) error {
	if f.failures > 0 || id != f.Challenge.AuthenticatorID {
		return authenticator.Used(ctx, tx, id)
	}
	tenant, now := tx.Tenant, tx.Now
	tx.OnCommit(func() { s.Gate.Seen.NoteAuthenticator(tenant, id, now) })
	return nil
}

func (s *Service) wrong(ctx context.Context, tx *db.Tx, f *activeFlow, verdict authenticator.Verdict,
	r authenticator.Response, v session.Visitor) (Step, error) {
	c, problem, reason := f.Challenge, "code.problem.wrong", verdict.Reason
	if c.Kind == authenticator.Passkey && verdict.Notice != "" {
		problem = verdict.Notice
	}
	older, err := s.wasOlder(ctx, tx, f, r)
	if err != nil {
		return nil, err
	}
	if older {
		problem, reason = "code.problem.older", "older_code"
	}
	if err := authenticator.Failed(ctx, tx, f.answering(), s.Limits.MaxConsecutiveFailures); err != nil {
		return nil, err
	}
	if err := challenge.Leave(ctx, tx, c.ID, c.TriesLeft); err != nil {
		return nil, err
	}
	f.recordEvent(audit.SignInSecondFactor, audit.Failed, reason, string(c.Kind), c.ID, v)
	if err := s.warn(ctx, tx, f, v); err != nil {
		return nil, err
	}
	if f.deliveryUnread {
		if f.Delivery, err = message.Delivery(ctx, tx, c.MessageID); err != nil {
			return nil, err
		}
	}
	if err := f.best(ctx, tx, &f.Delivery); err != nil {
		return nil, err
	}
	return s.currentStep(tx, f, problem)
}

// wasOlder reports whether the answer is right for a code that a newer one replaced.
func (s *Service) wasOlder(ctx context.Context, tx *db.Tx, f *activeFlow, r authenticator.Response) (bool, error) {
	if f.MessageCount < 2 || !authenticator.TraitsOf[f.Challenge.Kind].Sent {
		return false, nil
	}
	replaced, err := challenge.ReplacedIn(ctx, tx, f.ID)
	if err != nil {
		return false, err
	}
	for _, c := range replaced {
		if c.Kind != f.Challenge.Kind {
			continue
		}
		a := authenticator.Authenticator{ID: c.AuthenticatorID, UserID: f.User.ID, Kind: c.Kind}
		verdict, err := s.verifier(c.Kind).Verify(ctx, tx, a, s.challengeContext(f, c), c.State, r)
		if err != nil || verdict.OK {
			return verdict.OK, err
		}
	}
	return false, nil
}
