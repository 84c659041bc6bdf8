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

// tableMigration is the migration that gave the budgets of the installation a table of their own.
const tableMigration = "0029_installation_budgets.sql"

// inBothTables reports whether the budgets of the installation are stored in the old table as well. A
// program of the version before knows them there, as rows of the tenant db.Installation, and may
// run beside this one where the database is older than the new table. Otherwise someone who has
// used up a budget at one version would have all of it at the other. A later version drops this
// with the old rows.
func inBothTables(ctx context.Context, tx *db.Tx) (bool, error) {
	return tx.UpgradedBy(ctx, tableMigration)
}

// part is what one statement reads or writes: budgets of one company, those of the installation,
// or the old rows of the latter.
type part struct {
	tenant  string // empty: the table of the installation
	budgets Budgets
}

// parts splits budgets by where they are stored, in the one order: two units of work that take
// the same rows must not wait for one another.
func (all Budgets) parts(twice bool) (out []part) {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b *Budget) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Limit.Name, b.Limit.Name),
			cmp.Compare(a.Subject, b.Subject))
	})
	var own part
	for _, one := range sorted {
		if one.Tenant == db.Installation {
			own.budgets = append(own.budgets, one)
			if !twice {
				continue
			}
		}
		if n := len(out); n == 0 || out[n-1].tenant != one.Tenant {
			out = append(out, part{tenant: one.Tenant})
		}
		last := &out[len(out)-1]
		last.budgets = append(last.budgets, one)
	}
	if len(own.budgets) > 0 {
		out = append(out, own)
	}
	return out
}

// rowOf is where a budget keeps what its row in the part's table held when it was read.
func (p part) rowOf(b *Budget) *[]byte {
	if p.tenant == db.Installation {
		return &b.storedOld
	}
	return &b.stored
}

// appendKey adds what names a budget's row.
func (p part) appendKey(args []any, b *Budget) []any {
	if p.tenant != "" {
		args = append(args, p.tenant)
	}
	return append(args, b.Limit.Name, storedSubject(b.Subject))
}

func (p part) text(s statementKind) string {
	if p.tenant == "" {
		return statementTexts[s][0][len(p.budgets)]
	}
	return statementTexts[s][1][len(p.budgets)]
}

// read reads every budget.
func (all Budgets) read(ctx context.Context, tx *db.Tx) error {
	return all.scan(ctx, tx, func(p part) (string, []any) {
		args := make([]any, 0, 3*len(p.budgets))
		for _, one := range p.budgets {
			args = p.appendKey(args, one)
		}
		return p.text(readRows), args
	})
}

// Lock takes the rows until the transaction ends and reads them anew, so that a Write
// after it always succeeds. What was changed in memory is forgotten.
func (all Budgets) Lock(ctx context.Context, tx *db.Tx) error {
	return all.scan(ctx, tx, func(p part) (string, []any) {
		args := make([]any, 0, 6*len(p.budgets))
		for _, one := range p.budgets {
			args = append(p.appendKey(args, one), []byte{}, endOfDay(tx.Now), []byte{})
		}
		return p.text(lockRows), args
	})
}

