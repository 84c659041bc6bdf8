// Package ratelimit decides whether one more try is allowed, over exact rolling windows,
// and remembers the tries of each subject in one row. It does not know what a try is, and
// it does not forgive by itself: RefundTry takes back a caller's own try, and Clear all of them.
package ratelimit

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Window allows Count tries within any span of length Per.
type Window struct {
	Count int
	Per   time.Duration
}

// Slow makes a subject wait between tries: once From tries lie inside Within, the next is
// allowed only First after the newest, then twice that for every further one, up to Max.
type Slow struct {
	From       int
	First, Max time.Duration
	Within     time.Duration
}

// Limit is a named budget. All its windows and its slowing must agree to a try.
type Limit struct {
	Name    string
	Windows []Window
	Slow    Slow
}

// Refused is what SpendIn says when a budget is empty: the name of its Limit.
type Refused string

// Spend takes one try from the budget of subject and commits on its own, so that a later
// rollback cannot give the try back. When the budget is empty it stores nothing and
// returns a RateLimited fault that says how long to wait.
func Spend(ctx context.Context, d *db.DB, tenant string, l Limit, subject string) error {
	return d.InTx(ctx, tenant, func(tx *db.Tx) error {
		wait, err := SpendIn(ctx, tx, l, subject)
		if err == nil && wait > 0 {
			return fault.New(fault.RateLimited, "limit.wait").After(wait)
		}
		return err
	})
}
