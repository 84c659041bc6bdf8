package profile

import (
	"context"
	"fmt"
	"strings"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TellByHand tells a person, at every address they have, that those who run the installation
// did something to their account: "password.set", "user.disabled", "user.enabled".
func (s *Service) TellByHand(ctx context.Context, tx *db.Tx, u user.User, what string) error {
	notice, err := byHand(ctx, tx, what, email.ByHand{At: tx.Now})
	if err != nil {
		return err
	}
	return s.Notifier.TellHolder(ctx, tx, u, notice)
}

// TellMoved tells the addresses that a person had, and the one that they have now, that it
// was changed by those who run the installation.
func (s *Service) TellMoved(ctx context.Context, tx *db.Tx, u user.User, had []string, now string) error {
	c := email.ByHand{Old: outofband.Mask(u.Email), New: outofband.Mask(now), At: tx.Now}
	notice, err := byHand(ctx, tx, "user.address", c)
	if err != nil {
		return err
	}
	return s.Notifier.TellAddresses(ctx, tx, u, append(had, now), notice)
}

// byHand is the notice of what those who run the installation did.
func byHand(ctx context.Context, tx *db.Tx, what string, c email.ByHand) (notify.Notice, error) {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return notify.Notice{}, fmt.Errorf("load the vendor's name: %w", err)
	}
	c.Vendor, c.What = i.Name, strings.Replace(what, ".", " ", 1)
	return notify.Notice{Purpose: what, Content: c}, nil
}

// RestoreByHand lifts a suspension on the decision of those who run the installation, and
// tells the person. NotFound where there is no such suspended method.
func (s *Service) RestoreByHand(ctx context.Context, tx *db.Tx, u user.User, id, by string) error {
	kind, err := authenticator.Restore(ctx, tx, u.ID, id)
	if err == nil && kind == "" {
		err = fault.New(fault.NotFound, "methods.not_suspended")
	}
	if err != nil {
		return err
	}
	err = audit.Record(ctx, tx, audit.Event{
		Action:    audit.MethodRestored,
		Result:    audit.OK,
		ActorID:   by,
		UserID:    u.ID,
		SubjectID: id,
		Method:    string(kind),
	})
	if err != nil {
		return err
	}
	return s.TellByHand(ctx, tx, u, "methods.restored")
}

// ResetByHand removes every method of a person but the password and the mailbox, ends what is
// open, tells them, and lets them set up a new method within user.RecoveryLife, once, with the
// password and a code to the mailbox. Until then nothing opens the account. bindable are the
// kinds that can be set up here; where the company allows none of them, the mailbox protects
// the account from now on. Where the person never had a method, it ends the wait after a reset
// of the password by mail. Conflict where there is nothing to reset.
func (s *Service) ResetByHand(
	ctx context.Context, tx *db.Tx, u user.User, bindable []authenticator.Kind, by string,
) (r Reset, err error) {
	had, err := user.HadFactor(ctx, tx, u.ID)
	if err != nil {
		return r, err
	}
	if r.Removed, err = unbindAll(ctx, tx, u.ID); err != nil {
		return r, err
	}
	if !had && r.Removed == 0 {
		return s.endResetWait(ctx, tx, u, by)
	}
	if r.Enrollable, err = enrollable(ctx, tx, bindable); err != nil {
		return r, err
	}
	if err := user.OpenRecovery(ctx, tx, u.ID, tx.Now.Add(user.RecoveryLife), !r.Enrollable); err != nil {
		return r, err
	}
	if err := session.EndOthers(ctx, tx, u.ID, "", session.MethodChanged); err != nil {
		return r, err
	}
	e := audit.Event{Action: audit.MethodsReset, Result: audit.OK, ActorID: by, UserID: u.ID, SubjectID: u.ID}
	if err := audit.Record(ctx, tx, e); err != nil {
		return r, err
	}
	return r, s.TellByHand(ctx, tx, u, "methods.reset")
}

// endResetWait lets a person who never had a method set one up at once, on the decision of
// people, although their password was reset by mail.
func (s *Service) endResetWait(ctx context.Context, tx *db.Tx, u user.User, by string) (r Reset, err error) {
	r.Waited, err = user.EndResetWait(ctx, tx, u.ID, policy.ResetWait)
	if err == nil && !r.Waited {
		err = fault.New(fault.Conflict, "methods.nothing_to_reset")
	}
	if err != nil {
		return r, err
	}
	e := audit.Event{Action: audit.MethodsReset, Result: audit.OK, Reason: "password_reset", ActorID: by, UserID: u.ID, SubjectID: u.ID}
	if err := audit.Record(ctx, tx, e); err != nil {
		return r, err
	}
	return r, s.TellByHand(ctx, tx, u, "methods.wait_ended")
}

// Reset is what came of ResetByHand.
type Reset struct {
	Waited     bool // nothing was removed: the wait after a reset of the password is over
	Removed    int  // how many methods
	Enrollable bool // whether the person can set up another
}

// unbindAll removes every method of a person but the password and the mailbox.
func unbindAll(ctx context.Context, tx *db.Tx, userID string) (removed int, err error) {
	all, err := authenticator.Of(ctx, tx, userID)
	if err != nil {
		return 0, err
	}
	for _, a := range all {
		if a.Kind == authenticator.Password || a.Kind == authenticator.Email {
			continue
		}
		if err := authenticator.Unbind(ctx, tx, userID, a.ID); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// enrollable reports whether vendor and company allow a second factor that can be set up here.
func enrollable(ctx context.Context, tx *db.Tx, bindable []authenticator.Kind) (bool, error) {
	t, err := tenant.Find(ctx, tx, tx.Tenant)
	if err != nil {
		return false, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	return policy.Enrollable(i.Methods, t.Methods, bindable), err
}
