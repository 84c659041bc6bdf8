package ratelimit

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// longestWindow bounds every window that a Limit may have: Sweep forgets what is older.
const longestWindow = 31 * 24 * time.Hour

// day is how exactly a row says when it was last written to. A sweep waits a day longer,
// because the version before wrote the instant itself.
const day = 24 * time.Hour

// SpendIn takes one try from the budget of subject in the caller's transaction. A positive
// wait means that the budget is empty: nothing was spent, and that is how long to wait.
//
// The row is held first, so that of two transactions the second decides on what the first
// has written.
func SpendIn(ctx context.Context, tx *db.Tx, l Limit, subject string) (wait time.Duration, err error) {
	one := Budgets{FromStored(BudgetKey{Tenant: tx.Tenant, Limit: l, Subject: subject}, nil)}
	if err := one.Lock(ctx, tx); err != nil {
		return 0, err
	}
	if wait := one.Spend(tx); wait > 0 {
		return wait, nil
	}
	return 0, one.Write(ctx, tx)
}

// Sweep forgets subjects that have been quiet for longer than any window, and returns how many.
// The condition stands there twice: someone may be spending from a row meanwhile.
func Sweep(ctx context.Context, d *db.DB) (total int64, err error) {
	for _, text := range []string{`
		DELETE FROM budgets WHERE (tenant_id, name, subject) IN (
			SELECT tenant_id, name, subject FROM budgets WHERE touched_at < $1 LIMIT $2) AND touched_at < $1`, `
		DELETE FROM installation_budgets WHERE (name, subject) IN (
			SELECT name, subject FROM installation_budgets WHERE touched_at < $1 LIMIT $2) AND touched_at < $1`,
	} {
		n, err := d.DeleteOld(ctx, "budgets", text, longestWindow+day)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// tagBits are the highest bits of a stored stamp: microseconds need the other 52 until the
// year 2112. Without a tag they are zero.
const tagBits = 12

func encode(stamps []time.Time, tags []uint16) []byte {
	out := make([]byte, 0, 8*len(stamps))
	for i, s := range stamps {
		out = binary.BigEndian.AppendUint64(out, uint64(db.Micros(s))|uint64(tags[i])<<(64-tagBits))
	}
	return out
}

func decode(kept []byte) (stamps []time.Time, tags []uint16) {
	stamps, tags = make([]time.Time, 0, len(kept)/8+1), make([]uint16, 0, len(kept)/8+1)
	for ; len(kept) >= 8; kept = kept[8:] {
		word := binary.BigEndian.Uint64(kept)
		stamps = append(stamps, db.Time(int64(word&(1<<(64-tagBits)-1))))
		tags = append(tags, uint16(word>>(64-tagBits)))
	}
	return stamps, tags
}

// storedSubject makes any subject a key that both engines store: what was typed by a stranger may
// be megabytes long or no text at all.
func storedSubject(subject string) string {
	if len(subject) <= 200 && utf8.ValidString(subject) && !strings.Contains(subject, "\x00") {
		return subject
	}
	return "sha256:" + hex.EncodeToString(secret.Hash(subject))
}
