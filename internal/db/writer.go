package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// maxGroup is the most units of work that share one commit.
const maxGroup = 128

// errClosed is returned for work that arrives after Close.
var errClosed = errors.New("database is closed")

// writer owns SQLite's only writing connection. It runs callers' units of work one after
// the other, each behind its own savepoint, and commits as many as are waiting with one
// fsync. A caller is answered only after that commit, with its own error.
type writer struct {
	pool  *sql.DB
	conn  *sql.Conn
	db    *DB
	stmts map[string]*sql.Stmt
	queue chan *unit

	mu     sync.RWMutex // guards closing of queue
	closed bool
	idle   chan struct{}
}

type unit struct {
	tenant string
	try    int
	fn     func(*Tx) error
	tx     *Tx
	err    error
	panicv any
	done   chan struct{}
	origin string // see Point
}

func newWriter(ctx context.Context, pool *sql.DB) (*writer, error) {
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{
		pool:  pool,
		conn:  conn,
		stmts: map[string]*sql.Stmt{},
		queue: make(chan *unit, maxGroup),
		idle:  make(chan struct{}),
	}, nil
}

func (w *writer) begin(d *DB) {
	w.db = d
	go w.run()
}

func (w *writer) close() error {
	w.mu.Lock()
	wasClosed := w.closed
	w.closed = true
	w.mu.Unlock()
	if wasClosed {
		return nil
	}
	close(w.queue)
	if w.db != nil {
		<-w.idle
	}
	return errors.Join(w.conn.Close(), w.pool.Close())
}

// submit queues a unit of work and waits until it is durable or has failed.
func (w *writer) submit(ctx context.Context, tenant string, try int, fn func(*Tx) error) error {
	u := &unit{
		tenant: tenant,
		try:    try,
		fn:     fn,
		done:   make(chan struct{}),
		origin: origin(),
	}
	if err := w.enqueue(ctx, u); err != nil {
		return err
	}
	<-u.done
	if u.panicv != nil {
		panic(u.panicv)
	}
	if u.err == nil {
		u.tx.committed()
	}
	return u.err
}

func (w *writer) enqueue(ctx context.Context, u *unit) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- u:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.idle)
	for first := range w.queue {
		group := w.transact(first)
		for _, u := range group {
			close(u.done)
		}
	}
}

// transact runs first, and the units that wait behind it, in one transaction.
func (w *writer) transact(first *unit) []*unit {
	group := []*unit{first}
	err := w.exec("BEGIN IMMEDIATE")
	if err != nil {
		first.err = fmt.Errorf("begin: %w", err)
		return group
	}
	// The first unit needs no savepoint: no one else's work is lost with it.
	if w.call(first); first.failed() {
		_ = w.exec("ROLLBACK") // SQLite may have rolled back by itself already
		return group
	}
	for err == nil && len(group) < maxGroup {
		next := w.nextWaiting()
		if next == nil {
			break
		}
		group = append(group, next)
		err = w.runUnit(next)
	}
	if err == nil {
		err = points("commit", group)
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err == nil {
		err = points("committed", group)
	}
	if err != nil {
		_ = w.exec("ROLLBACK") // SQLite may have rolled back by itself already
		failAll(group, fmt.Errorf("commit: %w", err))
		return group
	}
	w.db.Watch.emit(Grouped(len(group)))
	return group
}

func (w *writer) nextWaiting() *unit {
	select {
	case u := <-w.queue: // nil when closed
		return u
	default:
		return nil
	}
}

func failAll(group []*unit, err error) {
	for _, u := range group {
		if u.err == nil {
			u.err = err
		}
	}
}

// runUnit runs one more unit behind a savepoint. It returns an error only when the whole group
// is lost; the unit's own failure stays with the unit.
func (w *writer) runUnit(u *unit) error {
	if err := w.exec("SAVEPOINT unit"); err != nil {
		return err
	}
	if w.call(u); u.failed() {
		if err := w.exec("ROLLBACK TO unit"); err != nil {
			return err
		}
	}
	return w.exec("RELEASE unit")
}

func (u *unit) failed() bool { return u.err != nil || u.panicv != nil }

// call runs a unit. It keeps one caller's panic from ending the others' work; submit raises it
// again.
func (w *writer) call(u *unit) {
	u.tx = newTx(w.db, writerConn{w}, u.tenant)
	u.tx.Attempt = u.try
	defer func() { u.panicv = recover() }()
	u.err = u.fn(u.tx)
}

func (w *writer) exec(text string) error {
	_, err := writerConn{w}.ExecContext(context.Background(), text)
	return err
}

// writerConn runs statements on the writer's connection. A caller's cancelled context must
// not tear down the transaction that it shares, so contexts are cut here.
type writerConn struct{ w *writer }

func (r writerConn) stmt(query string) (*sql.Stmt, error) {
	if s, ok := r.w.stmts[query]; ok {
		return s, nil
	}
	s, err := r.w.conn.PrepareContext(context.Background(), query)
	if err == nil {
		r.w.stmts[query] = s
	}
	return s, err
}

func (r writerConn) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	s, err := r.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (r writerConn) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (r writerConn) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	s, err := r.stmt(query)
	if err != nil {
		return r.w.conn.QueryRowContext(context.Background(), query, args...) // reports the same error to Scan
	}
	return s.QueryRowContext(context.Background(), args...)
}
