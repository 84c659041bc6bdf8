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

// TellOwners queues a mail to each owner. It leaves when something serves again. No budget
// of the address is asked: a return to an earlier state is not something that a stranger
// can cause.
func TellOwners(n *notify.Notifier) Teller {
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
		return n.SendToOwners(ctx, tx, notify.Notice{Purpose: "installation.restored", Content: letter, Life: noticeLife})
	}
}

// TellReviewed queues a mail to a person some of whose methods a review suspended.
func TellReviewed(n *notify.Notifier) func(ctx context.Context, tx *db.Tx, userID string) error {
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
		return n.SendToHolder(ctx, tx, to, notify.Notice{Purpose: "methods.suspended", Content: letter, Life: noticeLife})
	}
}
