package signin

import (
	"context"
	"slices"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// NewCode replaces the code. Tries are not given back beyond those of a new challenge, and
// the account's budgets go on. After the last new code the flow starts over (AIR-10).
func (s *Service) NewCode(ctx context.Context, ref secret.Reference, v session.Visitor) (Step, error) {
	return s.changeAs(ctx, ref, flowWithSends, func(tx *db.Tx, f *activeFlow) (Step, error) {
		if why := f.endReason(tx.Now); why != "" {
			return f.endedStep(why), nil
		}
		f.prefer = f.Challenge.AuthenticatorID
		if f.Challenge.ID == "" || authenticator.TraitsOf[f.Challenge.Kind].Sent {
			if step, err := s.mayRepeat(ctx, tx, f, v); step != nil || err != nil {
				return step, err
			}
		}
		return s.next(ctx, tx, f, false)
	})
}

// choices are the methods to choose from. Where the one asked for now is to be asked for once
// more, it was read with the flow.
func (s *Service) choices(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision,
	all []method) ([]method, error) {
	if all != nil {
		return all, nil
	}
	now := f.answering()
	if f.usable && f.prefer == now.ID && slices.Contains(d.Offer, now.Kind) && s.verifier(now.Kind) != nil {
		return []method{{Authenticator: now, Address: f.Destination}}, nil
	}
	return methodsOf(ctx, tx, f.User.ID)
}

// Cancel ends a flow at the person's wish.
func (s *Service) Cancel(ctx context.Context, ref secret.Reference, v session.Visitor) (Step, error) {
	return s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step,
		error) {
		return s.endFlow(ctx, tx, f, flow.Cancelled, v)
	})
}

// change runs fn on a flow in one transaction and writes what fn left to be written.
func (s *Service) change(ctx context.Context, ref secret.Reference,
	fn func(tx *db.Tx, f *activeFlow) (Step, error)) (Step, error) {
	return s.changeAs(ctx, ref, flowWithDelivery, fn)
}

// changeAs is change of a flow that is read with one of the texts.
func (s *Service) changeAs(ctx context.Context, ref secret.Reference, text string,
	fn func(tx *db.Tx, f *activeFlow) (Step, error)) (Step, error) {
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.readFlow(ctx, tx, text, ref.ID, ref.Hash())
		if err != nil {
			return err
		}
		step, err = fn(tx, f)
		step, err = f.writePending(ctx, tx, step, err)
		return err
	})
	return step, err
}

func (s *Service) endFlow(ctx context.Context, tx *db.Tx, f *activeFlow, because string,
	v session.Visitor) (Step, error) {
	first, err := f.close(ctx, tx, because)
	if err != nil || !first {
		return f.endedStep(f.ClosedBecause), err
	}
	if err := s.drop(ctx, tx, f, challenge.Ended); err != nil {
		return nil, err
	}
	f.recordEvent(audit.SignInEnded, audit.OK, because, "", f.ID, v)
	return f.endedStep(because), nil
}

// drop closes the newest challenge and keeps its message from leaving, if it has not.
func (s *Service) drop(ctx context.Context, tx *db.Tx, f *activeFlow, because string) error {
	if f.Challenge.ID == "" {
		return nil
	}
	if err := challenge.CloseOpen(ctx, tx, f.ID, because); err != nil {
		return err
	}
	return f.withdraw(ctx, tx)
}

// replace stores a challenge in the place of the newest one, which it drops.
func (f *activeFlow) replace(ctx context.Context, tx *db.Tx, c challenge.Challenge,
	o authenticator.IssuedChallenge) error {
	if f.Challenge.ID == "" {
		return challenge.Issue(ctx, tx, c, o)
	}
	if err := challenge.Replace(ctx, tx, c, o); err != nil {
		return err
	}
	return f.withdraw(ctx, tx)
}

// withdraw keeps the message of the newest challenge from leaving, if it has not.
func (f *activeFlow) withdraw(ctx context.Context, tx *db.Tx) error {
	if f.Challenge.Kind == authenticator.Push { // one may have left and another not
		return message.WithdrawAll(ctx, tx, f.Challenge.MessageID)
	}
	if st := f.Delivery.State; st != message.Queued && st != message.Delayed {
		return nil // it has left
	}
	return message.Withdraw(ctx, tx, f.Challenge.MessageID)
}

// Delivery says what became of the flow's newest message, and of what kind that was.
func (s *Service) Delivery(ctx context.Context, ref secret.Reference) (kind authenticator.Kind,
	status message.Status, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		kind, status = f.Challenge.Kind, f.Delivery
		return f.best(ctx, tx, &status)
	})
	return kind, status, err
}

// best replaces the status of a push by the best of all receivers that the code went to.
func (f *activeFlow) best(ctx context.Context, tx *db.Tx, status *message.Status) (err error) {
	if f.Challenge.Kind == authenticator.Push && f.Challenge.MessageID != "" {
		*status, err = message.Best(ctx, tx, f.Challenge.MessageID)
	}
	return err
}
