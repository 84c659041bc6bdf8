package backup

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// noticeLife is how long a mail may wait for a server that serves again and for the mail
// server.
const noticeLife = 7 * 24 * time.Hour

// OwnerMails queues a mail to each owner, which is sent once a server runs again. It needs no budget
// of the address: strangers cannot cause a return to an earlier state.
func OwnerMails(n *notify.Notifier) NotifyOwners {
	return func(ctx context.Context, tx *db.Tx, e Epoch) error {
		vendor, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load the vendor's name: %w", err)
		}
		company, err := tenant.ByID(ctx, tx, tx.Tenant)
		if err != nil {
			return fmt.Errorf("load the company: %w", err)
		}
		letter := email.Restored{
			Vendor:  vendor.Name,
			Company: company.Name,
			State:   e.CopyOf,
			At:      e.RaisedAt,
		}
		return n.SendToOwners(ctx, tx, notify.Notice{
			Purpose: "installation.restored",
			Content: letter,
			Life:    noticeLife,
		})
	}
}

// ReviewMails queues a mail to a person who lost methods in a review.
func ReviewMails(n *notify.Notifier) func(ctx context.Context, tx *db.Tx, userID string) error {
	return func(ctx context.Context, tx *db.Tx, userID string) error {
		vendor, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load the vendor's name: %w", err)
		}
		to, err := user.ByID(ctx, tx, userID)
		if err != nil {
			return fmt.Errorf("load the person: %w", err)
		}
		letter := email.ByHand{Vendor: vendor.Name, What: "methods suspended", At: tx.Now}
		return n.SendToHolder(ctx, tx, to, notify.Notice{
			Purpose: "methods.suspended",
			Content: letter,
			Life:    noticeLife,
		})
	}
}
