package ratelimit

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"countersign/internal/db"
)

// BudgetKey names one budget. A Tag marks the tries of one occasion within it, such as the
// answers to one code, of which there are PerTag.
type BudgetKey struct {
	Tenant  string
	Limit   Limit
	Subject string
	Tag     string
	PerTag  int
}

// Budget is a budget as it was read, and as a unit of work wants to leave it.
type Budget struct {
	BudgetKey
	was       []byte
	wasBefore []byte // of the row that the version before reads and writes, see keptTwice
	stamps    []time.Time
	tags      []uint16 // beside stamps; 0 = none
	changed   bool
}

// FromStored is an entry whose stamps another query has read; nil where there was no row.
func FromStored(c BudgetKey, stamps []byte) *Budget {
	e := &Budget{BudgetKey: c, was: stamps}
	e.decode()
	return e
}

func (e *Budget) decode() {
	e.changed = false
	e.stamps, e.tags = decode(e.was)
	if e.wasBefore != nil {
		e.merge(decode(e.wasBefore))
	}
}

// Wait is how long the subject must wait; zero or less means that it may try.
func (e *Budget) Wait(now time.Time) time.Duration { return Decide(e.Limit, e.stamps, now) }

// Left is how many tries of the occasion are left.
func (e *Budget) Left() int {
	n, tag := e.PerTag, tagOf(e.Tag)
	for _, t := range e.tags {
		if t == tag {
			n--
		}
	}
	return max(n, 0)
}

// Used is how many tries lie within the last span, as far as the limit remembers them.
func (e *Budget) Used(now time.Time, span time.Duration) int { return within(e.stamps, now, span) }

// GiveBack takes back the newest try, one that was spent ahead of an answer which then was
// right. It does nothing where there is none.
func (e *Budget) GiveBack() {
	if n := len(e.stamps); n > 0 {
		e.stamps, e.tags, e.changed = e.stamps[:n-1], e.tags[:n-1], true
	}
}

// WindowWait is how long the windows alone make the subject wait, whatever the slowing says;
// zero or less means not at all.
func (e *Budget) WindowWait(now time.Time) time.Duration {
	return Decide(Limit{Windows: e.Limit.Windows}, e.stamps, now)
}

// UsedByTag is how many tries of the entry's own Tag lie within the last span, as far as the
// limit remembers them.
func (e *Budget) UsedByTag(now time.Time, span time.Duration) (n int) {
	tag := tagOf(e.Tag)
	for i := len(e.stamps) - 1; i >= 0 && now.Sub(e.stamps[i]) < span; i-- {
		if e.tags[i] == tag {
			n++
		}
	}
	return n
}

// Clear forgets every try.
func (e *Budget) Clear() {
	if len(e.stamps) > 0 {
		e.stamps, e.tags, e.changed = e.stamps[:0], e.tags[:0], true
	}
}

// Count adds a try without asking whether there is one left.
func (e *Budget) Count(now time.Time) { e.spend(now) }

func (e *Budget) spend(now time.Time) {
	i := len(e.stamps)
	for i > 0 && e.stamps[i-1].After(now) { // keeps the order where two replicas' clocks differ
		i--
	}
	e.insert(i, now, tagOf(e.Tag))
	e.changed = true
}

func (e *Budget) insert(i int, at time.Time, tag uint16) {
	e.stamps, e.tags = slices.Insert(e.stamps, i, at), slices.Insert(e.tags, i, tag)
	over := max(0, len(e.stamps)-e.Limit.keep())
	e.stamps, e.tags = e.stamps[over:], e.tags[over:]
}

// tagOf is short: two occasions that share a tag share their tries, which is one in four
// thousand and errs towards caution.
func tagOf(tag string) uint16 {
	if tag == "" {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(tag))
	return uint16(h.Sum32()%(1<<tagBits-1)) + 1
}

// Budgets is the budgets that one step takes a try from.
type Budgets []*Budget

// Spend takes one try from every budget, or none: then wait says how long to wait.
func (l Budgets) Spend(tx *db.Tx) (wait time.Duration) {
	for _, e := range l {
		if w := e.Wait(tx.Now); w > 0 {
			tx.Emit(Refused(e.Limit.Name))
			wait = max(wait, w)
		}
	}
	if wait > 0 {
		return wait
	}
	for _, e := range l {
		e.spend(tx.Now)
	}
	return 0
}

// Write stores what was changed, only over what was read. Where someone was faster it returns
// db.ErrConflict, and nothing of the unit of work stays; the next try should Lock.
func (l Budgets) Write(ctx context.Context, tx *db.Tx) error { return l.write(ctx, tx, true) }

// WriteLater is Write where what comes next may be decided before it is known that no one
// was faster. It travels with the next statement.
func (l Budgets) WriteLater(ctx context.Context, tx *db.Tx) error { return l.write(ctx, tx, false) }

// Read reads budgets: those of a company with one statement, and those of the installation with
// another. When the unit of work runs again it also holds them.
func Read(ctx context.Context, tx *db.Tx, charges ...BudgetKey) (Budgets, error) {
	var l Budgets
	for _, c := range charges {
		l = append(l, FromStored(c, nil))
	}
	if tx.Attempt > 1 {
		return l, l.Lock(ctx, tx)
	}
	return l, l.read(ctx, tx)
}
