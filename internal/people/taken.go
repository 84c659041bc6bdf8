package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/ratelimit"
	"countersign/internal/user"
)

// limitTaken bounds how many addresses one person finds to be taken: they learn who uses the vendor's products in other
// companies. Those who mistype the address of a colleague find a few.
var limitTaken = ratelimit.Limit{Name: "person.taken", Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

var errTakenOften = fault.New(fault.RateLimited, "people.taken_often")

// mayTryAddress fails with RateLimited where a person has found many addresses to be taken.
func mayTryAddress(ctx context.Context, tx *db.Tx, a access.Actor) error {
	if a.Kind != access.Person {
		return nil
	}
	budgets, err := ratelimit.Read(ctx, tx,
		ratelimit.BudgetKey{Tenant: a.TenantID, Limit: limitTaken, Subject: a.UserID})
	if err != nil {
		return fmt.Errorf("read budget of taken addresses: %w", err)
	}
	if wait := budgets[0].Wait(tx.Now); wait > 0 {
		return errTakenOften.After(wait)
	}
	return nil
}

// RecordTaken records in the actor's company that they tried to give someone an address that is taken, where err says
// so, and returns err. It does not record the address: its holder may be in another company. It has a transaction
// of its own, as RecordRefusal has. Where the actor has found many, it says so instead of err.
func (s *Service) RecordTaken(ctx context.Context, a access.Actor, tried audit.Action, err error) error {
	if a.Kind != access.Person || fault.Of(err).Message != user.AddressTaken {
		return err
	}
	var wait time.Duration
	failed := audit.OrLater(ctx, s.DB, a.TenantID, func(ctx context.Context, tx *db.Tx) (err error) {
		wait, err = ratelimit.SpendIn(ctx, tx, limitTaken, a.UserID)
		if err != nil || wait > 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action:  tried,
			Result:  audit.Failed,
			Reason:  "address_taken",
			ActorID: a.ID(),
			Origin:  a.Origin,
		})
	})
	switch {
	case failed != nil:
		return fmt.Errorf("record a taken address: %w", failed)
	case wait > 0:
		return errTakenOften.After(wait)
	}
	return err
}
