package db

import (
	"context"
	"time"
)

// Watch observes a database. Fields that are nil cost nothing.
// They are called from many goroutines, between a commit and its answer, so each must be
// quick, must not block and must not use the database.
type Watch struct {
	// OnEvent is given what units of work emit; see Tx.EmitOnCommit and Tx.Emit.
	OnEvent func(what any)
	// OnUnit is given how long each unit of work took, with its wait for a connection or for the
	// writer.
	OnUnit func(write bool, took time.Duration, failed bool)
	// Span is called as a unit of work begins; what it returns, as it ends.
	Span func(ctx context.Context, write bool) (end func(error))
}

// Grouped is emitted after each durable commit of SQLite's writer: how many units of work
// shared it.
type Grouped int

// EmitOnCommit passes what on to Watch.OnEvent once this unit of work is durable, and never if it fails.
func (t *Tx) EmitOnCommit(what any) {
	if t.db.Watch.OnEvent != nil {
		t.OnCommit(func() { t.db.Watch.OnEvent(what) })
	}
}

// Emit passes what on at once, for things that have happened even if this unit of work fails.
func (t *Tx) Emit(what any) { t.db.Watch.emit(what) }

func (w *Watch) emit(what any) {
	if w.OnEvent != nil {
		w.OnEvent(what)
	}
}

// observedUnit is a unit of work that is timed or traced.
type observedUnit struct {
	w     *Watch
	write bool
	began time.Time
	end   func(error)
}

func (w *Watch) enabled() bool { return w.OnUnit != nil || w.Span != nil }

func (w *Watch) begin(ctx context.Context, write bool) observedUnit {
	u := observedUnit{w: w, write: write, began: time.Now()}
	if w.Span != nil {
		u.end = w.Span(ctx, write)
	}
	return u
}

func (u *observedUnit) finish(err error) {
	if u.end != nil {
		u.end(err)
	}
	if u.w.OnUnit != nil {
		u.w.OnUnit(u.write, time.Since(u.began), err != nil)
	}
}

// Connections is how the pool of connections stands: those in use and idle, the most there
// may be, and how often and how long, altogether, someone waited for one. On SQLite it is
// the pool of the readers.
type Connections struct {
	InUse, Idle, Most int
	Waits             int64
	Waited            time.Duration
}

// Connections returns the figures of this moment.
func (d *DB) Connections() Connections {
	s := d.pool.Stats()
	return Connections{
		InUse:  s.InUse,
		Idle:   s.Idle,
		Most:   s.MaxOpenConnections,
		Waits:  s.WaitCount,
		Waited: s.WaitDuration,
	}
}
