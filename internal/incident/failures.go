package incident

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/tenant"
)

// ManyFailures is how many wrong passwords and codes in an hour a company's owners are told of.
const ManyFailures = 30

// limitFailures bounds how often owners are told of failures: anyone can cause them.
var limitFailures = ratelimit.Limit{Name: "alert.failures",
	Windows: []ratelimit.Window{{Count: 1, Per: 12 * time.Hour}}}

// TellFailures tells the owners of each company in which many sign-ins failed in the last hour.
func (s *Service) TellFailures(ctx context.Context) error {
	failing, err := audit.ListFailing(ctx, s.DB, s.DB.Now().Add(-time.Hour), ManyFailures)
	if err != nil {
		return err
	}
	for _, f := range failing {
		if f.Tenant == db.Installation {
			continue // it has no owners
		}
		if err := s.DB.InTx(ctx, f.Tenant, func(tx *db.Tx) error { return s.tellFailures(ctx, tx, f) }); err != nil {
			return fmt.Errorf("tell of failures: %w", err)
		}
	}
	return nil
}

func (s *Service) tellFailures(ctx context.Context, tx *db.Tx, f audit.Failing) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitFailures, tx.Tenant)
	if err != nil || wait > 0 {
		return err
	}
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	return s.Notifier.SendToOwners(ctx, tx, notify.Notice{
		Purpose: "company." + string(email.AlertFailures),
		Content: email.CompanyAlert{
			Vendor:   i.Name,
			Company:  t.Name,
			What:     email.AlertFailures,
			Count:    f.Failed,
			Accounts: f.Accounts,
			By:       email.ChangedBy{At: tx.Now},
		},
	})
}
