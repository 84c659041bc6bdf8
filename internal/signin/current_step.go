package signin

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/phone"
	"countersign/internal/policy"
	"countersign/internal/secret"
)

// Current draws where a flow stands, and changes nothing.
func (s *Service) Current(ctx context.Context, ref secret.Reference) (Step, error) {
	var step Step
	err := s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := f.best(ctx, tx, &f.Delivery); err != nil {
			return err
		}
		step, err = s.currentStep(tx, f, "")
		return err
	})
	return step, err
}

// currentStep draws a flow that waits, without deciding anything new.
func (s *Service) currentStep(tx *db.Tx, f *activeFlow, problem string) (Step, error) {
	if why := f.endReason(tx.Now); why != "" {
		return f.endedStep(why), nil
	}
	d := f.decide(tx.Now)
	switch step := s.requiredFirst(f); {
	case d.Outcome == policy.Allow && step != nil:
		return step, nil
	case d.Outcome == policy.SetUp:
		return f.setUpStep(d, d.SetUp), nil
	}
	if !f.Challenge.Open(tx.Now) {
		return s.spentStep(f, tx.Now), nil
	}
	return s.answerStep(tx, f, d, problem), nil
}

func (s *Service) spentStep(f *activeFlow, now time.Time) CodeSpent {
	c, to := f.Challenge, f.sentTo()
	if c.Kind == authenticator.Push {
		to = "" // it went to every receiver of the account
	}
	step := CodeSpent{
		AppName:      f.App.Name,
		SentTo:       to,
		NewCodesLeft: s.newCodesLeft(f),
		ContinueTo:   f.ContinueTo,
		FlowID:       f.ID,
		Unsent:       c.ID == "",
		Expired:      c.ID != "" && (c.ClosedBecause == challenge.Expired || !now.Before(c.ExpiresAt)),
	}
	if step.Unsent {
		step.Email = f.User.Email
	}
	return step
}

// sentTo is where the newest message went, as far as its reader may know.
func (f *activeFlow) sentTo() string {
	if f.Challenge.Kind == authenticator.SMS {
		return where(authenticator.SMS, f.Destination)
	}
	return outofband.MaskOwn(f.User.Email)
}

// where names a destination; empty for kinds that have none to name.
func where(k authenticator.Kind, address string) string {
	switch k {
	case authenticator.SMS:
		return phone.Mask(address)
	case authenticator.Email:
		return outofband.MaskOwn(address)
	}
	return ""
}

func (s *Service) newCodesLeft(f *activeFlow) int { return max(s.Limits.NewCodes+1-f.MessageCount, 0) }

func (s *Service) answerStep(tx *db.Tx, f *activeFlow, d policy.Decision, problem string) AnswerCode {
	c := f.Challenge
	return AnswerCode{
		Kind:         c.Kind,
		Others:       s.others(d, c.Kind),
		ForSetUp:     d.ForSetUp,
		Confirms:     f.SteppingUp != "",
		Present:      s.present(c),
		AppName:      f.App.Name,
		SentTo:       f.sentTo(),
		Reference:    c.Reference,
		IssuedAt:     c.IssuedAt,
		ExpiresAt:    c.ExpiresAt,
		NewCodeAt:    c.IssuedAt.Add(s.Limits.ResendInterval),
		Now:          tx.Now,
		Length:       s.Limits.CodeLength,
		TriesLeft:    c.TriesLeft,
		NewCodesLeft: s.newCodesLeft(f),
		RememberDays: f.rememberDays(d),
		Adaptive:     d.Adaptive,
		Problem:      problem,
		Email:        f.User.Email,
		Delivery:     f.Delivery,
		Because:      d.Because,
		Unusual:      f.unusualReasons(d),
		SetUpBy:      d.SetUpBy,
		Limited:      d.Limited,
		Laters:       d.LatersLeft,
		ContinueTo:   f.ContinueTo,
		FlowID:       f.ID,
	}
}

// rememberDays is for how long the browser may be remembered afterwards. A step-up confirms
// one thing at one moment, so it is not the place to ask for fewer of them.
func (f *activeFlow) rememberDays(d policy.Decision) int {
	if f.SteppingUp != "" {
		return 0
	}
	return d.RememberDays
}

// present is what the browser needs beside the page.
func (s *Service) present(c challenge.Challenge) []byte {
	if p, ok := s.verifier(c.Kind).(interface {
		Present(authenticator.State) []byte
	}); ok {
		return p.Present(c.State)
	}
	return nil
}

// others are the kinds that may be used instead of k.
func (s *Service) others(d policy.Decision, k authenticator.Kind) (out []authenticator.Kind) {
	for _, o := range d.Offer {
		if o != k && s.verifier(o) != nil {
			out = append(out, o)
		}
	}
	return out
}
