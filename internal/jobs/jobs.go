// Package jobs keeps work that must happen after a transaction commits: a job is stored
// in the caller's transaction, so that both exist or neither does, and is run at least
// once. It does not know what the work is, and it refuses to keep an error's words.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"countersign/internal/db"
)

// Queue stores jobs and wakes the runners of this process. The zero value is ready.
type Queue struct{}

// Enqueue stores a job in the caller's transaction, to run at runAt or, when that is
// zero, as soon as the transaction has committed. args is kept as JSON; it must hold no
// secret, because it is not sealed.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, kind string, args any, runAt time.Time) (id string, err error) {
	return tx.NewID(), nil
}

// Job is one piece of work on its way through a Handler.
type Job struct {
	Tenant, ID, Kind string
	Args             []byte // JSON
	Attempts         int    // this one included
	RunAt            time.Time
}

// Handler does the work of one kind of job, at least once. nil means done; Later and Drop
// say otherwise; any other error means "again after a pause".
type Handler func(ctx context.Context, j Job) error

// Periodic is work that every replica does by itself every so often; it must not mind
// being done twice at once.
type Periodic struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

// Runner takes due jobs and runs them.
type Runner struct {
	DB       *db.DB
	Queue    *Queue // may be nil: then only Poll finds work
	Handlers map[string]Handler
	Workers  int           // jobs at once; 0 = 8
	Poll     time.Duration // how often to look for work nobody announced; 0 = 1 s
	Log      *slog.Logger
	Periodic []Periodic
}

// Run takes jobs until ctx ends, then waits for those under way.
func (r *Runner) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Wake makes the runner look for work now.
func (r *Runner) Wake() {}

// Later asks for the job to be run again at that instant.
func Later(at time.Time, cause error) error { return cause }

// Drop gives the job up for good.
func Drop(cause error) error { return cause }

// Sweep deletes jobs that ended long ago.
func Sweep(ctx context.Context, d *db.DB) (int64, error) { return 0, nil }
