package profile

import (
	"context"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// limitGuesses bounds what someone at an unlocked screen may guess.
var limitGuesses = ratelimit.Limit{Name: "password.change", Windows: []ratelimit.Window{{Count: 10, Per: time.Hour}}}

var (
	errWrong   = fault.New(fault.Denied, "profile.problem.password")
	errSame    = fault.New(fault.Invalid, "password.problem.same")
	errTooMany = fault.New(fault.RateLimited, "signin.problem.wait")
	errChanged = fault.New(fault.Conflict, "profile.problem.changed")
)

// ChangePassword sets a new password for someone who knows the present one (ALO-16). What
// the old one opened ends, but for the session in which it was changed. A wrong one is
// Denied and costs a try; what is wrong with the new one is Invalid.
func (s *Service) ChangePassword(ctx context.Context, o Owner, current, next secret.Text) error {
	ctx = password.WithQueueKey(ctx, password.QueueKey{Group: o.User.TenantID, Key: o.User.ID})
	old, err := s.checkPassword(ctx, o, current)
	if err != nil {
		return err
	}
	if err := password.Check(next, o.Vendor, o.Company, o.User.Name, o.User.Email); err != nil {
		return err
	}
	if current == next {
		return errSame
	}
	stored, err := s.Passwords.Hash(ctx, next) // slow: outside any transaction
	if err != nil {
		return err
	}
	return s.change(ctx, o, o.event(audit.PasswordReplaced, audit.OK, "changed", o.SessionID), func(tx *db.Tx) error {
		return s.setPassword(ctx, tx, o, old, stored)
	})
}

// checkPassword takes a try, commits, and compares.
func (s *Service) checkPassword(ctx context.Context, o Owner, current secret.Text) (old password.Stored, err error) {
	err = s.DB.InTx(ctx, o.User.TenantID, func(tx *db.Tx) error {
		wait, err := ratelimit.SpendIn(ctx, tx, limitGuesses, o.User.ID)
		if err == nil && wait > 0 {
			err = errTooMany.After(wait)
		}
		if err != nil {
			return err
		}
		old, err = password.Load(ctx, tx, o.User.ID)
		return err
	})
	if err != nil {
		return old, err
	}
	ok, err := s.Passwords.Match(ctx, old, current)
	if err == nil && !ok {
		failed := o.event(audit.PasswordReplaced, audit.Failed, "wrong_password", o.SessionID)
		err = s.DB.InTx(ctx, o.User.TenantID, func(tx *db.Tx) error { return audit.Record(ctx, tx, failed) })
		if err == nil {
			err = errWrong
		}
	}
	return old, err
}

// setPassword runs while the account's row is held, so that of two changes at once the second
// finds that what it compared with is gone.
func (s *Service) setPassword(ctx context.Context, tx *db.Tx, o Owner, old, stored password.Stored) error {
	now, err := password.Load(ctx, tx, o.User.ID)
	if err == nil && now != old {
		err = errChanged
	}
	if err != nil {
		return err
	}
	if err := password.Set(ctx, tx, o.User.ID, stored); err != nil {
		return err
	}
	if err := user.PasswordChanged(ctx, tx, o.User.ID); err != nil {
		return err
	}
	if err := session.Carry(ctx, tx, o.SessionID, o.User.SecurityVersion, o.User.SecurityVersion+1); err != nil {
		return err
	}
	if err := session.EndOthers(ctx, tx, o.User.ID, o.SessionID, session.PasswordChanged); err != nil {
		return err
	}
	return s.sendNotice(ctx, tx, o, "password.changed")
}

// sendNotice sends a notice to every address of the account.
func (s *Service) sendNotice(ctx context.Context, tx *db.Tx, o Owner, what string) error {
	v := o.Visitor
	c := email.AccountChanged{
		Vendor:    o.Vendor,
		Company:   o.Company,
		What:      what,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, o.FlowID),
	}
	return s.Notifier.SendToHolder(ctx, tx, o.User, notify.Notice{Purpose: what, Content: c})
}
