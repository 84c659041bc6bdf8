package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
	_ "modernc.org/sqlite"           // the SQLite driver
)

// Dialect names a supported database engine.
type Dialect string

// The engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Installation is the tenant id under which the installation's own rows live: jobs,
// audit events and budgets that belong to no company.
const Installation = "installation"

// Forever is an instant later than any that matters.
var Forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// DB is an open database of one dialect.
type DB struct {
	Dialect Dialect
	Now     func() time.Time
	Watch   Watch // set before the first unit of work that it is to see

	pool       *sql.DB // PostgreSQL: statements that go by a key; SQLite: readers
	scans      *sql.DB // PostgreSQL: work begun with UseServerDefaults; SQLite: pool
	writer     *writer // SQLite only
	prepared   sync.Map
	upgraded   sync.Map // UpgradedBy, by migration
	statements atomic.Int64
	location   location
}

// Open connects to "sqlite:PATH" or "postgres://…". It does not migrate.
func Open(ctx context.Context, dsn string, now func() time.Time) (*DB, error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return openSQLite(ctx, path, now)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn, now)
	}
	return nil, errors.New(`database url must begin with "sqlite:" or "postgres://"`)
}

func openPostgres(ctx context.Context, dsn string, now func() time.Time) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("open postgres: database.url is not understood") // the cause may quote the password
	}
	if err := rejectTransactionPooler(ctx, config); err != nil {
		return nil, err
	}
	pool := newPool(config, keyConns, stdlib.OptionAfterConnect(planByKey))
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach postgres: %w", err), pool.Close())
	}
	return &DB{
		Dialect:  Postgres,
		Now:      now,
		pool:     pool,
		scans:    newPool(config, scanConns),
		location: location{dsn: dsn},
	}, nil
}

// How many connections to PostgreSQL one program opens at most, of each pool.
const (
	keyConns  = 16
	scanConns = 4
)

func newPool(config *pgx.ConnConfig, conns int, options ...stdlib.OptionOpenDB) *sql.DB {
	pool := stdlib.OpenDB(*config, options...)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(connLife)
	return pool
}

type serverDefaults struct{}

// UseServerDefaults marks work that reads or writes many rows, or rows of several tenants: on
// PostgreSQL its units of work run on connections with the server's own planner settings. The
// others expect that every statement goes by a key, and Citus cannot plan a statement over
// several tenants with their settings.
func UseServerDefaults(ctx context.Context) context.Context {
	return context.WithValue(ctx, serverDefaults{}, true)
}

// poolFor is the pool for a unit of work.
func (d *DB) poolFor(ctx context.Context) *sql.DB {
	if ctx.Value(serverDefaults{}) != nil {
		return d.scans
	}
	return d.pool
}

// connLife bounds how long a prepared statement keeps the plan that it once got.
const connLife = 10 * time.Minute

