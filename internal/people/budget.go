package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/ratelimit"
	"countersign/internal/user"
)

// limitChanges bounds how often one administrator changes one person: each change mails them, and an administrator
// who helps someone makes a few. It is for each administrator by themselves, so that none keeps another from
// disabling an account.
var limitChanges = ratelimit.Limit{Name: "change.person",
	Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

var errChangedOften = fault.New(fault.RateLimited, "people.changed_often")

// spendChange takes one change of a person from the budget of an actor who is a person.
func spendChange(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
	if a.Kind != access.Person {
		return nil
	}
	wait, err := ratelimit.SpendIn(ctx, tx, limitChanges, a.UserID+" "+u.ID)
	if err != nil {
		return fmt.Errorf("spend a change: %w", err)
	}
	if wait > 0 {
		return errChangedOften.After(wait)
	}
	return nil
}
