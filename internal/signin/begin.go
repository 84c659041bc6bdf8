package signin

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/flow"
	"countersign/internal/policy/facts"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// SubmitPassword answers the first step with an address and a password.
func (s *Service) SubmitPassword(ctx context.Context, a firststep.Attempt) (step Step, err error) {
	right, err := s.FirstStep.CheckPassword(ctx, a, s.accountSends, s.beginning(a, &step))
	switch {
	case err != nil:
		return nil, err
	case !right:
		return AskPassword{}, nil
	}
	return step, nil
}

// SubmitPasskey answers an offer of the first step: both address and proof.
func (s *Service) SubmitPasskey(ctx context.Context, a firststep.Attempt,
	answer firststep.PasskeyAnswer) (step Step, err error) {
	right, problem, err := s.FirstStep.CheckPasskey(ctx, a, answer, s.beginning(a, &step))
	switch {
	case err != nil:
		return nil, err
	case !right:
		return AskPassword{Problem: problem}, nil
	}
	return step, nil
}

// beginning opens a flow with the first proof and asks what remains, which it puts into step.
func (s *Service) beginning(a firststep.Attempt, step *Step) firststep.Begin {
	return func(ctx context.Context, tx *db.Tx, p firststep.Proved) (err error) {
		f := s.newFlow(a, p.Facts, p.Browser)
		f.budgets, f.sends = p.Budgets, p.Messages
		ref := s.begin(tx, f, p.Proof)
		method := p.Proof.Kind.Base()
		action, subject := audit.SignInPassword, f.ID
		if method == authenticator.Passkey {
			action, subject = audit.SignInPasskey, p.Proof.AuthenticatorID
		}
		f.recordEvent(action, audit.OK, "", string(method), subject, a.Visitor)
		if err := s.recall(ctx, tx, f, a.Presented); err != nil {
			return err
		}
		if err := s.judgeUnusual(ctx, tx, f); err != nil {
			return err
		}
		if err := s.recordShadow(ctx, tx, f); err != nil {
			return err
		}
		*step, err = s.nextWithReference(ctx, tx, f, ref)
		return err
	}
}

// newFlow is the flow that an attempt of a browser begins, without its proofs.
func (s *Service) newFlow(a firststep.Attempt, account facts.Facts, browser firststep.Browser) *activeFlow {
	return &activeFlow{
		Flow: flow.Flow{
			UserID:          account.User.ID,
			ClientID:        a.ClientID,
			ContinueTo:      a.ContinueTo,
			WantACR:         a.WantACR,
			Visitor:         a.Visitor,
			SecurityVersion: account.User.SecurityVersion,
			KnownBy:         browser.KnownBy,
		},
		Facts:    account,
		bindable: s.Gate.Bindable,
		prefer:   string(a.Prefer),
		device:   browser.Device,
	}
}

// begin gives a new flow its first proofs and returns what the browser keeps. Its row is written
// with the first thing that needs it.
func (s *Service) begin(tx *db.Tx, f *activeFlow, proofs ...authenticator.Proof) secret.Reference {
	token, hash := secret.NewToken()
	f.ID, f.TokenHash = tx.NewID(), hash
	f.StartedAt, f.ExpiresAt, f.Proofs = tx.Now, tx.Now.Add(s.Limits.FlowLife), proofs
	return secret.Reference{Tenant: tx.Tenant, ID: f.ID, Token: token}
}

// nextWithReference is next for a flow that has just begun: steps that go on with it carry what the
// browser must keep of it.
func (s *Service) nextWithReference(ctx context.Context, tx *db.Tx, f *activeFlow, ref secret.Reference) (Step, error) {
	step, err := s.next(ctx, tx, f, false)
	step, err = f.writePending(ctx, tx, step, err)
	switch st := step.(type) {
	case AnswerCode:
		st.Flow = &ref
		return st, err
	case CodeSpent:
		st.Flow = &ref
		return st, err
	case ReplacePassword:
		st.Flow = &ref
		return st, err
	case SetUpMethod:
		st.Flow = &ref
		return st, err
	}
	return step, err
}

// recall finds the memory that this browser has of the user, now that the password is
// right. An older token of it means that two browsers hold the memory: it ends, and the
// person is told.
func (s *Service) recall(ctx context.Context, tx *db.Tx, f *activeFlow, presented []secret.Reference) error {
	r, err := session.Recall(ctx, tx, presented, f.User.ID, f.ClientID, f.SecurityVersion)
	if err != nil {
		return err
	}
	for _, id := range r.Over { // written down, so that a clock that goes back revives none (SEC-140)
		if _, err := session.Forget(ctx, tx, id, session.TimeIsOver); err != nil {
			return err
		}
	}
	if f.remembered, f.rememberBy = r.Remembered, r.By; r.Remembered.ID != "" {
		return nil
	}
	if r.Twin {
		return firststep.ErrTryAgain
	}
	if r.Stale == "" {
		return nil
	}
	first, err := session.Forget(ctx, tx, r.Stale, session.TokenReplay)
	if err != nil || !first {
		return err
	}
	if err := session.EndRemembered(ctx, tx, f.User.ID, r.Stale, session.TokenReplay); err != nil {
		return err
	}
	f.recordEvent(audit.BrowserReplayed, audit.Refused, "older_token", "", r.Stale, f.Visitor)
	return s.alertReplay(ctx, tx, f)
}
