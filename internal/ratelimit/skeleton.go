package ratelimit

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Decide is pure.
func Decide(l Limit, stamps []time.Time, now time.Time) (wait time.Duration) { return 0 }

// SpendIn takes one try inside the caller's transaction.
func SpendIn(ctx context.Context, tx *db.Tx, l Limit, subject string) (wait time.Duration, err error) {
	return 0, nil
}

// GiveBack takes back the newest try.
func GiveBack(ctx context.Context, tx *db.Tx, l Limit, subject string) error { return nil }

// Count is how many tries lie within the last span.
func Count(ctx context.Context, tx *db.Tx, l Limit, subject string, within time.Duration) (int, error) {
	return 0, nil
}

// Sweep forgets subjects that have been quiet for longer than any window.
func Sweep(ctx context.Context, d *db.DB) (int64, error) { return 0, nil }
