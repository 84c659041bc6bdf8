package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TellOwners tells the owners of tx.Tenant what an actor did: that they exported something, or reset the methods of a
// person. The actor is told, too, if they are one of them: someone else may have their session.
func TellOwners(
	ctx context.Context, tx *db.Tx, n *notify.Notifier, a access.Actor, what email.Alert, u user.User,
) error {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	by, err := ChangedBy(ctx, tx, a)
	if err != nil {
		return err
	}
	err = n.SendAlertToOwners(ctx, tx, "company."+string(what), func(next time.Time) email.Content {
		return email.CompanyAlert{
			Vendor:  i.Name,
			Company: t.Name,
			What:    what,
			Name:    u.Name,
			Email:   u.Email,
			By:      by,
			Next:    next,
		}
	})
	if err != nil {
		return fmt.Errorf("tell the owners: %w", err)
	}
	return nil
}
