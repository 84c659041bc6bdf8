package signin

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// Current draws where a flow stands, and changes nothing.
func (s *Service) Current(ctx context.Context, ref secret.Reference) (Step, error) {
	var step Step
	err := s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		step, err = s.standing(ctx, tx, f, "")
		return err
	})
	return step, err
}

// standing draws a flow that waits, without deciding anything new.
func (s *Service) standing(ctx context.Context, tx *db.Tx, f *flow, problem string) (Step, error) {
	if why := f.over(tx.Now); why != "" {
		return f.overStep(why), nil
	}
	d := f.decide(tx.Now, []authenticator.Kind{f.Challenge.Kind})
	if d.Outcome == policy.Allow && !f.User.PasswordFlaggedAt.IsZero() {
		return ReplacePassword{Email: f.User.Email, MinLength: minLength, ContinueTo: f.ContinueTo}, nil
	}
	if !f.Challenge.Open(tx.Now) {
		return s.spentStep(f, tx.Now), nil
	}
	status, err := message.Delivery(ctx, tx, f.Challenge.MessageID)
	return s.answerStep(tx, f, d, problem, status), err
}

func (s *Service) spentStep(f *flow, now time.Time) CodeSpent {
	c := f.Challenge
	return CodeSpent{
		AppName: f.App.Name, SentTo: outofband.Mask(f.User.Email), NewCodesLeft: s.newCodesLeft(f), ContinueTo: f.ContinueTo,
		Unsent: c.ID == "", Expired: c.ID != "" && (c.ClosedBecause == challenge.Expired || !now.Before(c.ExpiresAt)),
	}
}

func (s *Service) newCodesLeft(f *flow) int { return max(s.Limits.NewCodes+1-f.Sends, 0) }

func (s *Service) answerStep(tx *db.Tx, f *flow, d policy.Decision, problem string, delivery message.Status) AnswerCode {
	c := f.Challenge
	return AnswerCode{
		AppName: f.App.Name, SentTo: outofband.Mask(f.User.Email), Reference: c.Reference, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
		NewCodeAt: c.IssuedAt.Add(s.Limits.NewCodeEvery), Now: tx.Now, Length: s.Limits.CodeLength, TriesLeft: c.TriesLeft,
		NewCodesLeft: s.newCodesLeft(f), RememberDays: d.RememberDays, Problem: problem, Delivery: delivery, Because: d.Because, ContinueTo: f.ContinueTo,
	}
}

// Answer judges a typed code. A wrong one is a step, never an error: it costs a try and
// leaves a trace.
func (s *Service) Answer(ctx context.Context, ref secret.Reference, code string, remember bool, v session.Visitor) (Step, error) {
	taken, step, err := s.reserveAnswer(ctx, ref, v)
	if err != nil || step != nil {
		return step, err
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		step, err = s.judge(ctx, tx, f, taken, authenticator.Response{Code: code}, remember, v)
		step, err = f.keep(ctx, tx, step, err)
		return err
	})
	return step, err
}

// reserveAnswer takes a try from the challenge and from the account's budget, and commits
// before anything is compared. It returns a step instead when there is nothing to answer.
func (s *Service) reserveAnswer(ctx context.Context, ref secret.Reference, v session.Visitor) (taken string, step Step, err error) {
	var refused error
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		taken, step, refused = "", nil, nil
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		ok := f.over(tx.Now) == "" && f.Challenge.Open(tx.Now)
		if ok {
			ok, err = challenge.Take(ctx, tx, f.Challenge.ID) // another request may take the last try
		}
		if err != nil || !ok {
			step, err = s.unjudged(ctx, tx, f, v, err)
			return err
		}
		taken = f.Challenge.ID
		refused, err = s.spendAnswer(ctx, tx, f, v)
		_, err = f.keep(ctx, tx, nil, err)
		return err
	})
	if err == nil {
		err = refused
	}
	return taken, step, err
}

