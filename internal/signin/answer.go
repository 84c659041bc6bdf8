package signin

import (
	"context"
	"time"

	"countersign/internal/audit"
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
	d, _, err := s.decide(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	if d.Outcome == policy.Allow {
		return ReplacePassword{Email: f.User.Email, MinLength: minLength, ContinueTo: f.ContinueTo}, nil
	}
	if f.current(tx.Now) == nil {
		return s.spentStep(f, tx.Now), nil
	}
	return s.answerStep(ctx, tx, f, d, problem)
}

func (s *Service) spentStep(f *flow, now time.Time) CodeSpent {
	return CodeSpent{
		AppName: f.App.Name, SentTo: outofband.Mask(f.User.Email), NewCodesLeft: s.newCodesLeft(f), ContinueTo: f.ContinueTo,
		Unsent:  len(f.Challenges) == 0,
		Expired: len(f.Challenges) > 0 && (f.Challenges[0].ClosedBecause == challenge.Expired || !now.Before(f.Challenges[0].ExpiresAt)),
	}
}

func (s *Service) newCodesLeft(f *flow) int { return max(s.Limits.NewCodes+1-f.Sends, 0) }

func (s *Service) answerStep(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision, problem string) (AnswerCode, error) {
	c := f.Challenges[0]
	delivery, err := message.Delivery(ctx, tx, c.MessageID)
	return AnswerCode{
		AppName: f.App.Name, SentTo: outofband.Mask(f.User.Email), Reference: c.Reference, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
		NewCodeAt: c.IssuedAt.Add(s.Limits.NewCodeEvery), Now: tx.Now, Length: s.Limits.CodeLength, TriesLeft: c.TriesLeft,
		NewCodesLeft: s.newCodesLeft(f), RememberDays: min(d.RememberDays, s.Limits.RememberDays), Problem: problem, Delivery: delivery, Because: d.Because, ContinueTo: f.ContinueTo,
	}, err
}

// Answer judges a typed code. A wrong one is a step, never an error: it costs a try and
// leaves a trace.
func (s *Service) Answer(ctx context.Context, ref secret.Reference, code string, remember bool, v session.Visitor) (Step, error) {
	taken, step, err := s.reserveAnswer(ctx, ref, v)
	if err != nil || step != nil {
		return step, err
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) (err error) {
		step, err = s.judge(ctx, tx, ref, taken, authenticator.Response{Code: code}, remember, v)
		return err
	})
	return step, err
}

// reserveAnswer takes a try from the account's budget and from the challenge, and commits
// before anything is compared. It returns a step instead when there is nothing to answer.
func (s *Service) reserveAnswer(ctx context.Context, ref secret.Reference, v session.Visitor) (taken string, step Step, err error) {
	var refused error
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.hold(ctx, tx, ref)
		if err != nil {
			return err
		}
		c := f.current(tx.Now)
		if f.over(tx.Now) != "" || c == nil {
			step, err = s.unjudged(ctx, tx, f, v)
			return err
		}
		wait, err := ratelimit.SpendIn(ctx, tx, s.limitAnswers(), f.User.ID)
		if err != nil {
			return err
		}
		if wait > 0 {
			refused = errAnswers.After(wait)
			return audit.Record(ctx, tx, event("signin.code", "refused", "throttled", f.User.ID, f.ClientID, string(c.Kind), c.ID, v))
		}
		ok, err := challenge.Take(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if !ok { // another request took the last try
			step, err = s.unjudged(ctx, tx, f, v)
			return err
		}
		taken = c.ID
		return nil
	})
	if err == nil {
		err = refused
	}
	return taken, step, err
}

var errAnswers = fault.New(fault.RateLimited, "code.problem.wait")

// unjudged answers a code that came when there was nothing to compare it with.
func (s *Service) unjudged(ctx context.Context, tx *db.Tx, f *flow, v session.Visitor) (Step, error) {
	if err := audit.Record(ctx, tx, event("signin.code", "refused", "no_open_challenge", f.User.ID, f.ClientID, string(authenticator.Email), f.ID, v)); err != nil {
		return nil, err
	}
	if err := s.expire(ctx, tx, f); err != nil {
		return nil, err
	}
	if why := f.over(tx.Now); why != "" {
		return f.overStep(why), nil
	}
	return s.spentStep(f, tx.Now), nil
}

// judge compares, spends and goes on, in one transaction that re-reads everything.
func (s *Service) judge(ctx context.Context, tx *db.Tx, ref secret.Reference, challengeID string, r authenticator.Response, remember bool, v session.Visitor) (Step, error) {
	f, err := s.hold(ctx, tx, ref)
	if err != nil {
		return nil, err
	}
	if why := f.over(tx.Now); why != "" {
		return f.overStep(why), nil
	}
	c, found := f.byID(challengeID)
	if !found {
		return nil, errFlowGone
	}
	a := authenticator.Authenticator{ID: c.AuthenticatorID, UserID: f.User.ID, Kind: c.Kind}
	verdict, err := s.verifier(c.Kind).Verify(ctx, tx, a, s.setting(f, c), c.State, r)
	if err != nil {
		return nil, err
	}
	if verdict.OK {
		verdict.OK, err = challenge.Spend(ctx, tx, c.ID)
		if err != nil {
			return nil, err
		}
		if !verdict.OK {
			verdict.Reason = "already_used"
		}
	}
	if !verdict.OK {
		return s.wrong(ctx, tx, f, c, a, verdict.Reason, r, v)
	}
	return s.right(ctx, tx, f, c, a, r, remember, v)
}

