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

// piped is one unit of work on one PostgreSQL connection. It begins with the first write,
// and statements whose outcome no one waits for travel with the next one or with the commit:
// a round trip costs more than most statements do.
//
// THE CONTRACT, for anyone who writes a unit of work:
//
//   - A query that only reads, before the first write, runs OUTSIDE the transaction. What it
//     read may have changed by the commit: guard the write that relies on it.
//   - ExecDeferred returns nil before anything was sent. Its error comes from a later call, or
//     from the commit; code after it must not take nil for success. Never defer a statement
//     whose row count, or whose failure, decides something.
//   - ExecExpect is as late: a wrong row count is an ErrConflict of a later call or of the
//     commit, and the unit of work runs again. It never commits with a wrong count.
//   - After any error the transaction is lost. Return the error; do not go on with the Tx.
//   - A SELECT that takes locks or calls a function that writes must not come before the first
//     write: reads takes every SELECT for a read, which runs outside the transaction. A test of
//     the statements refuses both.
//   - Nothing happened before InTx returned nil: tell the outside world in OnCommit.
type piped struct {
	conn  *sql.Conn
	begun bool
	later []request
}

type request struct {
	query string
	args  []any
	want  int64 // how many rows it must change; 0 = no matter
}

// reads reports whether a text changes nothing. Anything unsure is a write.
func reads(query string) bool {
	text := strings.TrimLeft(query, " \t\r\n")
	return len(text) >= 6 && strings.EqualFold(text[:6], "select")
}

// flush sends what waits, with last behind it, in one round trip, and returns how many rows
// the last of them changed.
func (p *piped) flush(ctx context.Context, last ...request) (rows int64, err error) {
	all := p.later
	p.later = nil
	if !p.begun {
		all = append([]request{{query: "BEGIN"}}, all...)
		p.begun = true
	}
	tag, err := p.send(ctx, append(all, last...))
	return tag.RowsAffected(), err
}

func (p *piped) send(ctx context.Context, all []request) (tag pgconn.CommandTag, err error) {
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

// ExecContext runs a statement with what waits in front of it.
func (p *piped) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	n, err := p.flush(ctx, request{query: query, args: args})
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(n), nil
}

// before sends what must come before a query that returns rows.
func (p *piped) before(ctx context.Context, query string) error {
	if len(p.later) == 0 && (p.begun || reads(query)) {
		return nil
	}
	_, err := p.flush(ctx)
	return err
}

// QueryContext runs a query; one that only reads, before the first write, needs no transaction.
func (p *piped) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.before(ctx, query); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is QueryContext for one row. What went wrong before it comes with Scan,
// because the transaction is aborted then.
func (p *piped) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := p.before(ctx, query); err != nil {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return p.conn.QueryRowContext(ctx, query, args...)
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}

var errNotCommitted = errors.New("the database rolled back instead of committing")

// commit sends what waits together with the commit.
func (p *piped) commit(ctx context.Context) error {
	if !p.begun && len(p.later) == 0 {
		return nil
	}
	if slices.ContainsFunc(p.later, func(r request) bool { return r.want > 0 }) { // known before it is too late
		if _, err := p.flush(ctx); err != nil {
			return err
		}
	}
	all := p.later
	p.later = nil
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

// end gives the connection back, without what was not committed.
func (p *piped) end() {
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