// spendAnswer takes a try from the account's budget. When that is empty, the try that the
// challenge gave is put back: the answer will not be compared.
func (s *Service) spendAnswer(ctx context.Context, tx *db.Tx, f *flow, v session.Visitor) (refused, err error) {
	wait, err := ratelimit.SpendIn(ctx, tx, s.limitAnswers(), f.User.ID)
	if err != nil || wait == 0 {
		return nil, err
	}
	if err := s.refused(ctx, tx, f, "throttled", f.Challenge.ID, v); err != nil {
		return nil, err
	}
	return errAnswers.After(wait), challenge.PutBack(ctx, tx, f.Challenge.ID)
}

var errAnswers = fault.New(fault.RateLimited, "code.problem.wait")

// unjudged answers a code that came when there was nothing to compare it with.
func (s *Service) unjudged(ctx context.Context, tx *db.Tx, f *flow, v session.Visitor, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	if err := s.expire(ctx, tx, f); err != nil {
		return nil, err
	}
	if err := s.refused(ctx, tx, f, "no_open_challenge", f.ID, v); err != nil {
		return nil, err
	}
	var step Step = s.spentStep(f, tx.Now)
	if why := f.over(tx.Now); why != "" {
		step = f.overStep(why)
	}
	return f.keep(ctx, tx, step, nil)
}

// refused notes an answer that was turned away unseen, a limited number of times: it cost
// whoever sent it nothing.
func (s *Service) refused(ctx context.Context, tx *db.Tx, f *flow, reason, subject string, v session.Visitor) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitNoise, f.User.ID)
	if err == nil && wait == 0 {
		f.note("signin.code", "refused", reason, string(authenticator.Email), subject, v)
	}
	return err
}

