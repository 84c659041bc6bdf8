package binding

import (
	"cmp"
	"context"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
)

// FirstProof is the answer to what a set-up showed.
type FirstProof struct {
	Draft  PendingEnrollment
	Name   string // what the person calls the method; "" = as it is
	Answer authenticator.Response
}

// ConfirmInFlow binds a method in the middle of a sign-in, in one unit of work with the flow that
// waits for it. The step is what the sign-in asks for next.
func (s *Service) ConfirmInFlow(ctx context.Context, h Enrollee, flow secret.Reference, p FirstProof) (out Outcome,
	step signin.Step, err error) {
	step, err = s.SignIn.EnrollInFlow(ctx, flow, func(tx *db.Tx, who signin.Enrollee) (*authenticator.Proof, error) {
		if !slices.Contains(who.Kinds, p.Draft.Kind) {
			return nil, errNoKind
		}
		if out, err = s.nameAndConfirm(ctx, tx, h, p); err != nil || !out.OK {
			return nil, err
		}
		return proofOf(p.Draft.Kind, out, tx.Now), nil
	})
	return out, step, err
}

// ConfirmInSession binds a method in a session, which from then on also stands for what was just
// shown: otherwise the next page would ask for it again. raised is nil where the session stays.
func (s *Service) ConfirmInSession(ctx context.Context, h Enrollee, old session.Session, p FirstProof) (out Outcome,
	raised *signin.Done, err error) {
	err = s.DB.InTx(ctx, h.Tenant, func(tx *db.Tx) (err error) {
		raised = nil
		if out, err = s.nameAndConfirm(ctx, tx, h, p); err != nil || !out.OK || p.Draft.Kind == authenticator.Backup {
			return err
		}
		done := signin.Done{}
		done.Session, done.Life, err = s.Gate.Upgrade(ctx, tx, old, *proofOf(p.Draft.Kind, out, tx.Now), h.Visitor)
		raised = &done
		return err
	})
	if err != nil {
		raised = nil
	}
	return out, raised, err
}

func (s *Service) nameAndConfirm(ctx context.Context, tx *db.Tx, h Enrollee, p FirstProof) (Outcome, error) {
	if err := s.Name(ctx, tx, h, p.Draft.ID, p.Name); err != nil {
		return Outcome{}, err
	}
	return s.Confirm(ctx, tx, h, p.Draft.ID, p.Answer)
}

func proofOf(k authenticator.Kind, out Outcome, at time.Time) *authenticator.Proof {
	return &authenticator.Proof{Kind: cmp.Or(out.Proof, k), AuthenticatorID: out.Bound.ID, At: at}
}

// RenameMethod gives one of the holder's methods another name.
func (s *Service) RenameMethod(ctx context.Context, h Enrollee, id, label string) error {
	return s.DB.InTx(ctx, h.Tenant, func(tx *db.Tx) error { return s.Rename(ctx, tx, h, id, label) })
}

// RemoveMethod takes one of the holder's methods away, unless the rest would not meet the rules.
// It ends the sign-ins that are under way: they may rest on it.
func (s *Service) RemoveMethod(ctx context.Context, h Enrollee, id string) error {
	return s.DB.InTx(ctx, h.Tenant, func(tx *db.Tx) error {
		return s.Remove(ctx, tx, h, id, func(ctx context.Context, tx *db.Tx) error {
			if err := s.Gate.StillEnough(ctx, tx, h.UserID); err != nil {
				return err
			}
			return flow.CloseAll(ctx, tx, h.UserID, flow.Changed)
		})
	})
}
