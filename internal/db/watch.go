package db

import (
	"context"
	"time"
)

// Watch is what may look over a database's shoulder. Fields that are nil cost nothing.
// They are called from many goroutines, between a commit and its answer, so each must be
// quick, must not block and must not use the database.
type Watch struct {
	// Told hears what units of work tell; see Tx.EmitOnCommit and Tx.Emit.
	Told func(what any)
	// Timed hears how long each unit of work took, its wait for a connection or for the
	// writer included.
	Timed func(write bool, took time.Duration, failed bool)
	// Span is called as a unit of work begins; what it returns, as it ends.
	Span func(ctx context.Context, write bool) (end func(error))
}

// Grouped is told after each durable commit of SQLite's writer: how many units of work
// shared it.
type Grouped int

// EmitOnCommit passes what on to Watch.Told once this unit of work is durable, and never if it fails.
func (t *Tx) EmitOnCommit(what any) {
	if t.db.Watch.Told != nil {
		t.OnCommit(func() { t.db.Watch.Told(what) })
	}
}

// Emit passes what on at once, for things that have happened even if this unit of work fails.
func (t *Tx) Emit(what any) { t.db.Watch.told(what) }

func (w *Watch) told(what any) {
	if w.Told != nil {
		w.Told(what)
	}
}

// watched is one unit of work that someone looks at.
type watched struct {
	w     *Watch
	write bool
	began time.Time
	end   func(error)
}

func (w *Watch) watches() bool { return w.Timed != nil || w.Span != nil }

func (w *Watch) begin(ctx context.Context, write bool) watched {
	u := watched{w: w, write: write, began: time.Now()}
	if w.Span != nil {
		u.end = w.Span(ctx, write)
	}
	return u
}

func (u *watched) over(err error) {
	if u.end != nil {
		u.end(err)
	}
	if u.w.Timed != nil {
		u.w.Timed(u.write, time.Since(u.began), err != nil)
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
