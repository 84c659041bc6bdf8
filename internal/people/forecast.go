package people

import (
	"context"
	"fmt"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// Forecast is how many people a requirement of two-factor authentication meets, and how. Accounts that are disabled
// are not counted.
type Forecast struct {
	People    int // everyone below
	Ready     int // have a method that is allowed
	MustSetUp int // set one up at the next sign-in
	LockedOut int // cannot sign in until an administrator resets their methods
	Invited   int // have not accepted their invitation
}

// ForecastFor counts the people of the transaction's tenant by what happens to them once a second step is required of
// everyone with what allowed allows.
func ForecastFor(ctx context.Context, tx *db.Tx, allowed policy.Allowed) (f Forecast, err error) {
	method := strings.ReplaceAll(methodCondition(allowed), "%s", "$2")
	// A working factor that is ruled out still opens the set-up of another, and so does the mailbox of an account
	// that has no factor.
	opens := user.MailboxProtects + " OR " + user.HasWorking + "a.kind IN ('sms', 'totp', 'passkey', 'push'))"
	err = tx.QueryRow(ctx, `
		SELECT count(*),
			count(*) FILTER (WHERE p.user_id IS NOT NULL AND (`+method+`)),
			count(*) FILTER (WHERE p.user_id IS NOT NULL AND NOT (`+method+`) AND (`+opens+`)),
			count(*) FILTER (WHERE p.user_id IS NOT NULL AND NOT (`+method+`) AND NOT (`+opens+`)),
			count(*) FILTER (WHERE p.user_id IS NULL)
		FROM users u LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = $1 AND u.disabled_at = 0`, tx.Tenant, factorWords(allowed)).
		Scan(&f.People, &f.Ready, &f.MustSetUp, &f.LockedOut, &f.Invited)
	if err != nil {
		return f, fmt.Errorf("count people: %w", err)
	}
	return f, nil
}

// methodCondition holds for a user u who has a method that is allowed and works; each %s in it is factorWords.
func methodCondition(allowed policy.Allowed) string {
	method := user.HasWorking + kindAllowed + ")"
	if allowed.Allows(authenticator.Email) {
		method += " OR " + user.MailboxProtects + " AND " + user.HasWorking + "a.kind = 'email')"
	}
	return method
}