func (f *flow) byID(id string) (challenge.Challenge, bool) {
	for _, c := range f.Challenges {
		if c.ID == id {
			return c, true
		}
	}
	return challenge.Challenge{}, false
}

func (s *Service) right(ctx context.Context, tx *db.Tx, f *flow, c challenge.Challenge, a authenticator.Authenticator, r authenticator.Response, remember bool, v session.Visitor) (Step, error) {
	if r.LinkToken == "" { // only a typed answer had reserved a try
		if err := ratelimit.GiveBack(ctx, tx, s.limitAnswers(), f.User.ID); err != nil {
			return nil, err
		}
	}
	if err := authenticator.Used(ctx, tx, a.ID); err != nil {
		return nil, err
	}
	if err := f.prove(ctx, tx, authenticator.Proof{Kind: c.Kind, AuthenticatorID: a.ID, At: tx.Now}); err != nil {
		return nil, err
	}
	if err := audit.Record(ctx, tx, event("signin.code", "ok", how(r), f.User.ID, f.ClientID, string(c.Kind), c.ID, v)); err != nil {
		return nil, err
	}
	return s.next(ctx, tx, f, remember)
}

func how(r authenticator.Response) string {
	if r.LinkToken != "" {
		return "link"
	}
	return "typed"
}

func (s *Service) wrong(ctx context.Context, tx *db.Tx, f *flow, c challenge.Challenge, a authenticator.Authenticator, reason string, r authenticator.Response, v session.Visitor) (Step, error) {
	problem := "code.problem.wrong"
	older, err := s.wasOlder(ctx, tx, f, c, r)
	if err != nil {
		return nil, err
	}
	if older {
		problem, reason = "code.problem.older", "older_code"
	}
	if err := authenticator.Failed(ctx, tx, a.ID, s.Limits.FailuresInARow); err != nil {
		return nil, err
	}
	if err := audit.Record(ctx, tx, event("signin.code", "failed", reason, f.User.ID, f.ClientID, string(c.Kind), c.ID, v)); err != nil {
		return nil, err
	}
	if err := s.warn(ctx, tx, f, v); err != nil {
		return nil, err
	}
	return s.standing(ctx, tx, f, problem)
}

// wasOlder reports whether the answer is right for a code that a newer one replaced.
func (s *Service) wasOlder(ctx context.Context, tx *db.Tx, f *flow, now challenge.Challenge, r authenticator.Response) (bool, error) {
	for _, c := range f.Challenges {
		if c.ID == now.ID || c.ClosedBecause != challenge.Replaced {
			continue
		}
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
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.hold(ctx, tx, ref)
		if err != nil {
			return err
		}
		if why := f.over(tx.Now); why != "" {
			step = f.overStep(why)
			return nil
		}
		if s.newCodesLeft(f) == 0 {
			step, err = s.endFlow(ctx, tx, f, Restart, v)
			return err
		}
		if len(f.Challenges) > 0 {
			if wait := f.Challenges[0].IssuedAt.Add(s.Limits.NewCodeEvery).Sub(tx.Now); wait > 0 {
				return errNewCodeWait.After(wait)
			}
		}
		step, err = s.next(ctx, tx, f, false)
		return err
	})
	return step, err
}

// Cancel ends a flow at the person's wish.
func (s *Service) Cancel(ctx context.Context, ref secret.Reference, v session.Visitor) (Step, error) {
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.hold(ctx, tx, ref)
		if err == nil {
			step, err = s.endFlow(ctx, tx, f, Cancelled, v)
		}
		return err
	})
	return step, err
}

func (s *Service) endFlow(ctx context.Context, tx *db.Tx, f *flow, because string, v session.Visitor) (Step, error) {
	first, err := f.close(ctx, tx, because)
	if err != nil || !first {
		return f.overStep(f.ClosedBecause), err
	}
	if err := challenge.CloseOpen(ctx, tx, f.ID, challenge.Ended); err != nil {
		return nil, err
	}
	if err := s.withdraw(ctx, tx, f); err != nil {
		return nil, err
	}
	return f.overStep(because), audit.Record(ctx, tx, event("signin.ended", "ok", because, f.User.ID, f.ClientID, "", f.ID, v))
}

// Delivery says what became of the flow's newest message.
func (s *Service) Delivery(ctx context.Context, ref secret.Reference) (status message.Status, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil || len(f.Challenges) == 0 {
			return err
		}
		status, err = message.Delivery(ctx, tx, f.Challenges[0].MessageID)
		return err
	})
	return status, err
}
