package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pipeline is one unit of work on one PostgreSQL connection. Its transaction begins with the first
// write. Statements whose outcome is not needed at once are sent with the next one or with the
// commit: a round trip costs more than most statements do.
//
// THE CONTRACT, for anyone who writes a unit of work:
//
//   - A query that only reads, before the first write, runs OUTSIDE the transaction. What it
//     read may have changed by the commit: guard the write that relies on it.
//   - ExecDeferred returns nil before anything was sent. Its error comes from a later call, or
//     from the commit; code after it must not take nil for success. Never defer a statement
//     whose row count, or whose failure, decides something.
//   - ExecExpect is deferred, too: a wrong row count is an ErrConflict of a later call or of the
//     commit, and the unit of work runs again. It never commits with a wrong count.
//   - After any error the transaction is lost. Return the error; do not go on with the Tx.
//   - A SELECT that takes locks or calls a function that writes must not come before the first
//     write: isSelect takes every SELECT for a read, which runs outside the transaction. A test of
//     the statements refuses both.
//   - Nothing has happened before InTx returns nil: effects outside the database belong into OnCommit.
type pipeline struct {
	conn     *sql.Conn
	begun    bool
	deferred []request
}

type request struct {
	query string
	args  []any
	want  int64 // how many rows it must change; 0 = no matter
}

// isSelect reports whether a text changes nothing. Anything unsure is a write.
func isSelect(query string) bool {
	text := strings.TrimLeft(query, " \t\r\n")
	return len(text) >= 6 && strings.EqualFold(text[:6], "select")
}

// flush sends the deferred statements, followed by last, in one round trip, and returns how many
// rows the last of them changed.
func (p *pipeline) flush(ctx context.Context, last ...request) (rows int64, err error) {
	all := p.deferred
	p.deferred = nil
	if !p.begun {
		all = append([]request{{query: "BEGIN"}}, all...)
		p.begun = true
	}
	tag, err := p.send(ctx, append(all, last...))
	return tag.RowsAffected(), err
}

func (p *pipeline) send(ctx context.Context, all []request) (tag pgconn.CommandTag, err error) {
	err = p.conn.Raw(func(dc any) error {
		c, ok := dc.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("not a PostgreSQL connection: %T", dc)
		}
		batch := &pgx.Batch{}
		for _, r := range all {
			batch.Queue(r.query, r.args...)
		}
		results := c.Conn().SendBatch(ctx, batch)
		for _, r := range all {
			if tag, err = results.Exec(); err == nil && r.want > 0 && tag.RowsAffected() != r.want {
				err = ErrConflict
			}
			if err != nil {
				break
			}
		}
		err = errors.Join(err, results.Close())
		if c.Conn().IsClosed() {
			return errors.Join(err, driver.ErrBadConn)
		}
		return err
	})
	return tag, err
}

// ExecContext runs a statement, after the deferred ones.
func (p *pipeline) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	n, err := p.flush(ctx, request{query: query, args: args})
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(n), nil
}

// flushBefore sends the deferred statements that must come before a query that returns rows.
func (p *pipeline) flushBefore(ctx context.Context, query string) error {
	if len(p.deferred) == 0 && (p.begun || isSelect(query)) {
		return nil
	}
	_, err := p.flush(ctx)
	return err
}

// QueryContext runs a query; one that only reads, before the first write, needs no transaction.
func (p *pipeline) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.flushBefore(ctx, query); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is QueryContext for one row. An error of the deferred statements is returned by
// Scan, because the transaction is aborted then.
func (p *pipeline) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := p.flushBefore(ctx, query); err != nil {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return p.conn.QueryRowContext(ctx, query, args...)
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}

var errNotCommitted = errors.New("the database rolled back instead of committing")

// commit sends the deferred statements together with the commit.
func (p *pipeline) commit(ctx context.Context) error {
	if !p.begun && len(p.deferred) == 0 {
		return nil
	}
	if slices.ContainsFunc(p.deferred, func(r request) bool { return r.want > 0 }) { // known before it is too late
		if _, err := p.flush(ctx); err != nil {
			return err
		}
	}
	all := p.deferred
	p.deferred = nil
	if !p.begun {
		all = append([]request{{query: "BEGIN"}}, all...)
		p.begun = true
	}
	tag, err := p.send(ctx, append(all, request{query: "COMMIT"}))
	if err == nil && tag.String() != "COMMIT" {
		err = errNotCommitted
	}
	if err == nil {
		p.begun = false
	}
	return err
}

// release gives the connection back and rolls back what was not committed.
func (p *pipeline) release() {
	if p.begun {
		// The caller's context may be what ended; a connection that does not answer is thrown away.
		ctx, cancel := context.WithTimeout(context.Background(), rollbackWithin)
		defer cancel()
		if _, err := p.send(ctx, []request{{query: "ROLLBACK"}}); err != nil {
			_ = p.conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}
	_ = p.conn.Close()
}
