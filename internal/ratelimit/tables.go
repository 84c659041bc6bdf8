package ratelimit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/db"
)

// moved is the migration that gave the budgets of the installation a table of their own.
const moved = "0029_installation_budgets.sql"

// keptTwice reports whether the budgets of the installation are kept in the old table as well. A
// program of the version before knows them there, as rows of the tenant db.Installation, and may
// run beside this one where the database is older than the new table. Otherwise someone who has
// used up a budget at one version would have all of it at the other. A later version drops this
// with the old rows.
func keptTwice(ctx context.Context, tx *db.Tx) (bool, error) { return tx.UpgradedBy(ctx, moved) }

// part is what one statement reads or writes: budgets of one company, those of the installation,
// or the old rows of the latter.
type part struct {
	tenant string // empty: the table of the installation
	of     Budgets
}

// parts splits budgets by where they are stored, in the one order: two units of work that take
// the same rows must not wait for one another.
func (l Budgets) parts(twice bool) (out []part) {
	sorted := slices.Clone(l)
	slices.SortFunc(sorted, func(a, b *Budget) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Limit.Name, b.Limit.Name),
			cmp.Compare(a.Subject, b.Subject))
	})
	var own part
	for _, e := range sorted {
		if e.Tenant == db.Installation {
			own.of = append(own.of, e)
			if !twice {
				continue
			}
		}
		if n := len(out); n == 0 || out[n-1].tenant != e.Tenant {
			out = append(out, part{tenant: e.Tenant})
		}
		last := &out[len(out)-1]
		last.of = append(last.of, e)
	}
	if len(own.of) > 0 {
		out = append(out, own)
	}
	return out
}

// stored is what a part's row of a budget held when it was read.
func (p part) stored(e *Budget) *[]byte {
	if p.tenant == db.Installation {
		return &e.wasBefore
	}
	return &e.was
}

// appendKey adds what names a budget's row.
func (p part) appendKey(args []any, e *Budget) []any {
	if p.tenant != "" {
		args = append(args, p.tenant)
	}
	return append(args, e.Limit.Name, name(e.Subject))
}

func (p part) text(s statement) string {
	if p.tenant == "" {
		return texts[s][0][len(p.of)]
	}
	return texts[s][1][len(p.of)]
}

// read reads every budget.
func (l Budgets) read(ctx context.Context, tx *db.Tx) error {
	return l.scan(ctx, tx, func(p part) (string, []any) {
		args := make([]any, 0, 3*len(p.of))
		for _, e := range p.of {
			args = p.appendKey(args, e)
		}
		return p.text(reading), args
	})
}

// Lock takes the rows until the transaction ends and reads them anew, so that a Write
// after it always succeeds. What was changed in memory is forgotten.
func (l Budgets) Lock(ctx context.Context, tx *db.Tx) error {
	return l.scan(ctx, tx, func(p part) (string, []any) {
		args := make([]any, 0, 6*len(p.of))
		for _, e := range p.of {
			args = append(p.appendKey(args, e), []byte{}, touched(tx.Now), []byte{})
		}
		return p.text(holding), args
	})
}

