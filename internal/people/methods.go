package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/typed"
	"countersign/internal/user"
)

// RestoreMethod lifts a suspension and tells the person. NotFound where there is no such suspended method.
func (s *Service) RestoreMethod(ctx context.Context, a access.Actor, ref Ref, id string) error {
	return s.change(ctx, a, access.RestoreMethod, ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := access.Check(a, access.RestoreMethod, target(u)); err != nil {
				return err
			}
			kind, err := authenticator.Restore(ctx, tx, u.ID, id)
			if err == nil && kind == "" {
				err = fault.New(fault.NotFound, "methods.not_suspended")
			}
			if err != nil {
				return fmt.Errorf("restore method: %w", err)
			}
			if err := spendChange(ctx, tx, a, u); err != nil {
				return err
			}
			err = audit.Record(ctx, tx, audit.Event{
				Action:    audit.MethodRestored,
				Result:    audit.OK,
				ActorID:   a.ID(),
				UserID:    u.ID,
				SubjectID: id,
				Method:    string(kind),
				Origin:    a.Origin,
			})
			if err != nil {
				return fmt.Errorf("record: %w", err)
			}
			return s.Notifier.SendOperatorChange(ctx, tx, u, "methods.restored")
		})
}

// Reset is what came of ResetMethods.
type Reset struct {
	Waited     bool // nothing was removed: the wait after a reset of the password is over
	Removed    int  // how many methods
	Enrollable bool // whether the person can set up another
}

// ResetMethods removes every method of a person but the password and the mailbox, ends what is open, tells them, and
// lets them set up a new method within user.RecoveryLife, once, with the password and a code to the mailbox. Until then
// nothing opens the account. If the company allows nothing that can be set up, the mailbox protects the account from
// now on: that is access.LeaveToEmail. If the person never had a method, it ends the wait after a reset of the password
// by mail. Conflict if there is nothing to reset, or only a recovery that is open already; the command line makes that
// one last longer. A person who does it says why, for the record: Invalid without a reason, or with one that is too
// long.
func (s *Service) ResetMethods(ctx context.Context, a access.Actor, ref Ref, reason string) (r Reset, err error) {
	err = s.change(ctx, a, access.ResetMethods, ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := access.Check(a, access.ResetMethods, target(u)); err != nil {
				return err
			}
			reason, err := CleanReason(a, reason)
			if err != nil {
				return err
			}
			had, err := user.HadFactor(ctx, tx, u.ID)
			if err != nil {
				return fmt.Errorf("look for methods: %w", err)
			}
			r = Reset{}
			if r.Removed, err = unbindAll(ctx, tx, u.ID); err != nil {
				return fmt.Errorf("remove methods: %w", err)
			}
			if err := spendChange(ctx, tx, a, u); err != nil {
				return err
			}
			if !had && r.Removed == 0 {
				r.Waited = true
				return s.endResetWait(ctx, tx, a, u)
			}
			if r.Removed == 0 && a.Kind != access.CommandLine {
				if err := mayReopen(ctx, tx, u); err != nil {
					return err
				}
			}
			return s.openRecovery(ctx, tx, a, u, reason, &r)
		})
	return r, err
}

// mayReopen fails with Conflict where a person without methods can set one up: another reset would only mail them
// again.
func mayReopen(ctx context.Context, tx *db.Tx, u user.User) error {
	open, err := user.RecoveryOpen(ctx, tx, u.ID, policy.ResetWait)
	if err == nil && open {
		err = fault.New(fault.Conflict, "methods.reset_already")
	}
	if err != nil {
		return fmt.Errorf("look for a recovery: %w", err)
	}
	return nil
}

// errLeavesToEmail keeps someone who may allow and reset methods from narrowing the ones, resetting the others, and
// allowing everything again: the mailbox would open the account from then on.
var errLeavesToEmail = fault.New(fault.Denied, "methods.reset_leaves_to_email")

func (s *Service) openRecovery(
	ctx context.Context, tx *db.Tx, a access.Actor, u user.User, reason string, r *Reset,
) (err error) {
	if r.Enrollable, err = s.enrollable(ctx, tx); err != nil {
		return fmt.Errorf("load the company's methods: %w", err)
	}
	if err := access.Check(a, access.LeaveToEmail, target(u)); err != nil && !r.Enrollable {
		return &access.Refusal{
			Actor:  a,
			Action: access.LeaveToEmail,
			Target: target(u),
			Cause:  errLeavesToEmail,
		}
	}
	if err := user.OpenRecovery(ctx, tx, u.ID, tx.Now.Add(user.RecoveryLife), !r.Enrollable); err != nil {
		return fmt.Errorf("open recovery: %w", err)
	}
	if err := session.EndOthers(ctx, tx, u.ID, "", session.MethodChanged); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	if err := recordReset(ctx, tx, a, u, reason); err != nil {
		return err
	}
	if err := TellOwners(ctx, tx, s.Notifier, a, email.AlertMethodsReset, u); err != nil {
		return err
	}
	return s.Notifier.SendOperatorChange(ctx, tx, u, "methods.reset")
}

// endResetWait lets a person who never had a method set one up at once, although their password was reset by mail.
func (s *Service) endResetWait(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
	waited, err := user.EndResetWait(ctx, tx, u.ID, policy.ResetWait)
	if err == nil && !waited {
		err = fault.New(fault.Conflict, "methods.nothing_to_reset")
	}
	if err != nil {
		return fmt.Errorf("end the wait: %w", err)
	}
	if err := recordReset(ctx, tx, a, u, "password_reset"); err != nil {
		return err
	}
	return s.Notifier.SendOperatorChange(ctx, tx, u, "methods.wait_ended")
}

// maxReason is how long a typed reason may be, in characters.
const maxReason = 200

// CleanReason is a reason as it is stored. People must give one; programs may.
func CleanReason(a access.Actor, reason string) (string, error) {
	reason, err := typed.Line(reason)
	if err != nil {
		return "", fault.New(fault.Invalid, "text.unseen").Because(err)
	}
	if len([]rune(reason)) > maxReason || reason == "" && a.Kind == access.Person {
		return "", fault.New(fault.Invalid, "people.reason_needed")
	}
	return reason, nil
}

func recordReset(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, reason string) error {
	err := audit.Record(ctx, tx, audit.Event{
		Action:    audit.MethodsReset,
		Result:    audit.OK,
		Reason:    reason,
		ActorID:   a.ID(),
		UserID:    u.ID,
		SubjectID: u.ID,
		Origin:    a.Origin,
	})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// unbindAll removes every method of a person but the password and the mailbox.
func unbindAll(ctx context.Context, tx *db.Tx, userID string) (removed int, err error) {
	all, err := authenticator.Of(ctx, tx, userID)
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		if m.Kind == authenticator.Password || m.Kind == authenticator.Email {
			continue
		}
		if err := authenticator.Unbind(ctx, tx, userID, m.ID); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// enrollable reports whether vendor and company allow a second factor that can be set up here.
func (s *Service) enrollable(ctx context.Context, tx *db.Tx) (bool, error) {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return false, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	return policy.AllowedIn(t, i).Factor(s.Bindable), err
}
