package passwordlink

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/ratelimit"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// errHasPassword: an invitation is for people who have no password.
var errHasPassword = fault.New(fault.Conflict, "user.has_password")

// errDisabled: no one is invited to an account that is closed.
var errDisabled = fault.New(fault.Conflict, "user.is_disabled")

// Budgets of invitations. Anyone who may invite people can have mail sent to addresses of their choice.
var (
	// A person who lost an invitation gets another, and then a few more. What a stranger asks for on the sign-in page
	// has a budget of its own.
	limitInvited = ratelimit.Limit{Name: "invitation.address",
		Windows: []ratelimit.Window{{Count: 5, Per: 24 * time.Hour}}}
	// A company of some hundred people is imported at once, if need be several times after mistakes in the file.
	limitInvites = ratelimit.Limit{Name: "invitation.company",
		Windows: []ratelimit.Window{{Count: 2000, Per: time.Hour}}}
)

// errInvitedOften: the address or the company has had as many invitations as it may.
var errInvitedOften = fault.New(fault.RateLimited, "user.invited_often")

// Invite mails a person who has no password a link with which they choose one; links that were sent to them before
// die, and a withdrawal of theirs is over. by is who invites. Conflict for a person who has a password or is disabled,
// RateLimited for an address or a company that has had many invitations.
func (s *Service) Invite(ctx context.Context, tx *db.Tx, u user.User, by access.Actor) error {
	if err := user.Lock(ctx, tx, u.ID); err != nil {
		return err
	}
	old, err := password.Load(ctx, tx, u.ID)
	switch {
	case err != nil:
		return err
	case old.Hash != "":
		return errHasPassword
	case !u.DisabledAt.IsZero():
		return errDisabled
	}
	if err := s.spendInvitation(ctx, tx, u, by); err != nil {
		return err
	}
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if err := closeAll(ctx, tx, u.ID, string(outofband.LinkReplaced)); err != nil {
		return err
	}
	if err := forgetWithdrawal(ctx, tx, u.ID); err != nil {
		return err
	}
	l := linkMail{purpose: invitation, life: s.Limits.InvitationLife, clientID: client.PortalID}
	if err := s.mailLink(ctx, tx, u, t.Name, l); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.UserInvited,
		Result:  audit.OK,
		ActorID: by.ID(),
		UserID:  u.ID,
		Origin:  by.Origin,
	})
}

// spendInvitation takes an invitation from the budgets of the address and of the company. The command line spends none
// of the company's: the operator of the server moves companies of any size to it.
func (s *Service) spendInvitation(ctx context.Context, tx *db.Tx, u user.User, by access.Actor) error {
	keys := []ratelimit.BudgetKey{{
		Tenant:  tx.Tenant,
		Limit:   limitInvited,
		Subject: user.Subject(s.Keys, u.Email),
	}}
	if by.Kind != access.CommandLine {
		keys = append(keys, ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limitInvites, Subject: tx.Tenant})
	}
	budgets, err := ratelimit.Read(ctx, tx, keys...)
	if err != nil {
		return fmt.Errorf("read budgets: %w", err)
	}
	if wait := budgets.Spend(tx); wait > 0 {
		return errInvitedOften.After(wait)
	}
	return budgets.Write(ctx, tx)
}
