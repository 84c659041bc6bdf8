package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/ratelimit"
)

// limitRefused bounds what one actor can write to the log by trying again and again what they may not do. Those whom
// a page offers what they may not do try it a few times; more than 60 an hour say nothing new.
var limitRefused = ratelimit.Limit{Name: "refused.actor", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// RecordRefusal records that someone may not do what they asked for, where err says so, and returns err. It has a
// transaction of its own: the one in which it was refused is rolled back. It fails where the refusal cannot be kept.
func RecordRefusal(ctx context.Context, d *db.DB, err error) error {
	var r *access.Refusal
	if !errors.As(err, &r) {
		return err
	}
	failed := audit.OrLater(ctx, d, r.Tenant(), func(ctx context.Context, tx *db.Tx) error {
		home := tx.ForTenant(cmp.Or(r.Actor.TenantID, db.Installation))
		wait, err := ratelimit.SpendIn(ctx, home, limitRefused, r.Actor.ID())
		if err != nil || wait > 0 {
			return err
		}
		return audit.Record(ctx, tx, r.Event())
	})
	if failed != nil {
		return fmt.Errorf("record that %s was refused: %w", r.Action, failed)
	}
	return err
}

// View runs fn to look at something, as db.DB.View does, and records a refusal.
func View(ctx context.Context, d *db.DB, fn func(tx *db.Tx) error) error {
	return RecordRefusal(ctx, d, d.View(ctx, db.Installation, fn))
}

// unknownTo makes a Refusal of the answer that there is no such person or company, unless the vendor's staff gets it.
// People of other companies are as unknown as people who do not exist, and the log makes no difference either.
func unknownTo(a access.Actor, action access.Action, err error) error {
	if a.Staff() {
		return err
	}
	return &access.Refusal{Actor: a, Action: action, Cause: err}
}
