package incident

import (
	"context"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/session"
	"countersign/internal/user"
)

// suspendWithin is how old a set-up may be for a report to suspend it. A stranger who reads
// the mailbox must not be able to suspend a method that its owner has used for longer.
const suspendWithin = 72 * time.Hour

// suspendBoundIn suspends what was set up in a disputed sign-in, so that a thief's authenticator
// does not open the account. It removes nothing: the account still requires what is suspended until
// someone proves an undisputed method or an administrator decides.
func (s *Service) suspendBoundIn(ctx context.Context, tx *db.Tx, h accountHolder, flowID string,
	v session.Visitor) error {
	bound, err := authenticator.BoundIn(ctx, tx, flowID)
	if err != nil {
		return err
	}
	return s.suspendRecent(ctx, tx, h, bound, v)
}

// suspendAfterChange suspends what was set up in the sign-in of a change of address, and since: the
// account may have been the thief's alone meanwhile.
func (s *Service) suspendAfterChange(
	ctx context.Context, tx *db.Tx, h accountHolder, c user.Change, v session.Visitor,
) error {
	bound, err := authenticator.BoundIn(ctx, tx, c.FlowID)
	if err != nil {
		return err
	}
	since, err := authenticator.BoundSince(ctx, tx, h.user.ID, c.ConfirmedAt)
	if err != nil {
		return err
	}
	for _, a := range since {
		if !slices.ContainsFunc(bound, func(b authenticator.Authenticator) bool { return b.ID == a.ID }) {
			bound = append(bound, a)
		}
	}
	return s.suspendRecent(ctx, tx, h, bound, v)
}

// suspendRecent suspends those that were set up within suspendWithin, and notifies every address of
// the account. It alerts the vendor if that leaves the company without an owner who can sign in.
func (s *Service) suspendRecent(
	ctx context.Context, tx *db.Tx, h accountHolder, all []authenticator.Authenticator, v session.Visitor,
) error {
	stuckBefore, err := ownersStuck(ctx, tx, h.user)
	if err != nil {
		return err
	}
	for _, a := range all {
		if !a.BoundAt.After(tx.Now.Add(-suspendWithin)) {
			continue
		}
		if err := s.suspendOne(ctx, tx, h, a, v); err != nil {
			return err
		}
	}
	stuckNow, err := ownersStuck(ctx, tx, h.user)
	if err != nil || stuckBefore || !stuckNow {
		return err
	}
	return s.alertVendor(ctx, tx, h, v)
}

func (s *Service) suspendOne(ctx context.Context, tx *db.Tx, h accountHolder, a authenticator.Authenticator,
	v session.Visitor) error {
	first, err := authenticator.Suspend(ctx, tx, h.user.ID, a.ID)
	if err != nil || !first {
		return err
	}
	e := reportEvent(audit.MethodSuspended, "not_me", h.user.ID, string(a.Kind), a.ID, v)
	if err := audit.Record(ctx, tx, e); err != nil {
		return err
	}
	c := email.MethodChanged{
		Vendor:   h.vendor,
		Kind:     string(a.Kind),
		Label:    a.Label,
		Reported: true,
		IP:       v.IP,
		Place:    v.Place,
		Browser:  v.Browser,
		At:       tx.Now,
	}
	return s.Notifier.SendToHolder(ctx, tx, h.user, notify.Notice{Purpose: "method.suspended", Content: c})
}

// ownersStuck reports whether u is an owner, and no owner of the company has a working method.
func ownersStuck(ctx context.Context, tx *db.Tx, u user.User) (bool, error) {
	if u.Role != user.Owner {
		return false, nil
	}
	return user.OwnersStuck(ctx, tx)
}

// alertVendor tells the vendor's operators that a report left a company without an owner who
// can sign in: no one in the company can help any more.
func (s *Service) alertVendor(ctx context.Context, tx *db.Tx, h accountHolder, v session.Visitor) error {
	if err := audit.Record(ctx, tx, reportEvent(audit.OwnersStuck, "not_me", h.user.ID, "", h.user.ID, v)); err != nil {
		return err
	}
	letter := email.NotMeAlert{
		Vendor:    h.vendor,
		UserName:  h.user.Name,
		UserEmail: h.user.Email,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		Stuck:     true,
	}
	notice := notify.Notice{Purpose: "company.owners_stuck", Content: letter, WithinBudget: true}
	return s.Notifier.SendToOperators(ctx, tx, notice)
}
