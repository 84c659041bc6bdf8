// Package incident takes the word of anyone who reads an account's mail that something was not done by its
// owner: a sign-in ("this wasn't me") or a change of address. It ends what is open, suspends what was set
// up and flags the password. It removes nothing, and it never opens an account.
package incident

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Service takes reports.
type Service struct {
	DB       *db.DB
	Keys     *secret.Keys
	Notifier *notify.Notifier
}

// holder is whose account it is, and what the vendor is called in mails to them.
type holder struct {
	user   user.User
	vendor string
}

func holderOf(ctx context.Context, tx *db.Tx, userID string) (h holder, err error) {
	if h.user, err = user.ByID(ctx, tx, userID); err != nil {
		return h, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	h.vendor = i.Name
	return h, err
}

// event is the audit's row of what a report did to an account.
func event(action audit.Action, reason, userID, method, subject string, v session.Visitor) audit.Event {
	return audit.Event{
		Action:    action,
		Result:    audit.OK,
		Reason:    reason,
		ActorID:   userID,
		UserID:    userID,
		Method:    method,
		SubjectID: subject,
		Origin:    v.Origin(),
	}
}
