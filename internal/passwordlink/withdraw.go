package passwordlink

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/user"
)

// withdrawn is why a link closed whose invitation was withdrawn. Such a link stays for as long as the person has no
// password, and keeps them from asking for another one by themselves.
const withdrawn = "withdrawn"

// errNotInvited: there is no invitation that could be withdrawn.
var errNotInvited = fault.New(fault.Conflict, "user.not_invited")

// Withdraw ends the links of a person who has no password, at once, and no one is mailed another until they are invited
// again. by is who withdraws the invitation. Conflict where there is none, and for a person who has accepted it: of two
// who withdraw and accept it at the same moment, one wins.
func (s *Service) Withdraw(ctx context.Context, tx *db.Tx, u user.User, by access.Actor) error {
	if err := user.Lock(ctx, tx, u.ID); err != nil {
		return err
	}
	old, err := password.Load(ctx, tx, u.ID)
	if err == nil && old.Hash != "" {
		err = errHasPassword
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, withdrawn, tx.Tenant, u.ID)
	if err != nil {
		return fmt.Errorf("close the links: %w", err)
	}
	if n == 0 {
		return errNotInvited
	}
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.InvitationWithdrawn,
		Result:  audit.OK,
		ActorID: by.ID(),
		UserID:  u.ID,
		Origin:  by.Origin,
	})
}

// Withdrawn reports whether the invitation of a person of tx.Tenant was withdrawn, and no other was sent since.
func Withdrawn(ctx context.Context, tx *db.Tx, userID string) (yes bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM password_links
			WHERE tenant_id = $1 AND user_id = $2 AND closed_because = 'withdrawn')`, tx.Tenant, userID).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("look for a withdrawn invitation: %w", err)
	}
	return yes, nil
}

// forgetWithdrawal lets a person whose invitation was withdrawn be mailed links again.
func forgetWithdrawal(ctx context.Context, tx *db.Tx, userID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_because = $1
		WHERE tenant_id = $2 AND user_id = $3 AND closed_because = 'withdrawn'`,
		string(outofband.LinkReplaced), tx.Tenant, userID)
	return err
}