// planByKey prepares a connection for statements that go by a key. A plan that reads a whole table,
// made while the table was empty, would be kept when it no longer is. Such statements are too short
// to be compiled, or planned anew for each key. Citus must know the key to find the machine: a
// statement on two tables has no plan there that fits every key.
func planByKey(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SET enable_seqscan = off; SET jit = off;
		SELECT set_config('plan_cache_mode', CASE WHEN EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')
			THEN 'auto' ELSE 'force_generic_plan' END, false)`, pgx.QueryExecModeSimpleProtocol)
	return err
}

// openSQLite opens one connection that writes and a pool that cannot. synchronous(FULL)
// makes a commit survive a power cut; WAL lets readers go on meanwhile.
func openSQLite(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	// The file is created here and not by the driver, so that only its owner can read it. The log
	// next to it takes over the mode.
	created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	if err := created.Close(); err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	// Pages that are needed again and again stay in memory, and the log is written back a
	// quarter as often as by default, which costs 16 MB of disk.
	const common = "_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(4000)&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	// temp_store(MEMORY): the undo data of each unit of work that shares a commit stays in memory
	// until the unit ends; otherwise it would be written to a file.
	writing, err := sql.Open("sqlite", file+"?"+common+"&_pragma=temp_store(MEMORY)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	w, err := newWriter(ctx, writing)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite %s: %w", path, err), writing.Close())
	}
	reading, err := sql.Open("sqlite", file+"?"+common+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite: %w", err), w.close())
	}
	reading.SetMaxOpenConns(4)
	reading.SetMaxIdleConns(4)
	d := &DB{
		Dialect:  SQLite,
		Now:      now,
		pool:     reading,
		scans:    reading,
		writer:   w,
		location: location{file: path},
	}
	w.begin(d)
	return d, nil
}

// Close waits for work under way and closes every connection.
func (d *DB) Close() error {
	var err error
	if d.writer != nil {
		err = d.writer.close()
	}
	return errors.Join(err, d.pool.Close(), d.scans.Close(), d.location.releaseMark())
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.pool.PingContext(ctx) }

// Statements counts the statements run since the database was opened, so that tests can limit how
// many a step needs.
func (d *DB) Statements() int64 { return d.statements.Load() }

func (d *DB) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// InTx runs fn in a write transaction and commits unless fn returns an error. An outcome
// that must be remembered, such as a wrong code, is therefore never an error. InTx returns
// only after the commit is durable. fn must not call InTx, and may be run again after a
// deadlock or ErrConflict, so it keeps its effects inside the transaction.
func (d *DB) InTx(ctx context.Context, tenant string, fn func(*Tx) error) (err error) {
	if d.Watch.enabled() {
		u := d.Watch.begin(ctx, true)
		defer func() { u.finish(err) }()
	}
	for try := 1; ; try++ {
		if d.writer != nil {
			err = d.writer.submit(ctx, tenant, try, fn)
		} else {
			err = d.runOnce(ctx, tenant, try, fn)
		}
		if !errors.Is(err, ErrConflict) && !mustRunAgain(err) {
			return err
		}
		if try == maxTries {
			return fmt.Errorf("%s: gave up after %d conflicts: %w", callers(), maxTries, err)
		}
	}
}

// ErrConflict is returned by a unit of work that relied on rows which someone else changed
// meanwhile. Nothing of it is kept, and it runs again with the next Tx.Attempt.
var ErrConflict = errors.New("someone else was faster")

// maxTries is how often a unit of work runs that returns ErrConflict, or that PostgreSQL aborts to
// end a deadlock. Nothing of it was committed, so running it again is safe.
const maxTries = 5

// mustRunAgain reports whether PostgreSQL ended a deadlock (40P01) or failed to serialize (40001).
func mustRunAgain(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// rollbackWithin is how long a failed unit of work may take to be undone.
const rollbackWithin = 5 * time.Second

func (d *DB) runOnce(ctx context.Context, tenant string, try int, fn func(*Tx) error) error {
	conn, err := d.poolFor(ctx).Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	work := &pipeline{conn: conn}
	defer work.release()
	tx := newTx(d, work, tenant)
	tx.Attempt = try
	if err := fn(tx); err != nil {
		return err
	}
	where := origin()
	if err := Point("commit", where); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := work.commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := Point("committed", where); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	tx.committed()
	return nil
}

// View runs fn, which only reads. Its statements see committed data, each at its own
// moment: what must not change between two reads belongs into one statement.
func (d *DB) View(ctx context.Context, tenant string, fn func(*Tx) error) (err error) {
	if d.Watch.enabled() {
		u := d.Watch.begin(ctx, false)
		defer func() { u.finish(err) }()
	}
	var on runner = d.poolFor(ctx)
	if d.Dialect == SQLite {
		on = preparedReaders{d}
	}
	return fn(newTx(d, on, tenant))
}

// preparedReaders prepares each text once for the SQLite readers; pgx does so by itself.
//
// A statement does not begin once its context has ended, but one that has begun is not interrupted:
// watching the context would cost two goroutines, which is a third of what a read costs.
type preparedReaders struct{ d *DB }

func (c preparedReaders) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s, ok := c.d.prepared.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := c.d.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if other, loaded := c.d.prepared.LoadOrStore(query, s); loaded {
		_ = s.Close()
		return other.(*sql.Stmt), nil
	}
	return s, nil
}

func (c preparedReaders) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.WithoutCancel(ctx), args...)
}

func (c preparedReaders) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

func (c preparedReaders) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return c.d.pool.QueryRowContext(ctx, query, args...) // reports the same error to Scan
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}