func (all Budgets) scan(ctx context.Context, tx *db.Tx, query func(part) (string, []any)) error {
	twice, err := inBothTables(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range all.parts(twice) {
		text, args := query(p)
		rows, err := tx.Query(ctx, text, args...)
		if err := db.ForEach(rows, err, p.scan); err != nil {
			return fmt.Errorf("read budgets: %w", err)
		}
	}
	for _, one := range all {
		one.decodeStored()
	}
	return nil
}

func (p part) scan(row db.Row) error {
	var tenant, limit, subject string
	var stamps []byte
	if err := row.Scan(&tenant, &limit, &subject, &stamps); err != nil {
		return err
	}
	for _, b := range p.budgets {
		if b.Limit.Name == limit && storedSubject(b.Subject) == subject {
			*p.rowOf(b) = stamps
		}
	}
	return nil
}

// mergeOldRow adds the tries that only the version before has counted. A try that it refunded
// meanwhile may count again: that errs towards caution.
func (b *Budget) mergeOldRow(stamps []time.Time, tags []uint16) {
	for n, at := range stamps {
		i, _ := slices.BinarySearchFunc(b.stamps, at, time.Time.Compare)
		known := false
		for ; i < len(b.stamps) && b.stamps[i].Equal(at); i++ {
			known = known || b.tags[i] == tags[n]
		}
		if !known {
			b.insertTry(i, at, tags[n])
		}
	}
}

// write stores what was changed. All of it travels in one round trip; now waits for the outcome.
func (all Budgets) write(ctx context.Context, tx *db.Tx, now bool) error {
	changed := slices.DeleteFunc(slices.Clone(all), func(one *Budget) bool { return !one.changed })
	if len(changed) == 0 {
		return nil
	}
	twice, err := inBothTables(ctx, tx)
	if err != nil {
		return err
	}
	parts := changed.parts(twice)
	for i, p := range parts {
		text, args := p.writeStatement(tx.Now)
		rows := int64(len(p.budgets))
		if now && i == len(parts)-1 {
			err = execExpect(ctx, tx, rows, text, args)
		} else {
			err = tx.ExecExpect(ctx, rows, text, args...)
		}
		if err != nil {
			return fmt.Errorf("spend budgets: %w", err)
		}
	}
	for _, one := range changed {
		one.stored, one.changed = encode(one.stamps, one.tags), false
		if twice && one.Tenant == db.Installation {
			one.storedOld = one.stored
		}
	}
	return nil
}

// execExpect is tx.ExecExpect for an outcome that must be known at once.
func execExpect(ctx context.Context, tx *db.Tx, rows int64, text string, args []any) error {
	n, err := tx.Exec(ctx, text, args...)
	if err == nil && n < rows {
		err = db.ErrConflict
	}
	return err
}

// writeStatement is the text of a part's write and its arguments. Rows that were written to earlier
// on this day have the right touched_at already.
func (p part) writeStatement(now time.Time) (query string, args []any) {
	args, how := make([]any, 0, 6*len(p.budgets)), rewriteRows
	for _, b := range p.budgets {
		was := *p.rowOf(b)
		args = append(p.appendKey(args, b), encode(b.stamps, b.tags), endOfDay(now), emptyIfNil(was))
		if newest, _ := decode(was[max(0, len(was)-8):]); len(newest) == 0 ||
			!endOfDay(newest[0]).Equal(endOfDay(now)) {
			how = writeRows
		}
	}
	return p.text(how), args
}

// endOfDay is the end of an instant's day. It is stored as touched_at, which has an index: a value
// that changed with each write would make each write slower.
func endOfDay(at time.Time) time.Time { return at.Truncate(day).Add(day) }

func emptyIfNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// statementKind is what a statement does to rows of budgets, in either table.
type statementKind int

const (
	readRows    statementKind = iota
	writeRows                 // only where a row still holds what was read
	rewriteRows               // the same, for rows that were written to earlier today
	lockRows
	statementKinds // how many there are
)

// repeatedText is a text that repeats a part for each budget.
type repeatedText struct{ head, each, between, tail string }

var (
	installationTexts = [statementKinds]repeatedText{
		readRows: {`SELECT '', name, subject, stamps FROM installation_budgets
			WHERE `, `(name = ? AND subject = ?)`, ` OR `, ``},
		writeRows: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET stamps = excluded.stamps, touched_at = excluded.touched_at
				WHERE installation_budgets.stamps = excluded.expected`},
		rewriteRows: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET stamps = excluded.stamps
				WHERE installation_budgets.stamps = excluded.expected`},
		lockRows: {`INSERT INTO installation_budgets (name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (name, subject) DO UPDATE SET touched_at = excluded.touched_at
				RETURNING '', name, subject, stamps`},
	}
	companyTexts = [statementKinds]repeatedText{
		// each with its whole key: with the tenant in front of all of them, a plan may read all that the tenant has
		readRows: {`SELECT tenant_id, name, subject, stamps FROM budgets
			WHERE `, `(tenant_id = ? AND name = ? AND subject = ?)`, ` OR `, ``},
		writeRows: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE
				SET stamps = excluded.stamps,
					touched_at = excluded.touched_at WHERE budgets.stamps = excluded.expected`},
		rewriteRows: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET stamps = excluded.stamps
				WHERE budgets.stamps = excluded.expected`},
		lockRows: {`INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at, expected)
			VALUES `, `(?, ?, ?, ?, ?, ?)`, `, `,
			` ON CONFLICT (tenant_id, name, subject) DO UPDATE SET touched_at = excluded.touched_at
				RETURNING tenant_id, name, subject, stamps`},
	}
)

// mostAtOnce is how many budgets one step may have.
const mostAtOnce = 6

// statementTexts are the texts of each kind, for the installation's table and for the companies', by
// the number of budgets.
var statementTexts = func() (out [statementKinds][2][mostAtOnce + 1]string) {
	for s := range statementKinds {
		for n := 1; n <= mostAtOnce; n++ {
			out[s][0][n], out[s][1][n] = installationTexts[s].forBudgets(n), companyTexts[s].forBudgets(n)
		}
	}
	return out
}()

// forBudgets is the text for n budgets, with $1, $2, … in place of its question marks.
func (s repeatedText) forBudgets(n int) string {
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