func (l Budgets) scan(ctx context.Context, tx *db.Tx, query func(part) (string, []any)) error {
	twice, err := keptTwice(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range l.parts(twice) {
		text, args := query(p)
		rows, err := tx.Query(ctx, text, args...)
		if err := db.ForEach(rows, err, p.scan); err != nil {
			return fmt.Errorf("read budgets: %w", err)
		}
	}
	for _, e := range l {
		e.decode()
	}
	return nil
}

func (p part) scan(row db.Row) error {
	var tenant, limit, subject string
	var stamps []byte
	if err := row.Scan(&tenant, &limit, &subject, &stamps); err != nil {
		return err
	}
	for _, e := range p.of {
		if e.Limit.Name == limit && name(e.Subject) == subject {
			*p.stored(e) = stamps
		}
	}
	return nil
}

// merge adds what only the version before has counted. What it has given back meanwhile may
// come back: that errs towards caution.
func (e *Budget) merge(stamps []time.Time, tags []uint16) {
	for n, at := range stamps {
		i, _ := slices.BinarySearchFunc(e.stamps, at, time.Time.Compare)
		known := false
		for ; i < len(e.stamps) && e.stamps[i].Equal(at); i++ {
			known = known || e.tags[i] == tags[n]
		}
		if !known {
			e.insert(i, at, tags[n])
		}
	}
}

// write stores what was changed. All of it travels in one round trip; now waits for the outcome.
func (l Budgets) write(ctx context.Context, tx *db.Tx, now bool) error {
	changed := slices.DeleteFunc(slices.Clone(l), func(e *Budget) bool { return !e.changed })
	if len(changed) == 0 {
		return nil
	}
	twice, err := keptTwice(ctx, tx)
	if err != nil {
		return err
	}
	parts := changed.parts(twice)
	for i, p := range parts {
		text, args := p.changes(tx.Now)
		rows := int64(len(p.of))
		if now && i == len(parts)-1 {
			err = expect(ctx, tx, rows, text, args)
		} else {
			err = tx.ExecExpect(ctx, rows, text, args...)
		}
		if err != nil {
			return fmt.Errorf("spend budgets: %w", err)
		}
	}
	for _, e := range changed {
		e.was, e.changed = encode(e.stamps, e.tags), false
		if twice && e.Tenant == db.Installation {
			e.wasBefore = e.was
		}
	}
	return nil
}

// expect is tx.ExecExpect for an outcome that must be known at once.
func expect(ctx context.Context, tx *db.Tx, rows int64, text string, args []any) error {
	n, err := tx.Exec(ctx, text, args...)
	if err == nil && n < rows {
		err = db.ErrConflict
	}
	return err
}

// changes are the text of a part's write and its arguments. Rows that were written to on this
// day already need not be told again when to sweep them.
func (p part) changes(now time.Time) (query string, args []any) {
	args, how := make([]any, 0, 6*len(p.of)), again
	for _, e := range p.of {
		was := *p.stored(e)
		args = append(p.appendKey(args, e), encode(e.stamps, e.tags), touched(now), notNil(was))
		if newest, _ := decode(was[max(0, len(was)-8):]); len(newest) == 0 ||
			!touched(newest[0]).Equal(touched(now)) {
			how = writing
		}
	}
	return p.text(how), args
}

// touched is the end of an instant's day: an index is kept over it, so that it must not be
// another one with each write.
func touched(at time.Time) time.Time { return at.Truncate(day).Add(day) }

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// statement is what is done to budgets, in either table.
type statement int

const (
	reading statement = iota
	writing           // over what was read
	again             // the same, of rows that were written to today
	holding
	statements
)

// repeated is a text that repeats a part for each budget.
type repeated struct{ head, each, between, tail string }

var (
	ofInstallation = [statements]repeated{
		reading: {`SELECT '', name, subject, stamps FROM installation_budgets
			WHERE `, `(name = ? AND subject = ?)`, ` OR `, ``},
		writing: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET stamps = excluded.stamps, touched_at = excluded.touched_at
				WHERE installation_budgets.stamps = excluded.expected`},
		again: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET stamps = excluded.stamps
				WHERE installation_budgets.stamps = excluded.expected`},
		holding: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET touched_at = excluded.touched_at
				RETURNING '', name, subject, stamps`},
	}
	ofCompany = [statements]repeated{
		// each with its whole key: with the tenant in front of all of them, a plan may read all that the tenant has
		reading: {`SELECT tenant_id, name, subject, stamps FROM budgets
			WHERE `, `(tenant_id = ? AND name = ? AND subject = ?)`, ` OR `, ``},
		writing: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE
				SET stamps = excluded.stamps, touched_at = excluded.touched_at WHERE budgets.stamps = excluded.expected`},
		again: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET stamps = excluded.stamps
				WHERE budgets.stamps = excluded.expected`},
		holding: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET touched_at = excluded.touched_at
				RETURNING tenant_id, name, subject, stamps`},
	}
)

// mostAtOnce is how many budgets one step has at the most.
const mostAtOnce = 6

// texts are made once, for the installation and for a company.
var texts = func() (out [statements][2][mostAtOnce + 1]string) {
	for s := range statements {
		for n := 1; n <= mostAtOnce; n++ {
			out[s][0][n], out[s][1][n] = ofInstallation[s].number(n), ofCompany[s].number(n)
		}
	}
	return out
}()

// number writes the text for n budgets, with $1, $2, … for its marks.
func (s repeated) number(n int) string {
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
