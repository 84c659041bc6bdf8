package ratelimit

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// longestWindow bounds every window that a Limit may have: Sweep forgets what is older.
const longestWindow = 31 * 24 * time.Hour

// sweepBatch keeps a sweep from holding the write lock for long.
const sweepBatch = 500

// SpendIn takes one try from the budget of subject in the caller's transaction. A positive
// wait means that the budget is empty: nothing was spent, and that is how long to wait.
//
// The first statement takes the row, so that of two transactions the second decides on
// what the first has written.
func SpendIn(ctx context.Context, tx *db.Tx, l Limit, subject string) (wait time.Duration, err error) {
	stamps, err := take(ctx, tx, l, subject)
	if err != nil {
		return 0, err
	}
	if wait := Decide(l, stamps, tx.Now); wait > 0 {
		tx.Say(Refused(l.Name))
		return wait, nil
	}
	return 0, store(ctx, tx, l, subject, insert(stamps, tx.Now))
}

// GiveBack takes back the newest try of subject, one that was spent ahead of an answer
// which then was right. It does nothing where there is none.
func GiveBack(ctx context.Context, tx *db.Tx, l Limit, subject string) error {
	stamps, err := take(ctx, tx, l, subject)
	if err != nil || len(stamps) == 0 {
		return err
	}
	return store(ctx, tx, l, subject, stamps[:len(stamps)-1])
}

// Count is how many tries of subject lie within the last span, as far as the limit
// remembers them. It changes nothing.
func Count(ctx context.Context, tx *db.Tx, l Limit, subject string, span time.Duration) (int, error) {
	var kept []byte
	err := tx.QueryRow(ctx, `SELECT stamps FROM budgets WHERE tenant_id = $1 AND name = $2 AND subject = $3`,
		tx.Tenant, l.Name, name(subject)).Scan(&kept)
	if db.IsNoRows(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("count budget %s: %w", l.Name, err)
	}
	return within(decode(kept), tx.Now, span), nil
}

// Sweep forgets subjects that have been quiet for longer than any window, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (total int64, err error) {
	for {
		var n int64
		err := d.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(ctx, `
				DELETE FROM budgets WHERE (tenant_id, name, subject) IN (
					SELECT tenant_id, name, subject FROM budgets WHERE touched_at < $1 LIMIT $2) AND touched_at < $3`,
				tx.Now.Add(-longestWindow), sweepBatch, tx.Now.Add(-longestWindow))
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep budgets: %w", err)
		}
		if total += n; n < sweepBatch {
			return total, nil
		}
	}
}

// take makes the row ours until the transaction ends and returns its stamps.
func take(ctx context.Context, tx *db.Tx, l Limit, subject string) ([]time.Time, error) {
	var kept []byte
	err := tx.QueryRow(ctx, `
		INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, name, subject) DO UPDATE SET touched_at = excluded.touched_at
		RETURNING stamps`,
		tx.Tenant, l.Name, name(subject), []byte{}, tx.Now).Scan(&kept)
	if err != nil {
		return nil, fmt.Errorf("take budget %s: %w", l.Name, err)
	}
	return decode(kept), nil
}

func store(ctx context.Context, tx *db.Tx, l Limit, subject string, stamps []time.Time) error {
	stamps = stamps[max(0, len(stamps)-l.keep()):]
	_, err := tx.Exec(ctx, `UPDATE budgets SET stamps = $1 WHERE tenant_id = $2 AND name = $3 AND subject = $4`,
		encode(stamps), tx.Tenant, l.Name, name(subject))
	if err != nil {
		return fmt.Errorf("spend budget %s: %w", l.Name, err)
	}
	return nil
}

// insert keeps the order where two replicas' clocks differ.
func insert(stamps []time.Time, at time.Time) []time.Time {
	i := len(stamps)
	for i > 0 && stamps[i-1].After(at) {
		i--
	}
	return slices.Insert(stamps, i, at)
}

func encode(stamps []time.Time) []byte {
	out := make([]byte, 0, 8*len(stamps))
	for _, s := range stamps {
		out = binary.BigEndian.AppendUint64(out, uint64(db.Micros(s)))
	}
	return out
}

func decode(kept []byte) []time.Time {
	out := make([]time.Time, 0, len(kept)/8+1)
	for ; len(kept) >= 8; kept = kept[8:] {
		out = append(out, db.Time(int64(binary.BigEndian.Uint64(kept))))
	}
	return out
}

// name makes any subject a key that both engines store: what was typed by a stranger may
// be megabytes long or no text at all.
func name(subject string) string {
	if len(subject) <= 200 && utf8.ValidString(subject) && !strings.Contains(subject, "\x00") {
		return subject
	}
	return "sha256:" + hex.EncodeToString(secret.Hash(subject))
}
