package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign/internal/secret"
)

// Tx is one unit of work for one tenant at one instant.
type Tx struct {
	Tenant  string
	Now     time.Time
	Attempt int // from 1; higher where the work is run again

	on       runner
	db       *DB
	onCommit []func()
	parent   *Tx  // the unit of work that ForTenant was called on
	ids      *int // how many ids this unit of work has made
}

type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	t.db.statements.Add(1)
	res, err := t.on.ExecContext(ctx, query, storedForms(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// ExecDeferred runs a statement whose row count does not matter, with a later statement or with the
// commit. On PostgreSQL nil means nothing yet: its error comes later, see pipeline.
func (t *Tx) ExecDeferred(ctx context.Context, query string, args ...any) error {
	if p, ok := t.on.(*pipeline); ok {
		t.db.statements.Add(1)
		p.deferred = append(p.deferred, request{query: query, args: storedForms(args)})
		return nil
	}
	_, err := t.Exec(ctx, query, args...)
	return err
}

// ExecExpect is ExecDeferred for a statement that must change exactly that many rows: otherwise the
// unit of work runs again, as with ErrConflict.
func (t *Tx) ExecExpect(ctx context.Context, rows int64, query string, args ...any) error {
	if p, ok := t.on.(*pipeline); ok {
		t.db.statements.Add(1)
		p.deferred = append(p.deferred, request{query: query, args: storedForms(args), want: rows})
		return nil
	}
	n, err := t.Exec(ctx, query, args...)
	if err == nil && n != rows {
		err = ErrConflict
	}
	return err
}

// QueryRow runs a query that returns at most one row.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	t.db.statements.Add(1)
	return t.on.QueryRowContext(ctx, query, storedForms(args)...)
}

// Query runs a query that returns rows; the caller closes them.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	t.db.statements.Add(1)
	return t.on.QueryContext(ctx, query, storedForms(args)...)
}

// Texts runs a query of one column and returns its values.
func (t *Tx) Texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := t.Query(ctx, query, args...)
	return Collect(rows, err, func(row Row) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	})
}

// NewID returns a time-ordered identifier for a row made in this unit of work.
func (t *Tx) NewID() string {
	*t.ids++
	return secret.NewID(t.Now, *t.ids)
}

func newTx(d *DB, on runner, tenant string) *Tx {
	return &Tx{
		Tenant:  tenant,
		Now:     d.now(),
		Attempt: 1,
		on:      on,
		db:      d,
		ids:     new(int),
	}
}

// OnCommit remembers fn to be run after this unit of work is durable, and never if it fails.
func (t *Tx) OnCommit(fn func()) {
	for t.parent != nil {
		t = t.parent
	}
	t.onCommit = append(t.onCommit, fn)
}

// ForTenant returns the same unit of work for another tenant, for the few journeys that begin in
// the installation and end in a company.
func (t *Tx) ForTenant(tenant string) *Tx {
	return &Tx{
		Tenant:  tenant,
		Now:     t.Now,
		Attempt: t.Attempt,
		on:      t.on,
		db:      t.db,
		ids:     t.ids,
		parent:  t,
	}
}

func (t *Tx) committed() {
	for _, fn := range t.onCommit {
		fn()
	}
}

// Micros is the stored form of an instant: microseconds since 1970, zero for none.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time reads the stored form back.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// IsNoRows reports whether err means "nothing matched".
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// storedForms replaces instants by their stored form. It copies, so that a caller's slice stays as it was.
func storedForms(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			a = Micros(t)
		}
		out[i] = a
	}
	return out
}
