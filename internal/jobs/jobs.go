// Package jobs keeps work that must happen after a transaction commits: a job is stored
// in the caller's transaction, so that both exist or neither does, and is run at least
// once. It does not know what the work is, and it refuses to keep an error's words.
package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"countersign/internal/db"
)

// Queue stores jobs and wakes the runners of this process. The zero value is ready.
type Queue struct {
	mu      sync.Mutex
	runners []*Runner
}

// Enqueue stores a job in the caller's transaction, to run at runAt or, when that is
// zero, as soon as the transaction has committed. args is kept as JSON; it must hold no
// secret, because it is not sealed.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, kind string, args any, runAt time.Time) (id string, err error) {
	text, err := json.Marshal(args)
	if err != nil {
		return "", fmt.Errorf("encode job %s: %w", kind, err)
	}
	if runAt.IsZero() {
		runAt = tx.Now
	}
	id = tx.NewID()
	err = tx.ExecDeferred(ctx, `
		INSERT INTO jobs (tenant_id, id, kind, args, attempts, run_at, claimed_until, done_at, failed_at, last_error)
		VALUES ($1, $2, $3, $4, 0, $5, 0, 0, 0, '')`, tx.Tenant, id, kind, string(text), runAt)
	if err != nil {
		return "", fmt.Errorf("enqueue job %s: %w", kind, err)
	}
	tx.OnCommit(q.wake)
	return id, nil
}

// EnqueueOnce is Enqueue for work of which one piece at a time is enough: key is the job's id.
// While a job of that key waits or runs, nothing is stored; one that has ended is run again.
func (q *Queue) EnqueueOnce(ctx context.Context, tx *db.Tx, kind, key string, args any) error {
	text, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", kind, err)
	}
	err = tx.ExecDeferred(ctx, `
		INSERT INTO jobs (tenant_id, id, kind, args, attempts, run_at, claimed_until, done_at, failed_at, last_error)
		VALUES ($1, $2, $3, $4, 0, $5, 0, 0, 0, '')
		ON CONFLICT (tenant_id, id) DO UPDATE SET args = excluded.args, attempts = 0, run_at = excluded.run_at,
			claimed_until = 0, done_at = 0, failed_at = 0
		WHERE jobs.done_at > 0 OR jobs.failed_at > 0`, tx.Tenant, key, kind, string(text), tx.Now)
	if err != nil {
		return fmt.Errorf("enqueue job %s: %w", kind, err)
	}
	tx.OnCommit(q.wake)
	return nil
}

func (q *Queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.runners {
		r.Wake()
	}
}

func (q *Queue) addRunner(r *Runner) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runners = append(q.runners, r)
}

func (q *Queue) removeRunner(r *Runner) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.runners {
		if other == r {
			q.runners = append(q.runners[:i], q.runners[i+1:]...)
			return
		}
	}
}

// Job is one piece of work on its way through a Handler.
type Job struct {
	Tenant, ID, Kind string
	Args             []byte // JSON
	Attempts         int    // this one included
	RunAt            time.Time

	settled *bool // nil: no one waits for it
}

// Settle writes down in the handler's own unit of work how the attempt ended, so that the
// job and what it did end with one commit. The handler still returns the same outcome.
func (j Job) Settle(ctx context.Context, tx *db.Tx, outcome error) error {
	if j.settled == nil {
		return nil
	}
	tx.OnCommit(func() { *j.settled = true })
	return writeOutcome(ctx, tx, j, outcome)
}

// Handler does the work of one kind of job, at least once. nil means done; Later and Drop
// say otherwise; any other error means "again after a pause", and after twenty attempts
// the job has failed. The words of an error are logged and not stored.
type Handler func(ctx context.Context, j Job) error

type later struct {
	at    time.Time
	cause error
}

func (l *later) Error() string { return "again later: " + l.cause.Error() }
func (l *later) Unwrap() error { return l.cause }

// Later asks for the job to be run again at that instant, however often it was tried.
func Later(at time.Time, cause error) error { return &later{at, cause} }

type drop struct{ cause error }

func (d *drop) Error() string { return "given up: " + d.cause.Error() }
func (d *drop) Unwrap() error { return d.cause }

// Drop gives the job up for good.
func Drop(cause error) error { return &drop{cause} }