// judge compares, spends and goes on, on a flow that was read in this transaction. taken is
// the challenge that gave a try for it.
func (s *Service) judge(ctx context.Context, tx *db.Tx, f *flow, taken string, r authenticator.Response, remember bool, v session.Visitor) (Step, error) {
	if why := f.over(tx.Now); why != "" {
		return f.overStep(why), nil
	}
	if f.Challenge.ID != taken { // replaced meanwhile: the newer one has given no try
		return s.wrong(ctx, tx, f, "replaced", r, v)
	}
	c := f.Challenge
	verdict, err := s.verifier(c.Kind).Verify(ctx, tx, f.answering(), s.setting(f, c), c.State, r)
	if err != nil {
		return nil, err
	}
	if !verdict.OK {
		return s.wrong(ctx, tx, f, verdict.Reason, r, v)
	}
	first, err := challenge.Spend(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	if !first {
		return s.wrong(ctx, tx, f, "already_used", r, v)
	}
	return s.right(ctx, tx, f, r, remember, v)
}

// answering is the authenticator that the newest challenge is about.
func (f *flow) answering() authenticator.Authenticator {
	return authenticator.Authenticator{ID: f.Challenge.AuthenticatorID, UserID: f.User.ID, Kind: f.Challenge.Kind}
}

func (s *Service) right(ctx context.Context, tx *db.Tx, f *flow, r authenticator.Response, remember bool, v session.Visitor) (Step, error) {
	c, how := f.Challenge, "typed"
	if r.LinkToken != "" {
		how = "link"
	} else if err := ratelimit.GiveBack(ctx, tx, s.limitAnswers(), f.User.ID); err != nil { // only a typed answer had reserved a try
		return nil, err
	}
	if err := authenticator.Used(ctx, tx, c.AuthenticatorID); err != nil {
		return nil, err
	}
	f.prove(authenticator.Proof{Kind: c.Kind, AuthenticatorID: c.AuthenticatorID, At: tx.Now})
	f.note("signin.code", "ok", how, string(c.Kind), c.ID, v)
	return s.next(ctx, tx, f, remember)
}

func (s *Service) wrong(ctx context.Context, tx *db.Tx, f *flow, reason string, r authenticator.Response, v session.Visitor) (Step, error) {
	c, problem := f.Challenge, "code.problem.wrong"
	older, err := s.wasOlder(ctx, tx, f, r)
	if err != nil {
		return nil, err
	}
	if older {
		problem, reason = "code.problem.older", "older_code"
	}
	if err := authenticator.Failed(ctx, tx, c.AuthenticatorID, s.Limits.FailuresInARow); err != nil {
		return nil, err
	}
	f.note("signin.code", "failed", reason, string(c.Kind), c.ID, v)
	if err := s.warn(ctx, tx, f, v); err != nil {
		return nil, err
	}
	return s.standing(ctx, tx, f, problem)
}

// wasOlder reports whether the answer is right for a code that a newer one replaced.
func (s *Service) wasOlder(ctx context.Context, tx *db.Tx, f *flow, r authenticator.Response) (bool, error) {
	if f.Sends < 2 {
		return false, nil
	}
	replaced, err := challenge.ReplacedIn(ctx, tx, f.ID)
	if err != nil {
		return false, err
	}
	for _, c := range replaced {
		a := authenticator.Authenticator{ID: c.AuthenticatorID, UserID: f.User.ID, Kind: c.Kind}
		verdict, err := s.verifier(c.Kind).Verify(ctx, tx, a, s.setting(f, c), c.State, r)
		if err != nil || verdict.OK {
			return verdict.OK, err
		}
	}
	return false, nil
}

// NewCode replaces the code. Tries are not given back beyond those of a new challenge, and
// the account's budgets go on. After the last new code the flow starts over (AIR-10).
func (s *Service) NewCode(ctx context.Context, ref secret.Reference, v session.Visitor) (Step, error) {
	return s.change(ctx, ref, func(tx *db.Tx, f *flow) (Step, error) {
		if why := f.over(tx.Now); why != "" {
			return f.overStep(why), nil
		}
		if s.newCodesLeft(f) == 0 {
			return s.endFlow(ctx, tx, f, Restart, v)
		}
		if wait := f.Challenge.IssuedAt.Add(s.Limits.NewCodeEvery).Sub(tx.Now); f.Challenge.ID != "" && wait > 0 {
			return nil, errNewCodeWait.After(wait)
		}
		return s.next(ctx, tx, f, false)
	})
}

// Cancel ends a flow at the person's wish.
func (s *Service) Cancel(ctx context.Context, ref secret.Reference, v session.Visitor) (Step, error) {
	return s.change(ctx, ref, func(tx *db.Tx, f *flow) (Step, error) { return s.endFlow(ctx, tx, f, Cancelled, v) })
}

// change runs fn on a flow in one transaction and writes what fn left to be written.
func (s *Service) change(ctx context.Context, ref secret.Reference, fn func(tx *db.Tx, f *flow) (Step, error)) (Step, error) {
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		step, err = fn(tx, f)
		step, err = f.keep(ctx, tx, step, err)
		return err
	})
	return step, err
}

func (s *Service) endFlow(ctx context.Context, tx *db.Tx, f *flow, because string, v session.Visitor) (Step, error) {
	first, err := f.close(ctx, tx, because)
	if err != nil || !first {
		return f.overStep(f.ClosedBecause), err
	}
	if err := s.drop(ctx, tx, f, challenge.Ended); err != nil {
		return nil, err
	}
	f.note("signin.ended", "ok", because, "", f.ID, v)
	return f.overStep(because), nil
}

// drop closes the newest challenge and keeps its message from leaving, if it has not.
func (s *Service) drop(ctx context.Context, tx *db.Tx, f *flow, because string) error {
	if f.Challenge.ID == "" {
		return nil
	}
	if err := challenge.CloseOpen(ctx, tx, f.ID, because); err != nil {
		return err
	}
	return message.Withdraw(ctx, tx, f.Challenge.MessageID)
}

// Delivery says what became of the flow's newest message.
func (s *Service) Delivery(ctx context.Context, ref secret.Reference) (status message.Status, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		status, err = message.Delivery(ctx, tx, f.Challenge.MessageID)
		return err
	})
	return status, err
}
