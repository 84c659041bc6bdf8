package ratelimit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
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
	was     []byte
	stamps  []time.Time
	tags    []uint16 // beside stamps; 0 = none
	changed bool
}

// FromStored is an entry whose stamps another query has read; nil where there was no row.
func FromStored(c BudgetKey, stamps []byte) *Budget {
	e := &Budget{BudgetKey: c}
	e.read(stamps)
	return e
}

func (e *Budget) read(kept []byte) {
	e.was, e.changed = kept, false
	e.stamps, e.tags = decode(kept)
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
	e.stamps, e.tags = slices.Insert(e.stamps, i, now), slices.Insert(e.tags, i, tagOf(e.Tag))
	over := max(0, len(e.stamps)-e.Limit.keep())
	e.stamps, e.tags, e.changed = e.stamps[over:], e.tags[over:], true
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

// Write stores what was changed, with one statement that writes only over what was read.
// Where someone was faster it returns db.ErrConflict, and nothing of the unit of work stays;
// the next try should Hold.
func (l Budgets) Write(ctx context.Context, tx *db.Tx) error {
	rows, how, args := l.changes(tx.Now)
	if rows == 0 {
		return nil
	}
	n, err := tx.Exec(ctx, text(how, rows), args...)
	if err != nil {
		return fmt.Errorf("spend budgets: %w", err)
	}
	if int(n) < rows {
		return db.ErrConflict
	}
	return nil
}

// WriteLater is Write where what comes next may be decided before it is known that no one
// was faster. It travels with the next statement.
func (l Budgets) WriteLater(ctx context.Context, tx *db.Tx) error {
	rows, how, args := l.changes(tx.Now)
	if rows == 0 {
		return nil
	}
	return tx.ExecExpect(ctx, int64(rows), text(how, rows), args...)
}

// changes are the text of the write and its arguments, in the one order. Rows that were
// written to on this day already need not be told again when to sweep them.
func (l Budgets) changes(now time.Time) (rows int, how statement, args []any) {
	changed := slices.DeleteFunc(slices.Clone(l), func(e *Budget) bool { return !e.changed })
	changed.sort()
	args, how = make([]any, 0, 6*len(changed)), again
	for _, e := range changed {
		stamps := encode(e.stamps, e.tags)
		args = append(args, e.Tenant, e.Limit.Name, name(e.Subject), stamps, touched(now), notNil(e.was))
		if newest, _ := decode(e.was[max(0, len(e.was)-8):]); len(newest) == 0 ||
			!touched(newest[0]).Equal(touched(now)) {
			how = writing
		}
		e.was, e.changed = stamps, false
	}
	return len(changed), how, args
}

// touched is the end of an instant's day: an index is kept over it, so that it must not be
// another one with each write.
func touched(at time.Time) time.Time { return at.Truncate(day).Add(day) }

// Read reads budgets with one statement and holds none of them.
func Read(ctx context.Context, tx *db.Tx, charges ...BudgetKey) (Budgets, error) {
	var l Budgets
	var args []any
	for _, c := range charges {
		l = append(l, FromStored(c, nil))
		args = append(args, c.Tenant, c.Limit.Name, name(c.Subject))
	}
	if tx.Attempt > 1 {
		return l, l.Lock(ctx, tx)
	}
	return l, l.scan(ctx, tx, text(reading, len(l)), args)
}

// Lock takes the rows until the transaction ends and reads them anew, so that a Write
// after it always succeeds. What was changed in memory is forgotten.
func (l Budgets) Lock(ctx context.Context, tx *db.Tx) error {
	sorted := slices.Clone(l)
	sorted.sort()
	var args []any
	for _, e := range sorted {
		args = append(args, e.Tenant, e.Limit.Name, name(e.Subject), []byte{}, touched(tx.Now), []byte{})
	}
	return l.scan(ctx, tx, text(holding, len(l)), args)
}

func (l Budgets) scan(ctx context.Context, tx *db.Tx, query string, args []any) error {
	rows, err := tx.Query(ctx, query, args...)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var tenant, limit, subject string
		var stamps []byte
		if err := row.Scan(&tenant, &limit, &subject, &stamps); err != nil {
			return err
		}
		for _, e := range l {
			if e.Tenant == tenant && e.Limit.Name == limit && name(e.Subject) == subject {
				e.read(stamps)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read budgets: %w", err)
	}
	return nil
}

// sort keeps two units of work that take the same rows from waiting for one another.
func (l Budgets) sort() {
	slices.SortFunc(l, func(a, b *Budget) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Limit.Name, b.Limit.Name),
			cmp.Compare(a.Subject, b.Subject))
	})
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// statement is a text that repeats a part for each budget.
type statement struct{ head, each, between, tail string }

var (
	reading = statement{`SELECT tenant_id, name, subject, stamps FROM budgets
		WHERE `, `(tenant_id = ? AND name = ? AND subject = ?)`, ` OR `, ``}
	writing = statement{`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
		VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
		` ON CONFLICT (tenant_id, name, subject) DO UPDATE
			SET stamps = excluded.stamps, touched_at = excluded.touched_at WHERE budgets.stamps = excluded.expected`}
	again = statement{`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
		VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
		` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET stamps = excluded.stamps
			WHERE budgets.stamps = excluded.expected`}
	holding = statement{`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
		VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
		` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET touched_at = excluded.touched_at
			RETURNING tenant_id, name, subject, stamps`}
)

// mostAtOnce is how many budgets one step has at the most.
const mostAtOnce = 6

var texts = func() map[statement][mostAtOnce + 1]string {
	out := map[statement][mostAtOnce + 1]string{}
	for _, s := range []statement{reading, writing, again, holding} {
		var made [mostAtOnce + 1]string
		for n := 1; n <= mostAtOnce; n++ {
			made[n] = s.number(n)
		}
		out[s] = made
	}
	return out
}()

func text(s statement, n int) string { return texts[s][n] }

// number writes the text for n budgets, with $1, $2, … for its marks.
func (s statement) number(n int) string {
	var out bytes.Buffer
	next := 0
	for _, part := range strings.SplitAfter(s.head+strings.TrimSuffix(strings.Repeat(s.each+s.between, n),
		s.between)+s.tail, "?") {
		if out.WriteString(strings.TrimSuffix(part, "?")); strings.HasSuffix(part, "?") {
			next++
			out.WriteString("$" + strconv.Itoa(next))
		}
	}
	return out.String()
}
