package signin

import (
	"context"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// limitStepUps bounds what a session that lacks a second step may write. It is apart from
// limitFlows: a stolen one must not keep its owner from signing in.
var limitStepUps = ratelimit.Limit{Name: "step.session", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// StepUp begins a flow from a living session that lacks only a second step: the same
// journey, begun with the old proofs.
func (s *Service) StepUp(ctx context.Context, ref secret.Reference, a firststep.Attempt) (Step, error) {
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		st, err := s.Gate.CheckSessionInTx(ctx, tx, ref, gate.Ask{ClientID: a.ClientID, WantACR: a.WantACR})
		if err != nil {
			return err
		}
		if !st.StepUp {
			return flow.ErrNotFound
		}
		wait, err := ratelimit.SpendIn(ctx, tx, limitStepUps, ref.ID)
		if err == nil && wait > 0 {
			err = errSlowDown.After(wait)
		}
		if err != nil {
			return err
		}
		step, err = s.stepUp(ctx, tx, st, a)
		return err
	})
	return step, err
}

func (s *Service) stepUp(ctx context.Context, tx *db.Tx, st gate.SessionCheck, a firststep.Attempt) (Step, error) {
	account, err := facts.Load(ctx, tx, st.User.ID, a.ClientID, s.Limits.RememberDays)
	if err != nil {
		return nil, err
	}
	browser, err := s.FirstStep.KnownBrowser(ctx, tx, a, account)
	if err != nil {
		return nil, err
	}
	f := s.newFlow(a, account, browser)
	f.SecurityVersion = st.Session.SecurityVersion
	f.SteppingUp = st.Session.ID
	ref := s.begin(tx, f, st.Session.Proofs()...)
	if err := s.recall(ctx, tx, f, a.Presented); err != nil {
		return nil, err
	}
	if f.remembered.ID != "" { // any other browser is asked anyway
		if err := s.judgeUnusual(ctx, tx, f); err != nil {
			return nil, err
		}
	}
	f.recordEvent(audit.SignInStepUp, audit.OK, "", "", f.ID, a.Visitor)
	return s.nextWithReference(ctx, tx, f, ref)
}
