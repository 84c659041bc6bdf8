package people

import (
	"context"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// MaxExemption is how far ahead the end of an exemption may lie.
const MaxExemption = tenant.MaxSetUp

var (
	errExemptPast    = fault.New(fault.Invalid, "exempt.past")
	errExemptTooFar  = fault.New(fault.Invalid, "exempt.too_far")
	errExemptHasOne  = fault.New(fault.Conflict, "exempt.has_method")
	errExemptNothing = fault.New(fault.Conflict, "exempt.nothing_to_end")
)

// Exempt lets a person without a second factor sign in with the mailbox until an instant, although their company
// requires a method that they have yet to set up. It lowers nothing: it fails with Conflict for a person who has or had
// a second factor, because that protects the account, and the mailbox is asked for where the company requires a second
// step. The owners are told. Invalid without a reason, and for an end that is past or more than MaxExemption ahead. An
// exemption replaces an earlier one.
func (s *Service) Exempt(ctx context.Context, a access.Actor, ref Ref, until time.Time, reason string) error {
	return s.change(ctx, a, access.ExemptPerson, ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := access.Check(a, access.ExemptPerson, target(u)); err != nil {
				return err
			}
			reason, err := CleanReason(a, reason)
			if err != nil {
				return err
			}
			if err := checkExemptionEnd(until, tx.Now); err != nil {
				return err
			}
			if err := s.exempt(ctx, tx, a, u, user.Exemption{Until: until, Reason: reason, By: a.ID()}); err != nil {
				return err
			}
			return TellOwners(ctx, tx, s.Notifier, a, email.AlertExempted, u)
		})
}

func checkExemptionEnd(until, now time.Time) error {
	switch {
	case !until.After(now):
		return errExemptPast
	case until.After(now.Add(MaxExemption)):
		return errExemptTooFar
	}
	return nil
}

// exemptPending is Exempt for one of many people. The owners were told when the action started.
func (s *Service) exemptPending(until time.Time, reason string) bulkChange {
	return func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
		if err := access.Check(a, access.ExemptPerson, target(u)); err != nil {
			return err
		}
		if !u.DisabledAt.IsZero() {
			return errIsDisabled
		}
		if err := checkExemptionEnd(until, tx.Now); err != nil {
			return err
		}
		return s.exempt(ctx, tx, a, u, user.Exemption{Until: until, Reason: reason, By: a.ID()})
	}
}

func (s *Service) exempt(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, e user.Exemption) error {
	stored, err := user.SetExemption(ctx, tx, u.ID, e)
	if err == nil && !stored {
		err = errExemptHasOne
	}
	if err != nil {
		return err
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	return record(ctx, tx, a, u, audit.UserExempted, exemptionText(e))
}

// EndExemption ends an exemption early; Conflict if there is none.
func (s *Service) EndExemption(ctx context.Context, a access.Actor, ref Ref) error {
	return s.change(ctx, a, access.ExemptPerson, ref, s.endExemption)
}

func (s *Service) endExemption(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
	if err := access.Check(a, access.ExemptPerson, target(u)); err != nil {
		return err
	}
	ended, err := user.EndExemption(ctx, tx, u.ID)
	if err == nil && !ended {
		err = errExemptNothing
	}
	if err != nil {
		return err
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	return record(ctx, tx, a, u, audit.UserExempted, "ended")
}

// exemptionText is an exemption as audit rows show it.
func exemptionText(e user.Exemption) string {
	text := "until " + e.Until.UTC().Format(time.RFC3339)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
