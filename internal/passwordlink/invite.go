package passwordlink

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// errHasPassword: an invitation is for people who have no password.
var errHasPassword = fault.New(fault.Conflict, "user.has_password")

// errDisabled: no one is invited to an account that is closed.
var errDisabled = fault.New(fault.Conflict, "user.is_disabled")

// Invite mails a person who has no password a link with which they choose one; links that
// were sent to them before die. by names who invites, for the audit log. Conflict for a
// person who has a password or is disabled.
func (s *Service) Invite(ctx context.Context, tx *db.Tx, u user.User, by string) error {
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
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if err := closeAll(ctx, tx, u.ID, string(outofband.LinkReplaced)); err != nil {
		return err
	}
	l := linkMail{purpose: invitation, life: s.Limits.InvitationLife, clientID: client.PortalID}
	if err := s.mailLink(ctx, tx, u, t.Name, l); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.UserInvited,
		Result:  audit.OK,
		ActorID: by,
		UserID:  u.ID,
	})
}
