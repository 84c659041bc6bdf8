// Package incident handles reports of people who read an account's mail and did not do what it says: a
// sign-in ("this wasn't me") or a change of address. It ends what is open, suspends what was set up and
// flags the password. It removes nothing, and it never opens an account.
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

// accountHolder is the person whose account it is, and the vendor's name in mails to them.
type accountHolder struct {
	user   user.User
	vendor string
}

func loadHolder(ctx context.Context, tx *db.Tx, userID string) (h accountHolder, err error) {
	if h.user, err = user.ByID(ctx, tx, userID); err != nil {
		return h, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	h.vendor = i.Name
	return h, err
}

// reportEvent is the audit's row of what a report did to an account.
func reportEvent(action audit.Action, reason, userID, method, subject string, v session.Visitor) audit.Event {
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
