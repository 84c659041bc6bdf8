package company

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// tellState tells the owners and admins of a company that it was suspended or resumed.
func (s *Service) tellState(
	ctx context.Context, tx *db.Tx, a access.Actor, was, is tenant.Tenant, reason string,
) error {
	suspended := !is.SuspendedAt.IsZero()
	if suspended == !was.SuspendedAt.IsZero() {
		return nil
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	by, err := people.ChangedBy(ctx, tx, a)
	if err != nil {
		return err
	}
	return s.Notifier.SendToAdmins(ctx, tx, notify.Notice{
		Purpose: "company.state",
		Content: email.CompanyState{
			Vendor:    i.Name,
			Company:   is.Name,
			Suspended: suspended,
			Reason:    reason,
			By:        by,
		},
	})
}
