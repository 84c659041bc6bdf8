package ratelimit

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"countersign/internal/db"
)

// BudgetKey names one budget. A Tag marks the tries of one occasion within it, such as the
// answers to one code, of which there are PerTag. RefundTry takes back only tries of that Tag.
// The occasion began at Since: tries before it are another's, whose tag looks the same.
type BudgetKey struct {
	Tenant  string
	Limit   Limit
	Subject string
	Tag     string
	PerTag  int
	Since   time.Time
}

// Budget is a budget as it was read, with the changes that Write stores.
type Budget struct {
	BudgetKey
	stored    []byte
	storedOld []byte // what the row in the old table held, see inBothTables
	stamps    []time.Time
	tags      []uint16 // one for each stamp; 0 = none
	changed   bool
}

// FromStored is a budget whose stamps another query has read; nil where there was no row.
func FromStored(key BudgetKey, stamps []byte) *Budget {
	b := &Budget{BudgetKey: key, stored: stamps}
	b.decodeStored()
	return b
}

func (b *Budget) decodeStored() {
	b.changed = false
	b.stamps, b.tags = decode(b.stored)
	if b.storedOld != nil {
		b.mergeOldRow(decode(b.storedOld))
	}
}

// Wait is how long the subject must wait; zero or less means that it may try.
func (b *Budget) Wait(now time.Time) time.Duration { return Decide(b.Limit, b.stamps, now) }

// Left is how many tries of the budget's own Tag are left.
func (b *Budget) Left() int {
	n, tag := b.PerTag, tagOf(b.Tag)
	for i, t := range b.tags {
		if t == tag && !b.stamps[i].Before(b.Since) {
			n--
		}
	}
	return max(n, 0)
}

// Used is how many tries lie within the last span, as far as the limit remembers them.
func (b *Budget) Used(now time.Time, span time.Duration) int { return countWithin(b.stamps, now, span) }

// RefundTry takes back the newest try of the budget's own Tag: one that was spent ahead of an
// answer which then was right. It never takes back a try of another occasion, and does nothing
// where there is none of this one.
func (b *Budget) RefundTry() {
	tag := tagOf(b.Tag)
	for i := len(b.tags) - 1; i >= 0; i-- {
		if b.tags[i] == tag {
			b.stamps, b.tags = slices.Delete(b.stamps, i, i+1), slices.Delete(b.tags, i, i+1)
			b.changed = true
			return
		}
	}
}

// WindowWait is how long the windows alone make the subject wait, whatever the slowing says;
// zero or less means not at all.
func (b *Budget) WindowWait(now time.Time) time.Duration {
	return Decide(Limit{Windows: b.Limit.Windows}, b.stamps, now)
}

// UsedByTag is how many tries of the budget's own Tag lie within the last span, as far as the
// limit remembers them.
func (b *Budget) UsedByTag(now time.Time, span time.Duration) (n int) {
	tag := tagOf(b.Tag)
	for i := len(b.stamps) - 1; i >= 0 && now.Sub(b.stamps[i]) < span; i-- {
		if b.tags[i] == tag {
			n++
		}
	}
	return n
}

// Clear forgets every try.
func (b *Budget) Clear() {
	if len(b.stamps) > 0 {
		b.stamps, b.tags, b.changed = b.stamps[:0], b.tags[:0], true
	}
}

// Count adds a try without asking whether there is one left.
func (b *Budget) Count(now time.Time) { b.addTry(now) }

// addTry stamps a try, never earlier than its occasion began: the clock may have been set back since, and another
// replica's may be behind.
func (b *Budget) addTry(now time.Time) {
	if now.Before(b.Since) {
		now = b.Since
	}
	i := len(b.stamps)
	for i > 0 && b.stamps[i-1].After(now) { // keeps the order where two replicas' clocks differ
		i--
	}
	b.insertTry(i, now, tagOf(b.Tag))
	b.changed = true
}

func (b *Budget) insertTry(i int, at time.Time, tag uint16) {
	b.stamps, b.tags = slices.Insert(b.stamps, i, at), slices.Insert(b.tags, i, tag)
	over := max(0, len(b.stamps)-b.Limit.stampsToKeep())
	b.stamps, b.tags = b.stamps[over:], b.tags[over:]
}

// tagOf is short: two occasions of the same time that share a tag share their tries, which is one
// in four thousand and errs towards caution.
func tagOf(tag string) uint16 {
	if tag == "" {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(tag))
	return uint16(h.Sum32()%(1<<tagBits-1)) + 1
}

// Budgets are the budgets that one step takes a try from.
type Budgets []*Budget

// Spend takes one try from every budget, or none: then wait says how long to wait.
func (all Budgets) Spend(tx *db.Tx) (wait time.Duration) {
	for _, one := range all {
		if w := one.Wait(tx.Now); w > 0 {
			tx.Emit(Refused(one.Limit.Name))
			wait = max(wait, w)
		}
	}
	if wait > 0 {
		return wait
	}
	for _, one := range all {
		one.addTry(tx.Now)
	}
	return 0
}

// Write stores what was changed, only over what was read. Where someone was faster it returns
// db.ErrConflict, and nothing of the unit of work stays; the next try should Lock.
func (all Budgets) Write(ctx context.Context, tx *db.Tx) error { return all.write(ctx, tx, true) }

// WriteLater is Write without waiting for the outcome: the write is sent with the next statement,
// and the unit of work runs again if someone else was faster.
func (all Budgets) WriteLater(ctx context.Context, tx *db.Tx) error { return all.write(ctx, tx, false) }

// Read reads budgets: those of a company with one statement, and those of the installation with
// another. When the unit of work runs again it also locks them.
func Read(ctx context.Context, tx *db.Tx, keys ...BudgetKey) (Budgets, error) {
	var all Budgets
	for _, key := range keys {
		all = append(all, FromStored(key, nil))
	}
	if tx.Attempt > 1 {
		return all, all.Lock(ctx, tx)
	}
	return all, all.read(ctx, tx)
}
