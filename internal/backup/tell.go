package backup

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// noticeLife is how long a mail may wait for a server that serves again and for the mail
// server.
const noticeLife = 7 * 24 * time.Hour

// TellOwners queues a mail to each owner. It leaves when something serves again. No budget
// of the address is asked: a return to an earlier state is not something that a stranger
// can cause.
func TellOwners(q *message.Queue) Teller {
	return func(ctx context.Context, tx *db.Tx, e Epoch) error {
		vendor, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load the vendor's name: %w", err)
		}
		company, err := tenant.ByID(ctx, tx, tx.Tenant)
		if err != nil {
			return err
		}
		people, err := user.Admins(ctx, tx)
		if err != nil {
			return err
		}
		letter := email.Restored{Vendor: vendor.Name, Company: company.Name, State: e.CopyOf, At: e.RaisedAt}
		for _, to := range people {
			if to.Role == user.Admin {
				continue
			}
			_, err := q.Put(ctx, tx, message.Outgoing{
				UserID: to.ID, Channel: "email", Purpose: "installation.restored", To: to.Email, Hint: outofband.Mask(to.Email),
				Language: to.Language, Template: email.Template(letter), Data: letter, ExpiresAt: tx.Now.Add(noticeLife),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// TellReviewed queues a mail to a person some of whose methods a review suspended.
func TellReviewed(q *message.Queue) func(ctx context.Context, tx *db.Tx, userID string) error {
	return func(ctx context.Context, tx *db.Tx, userID string) error {
		vendor, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load the vendor's name: %w", err)
		}
		to, err := user.ByID(ctx, tx, userID)
		if err != nil {
			return err
		}
		letter := email.ByHand{Vendor: vendor.Name, What: "methods suspended", At: tx.Now}
		_, err = q.Put(ctx, tx, message.Outgoing{
			UserID:    to.ID,
			Channel:   "email",
			Purpose:   "methods.suspended",
			To:        to.Email,
			Hint:      outofband.Mask(to.Email),
			Language:  to.Language,
			Template:  email.Template(letter),
			Data:      letter,
			ExpiresAt: tx.Now.Add(noticeLife),
		})
		return err
	}
}
