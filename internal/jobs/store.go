package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
)

const (
	lease       = 60 * time.Second // a job taken longer than this ago belongs to no one
	maxAttempts = 20
	maxPause    = 5 * time.Minute
	keepDone    = 24 * time.Hour
	keepFailed  = 30 * 24 * time.Hour
)

// jobFilter is which jobs are looked for.
type jobFilter struct {
	kinds  []string // of these; none: of all
	leaves []string // but not of these
	full   []string // nor of these tenants
}

// conditions adds the conditions of a jobFilter to a query whose last argument is the last of args.
func (l jobFilter) conditions(args []any) (text string, all []any) {
	for _, c := range []struct {
		among string
		words []string
	}{{" AND kind IN (", l.kinds}, {" AND kind NOT IN (", l.leaves}, {" AND tenant_id NOT IN (", l.full}} {
		for i, w := range c.words {
			args = append(args, w)
			text += map[bool]string{true: c.among, false: ", "}[i == 0] + fmt.Sprintf("$%d", len(args))
		}
		if len(c.words) > 0 {
			text += ")"
		}
	}
	return text, args
}

// findDue reads which jobs of any tenant may be claimed, the oldest first. It does not write,
// which keeps an idle house from taking the write lock with every look.
func findDue(ctx context.Context, d *db.DB, n int, l jobFilter) (found []Job, err error) {
	err = d.View(ctx, db.Installation, func(tx *db.Tx) error {
		only, args := l.conditions([]any{tx.Now, tx.Now, n})
		rows, err := tx.Query(ctx, `
			SELECT tenant_id, id, kind, args, run_at FROM jobs
			WHERE done_at = 0 AND failed_at = 0 AND run_at <= $1 AND claimed_until <= $2`+only+`
			ORDER BY run_at LIMIT $3`, args...)
		found, err = db.Collect(rows, err, func(row db.Row) (j Job, err error) {
			err = row.Scan(&j.Tenant, &j.ID, &j.Kind, &j.Args, db.ScanTime(&j.RunAt))
			return j, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	return found, nil
}

// pickAtRandom picks n of the jobs found, at random, so that replicas rarely want the same ones,
// and in one order, so that they cannot wait for each other in a circle.
func pickAtRandom(found []Job, n int) []Job {
	rand.Shuffle(len(found), func(a, b int) { found[a], found[b] = found[b], found[a] })
	found = found[:min(n, len(found))]
	slices.SortFunc(found, func(a, b Job) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// claim takes those of the wanted jobs that are still free, for one lease.
func claim(ctx context.Context, d *db.DB, wanted []Job) (taken []Job, err error) {
	err = d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		taken = nil
		for _, j := range wanted {
			err := tx.QueryRow(ctx, `
				UPDATE jobs SET claimed_until = $1, attempts = attempts + 1
				WHERE tenant_id = $2 AND id = $3 AND done_at = 0 AND failed_at = 0 AND run_at <= $4
					AND claimed_until <= $5
				RETURNING attempts`, tx.Now.Add(lease), j.Tenant, j.ID, tx.Now, tx.Now).Scan(&j.Attempts)
			if db.IsNoRows(err) {
				continue // another replica was faster
			}
			if err != nil {
				return err
			}
			taken = append(taken, j)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	return taken, nil
}

// settle writes down how an attempt ended.
func settle(ctx context.Context, d *db.DB, j Job, outcome error) error {
	return d.InTx(ctx, j.Tenant, func(tx *db.Tx) error { return writeOutcome(ctx, tx, j, outcome) })
}

// writeOutcome is the write that settles a job. The number of the attempt guards it: when the lease
// ran out and someone else has taken the job, ours no longer counts.
func writeOutcome(ctx context.Context, tx *db.Tx, j Job, outcome error) error {
	err := tx.ExecDeferred(ctx, `
		UPDATE jobs SET claimed_until = 0, run_at = $1, done_at = $2, failed_at = $3, last_error = $4
		WHERE tenant_id = $5 AND id = $6 AND attempts = $7 AND done_at = 0 AND failed_at = 0`,
		append(outcomeColumns(j, outcome, tx.Now), j.Tenant, j.ID, j.Attempts)...)
	if err != nil {
		return fmt.Errorf("settle job %s %s: %w", j.Kind, j.ID, err)
	}
	return nil
}

// outcomeColumns is run_at, done_at, failed_at and last_error after an attempt.
func outcomeColumns(j Job, outcome error, now time.Time) []any {
	var again *later
	var given *drop
	switch {
	case outcome == nil:
		return []any{j.RunAt, now, time.Time{}, ""}
	case errors.As(outcome, &given):
		return []any{j.RunAt, time.Time{}, now, "dropped"}
	case errors.As(outcome, &again):
		return []any{again.at, time.Time{}, time.Time{}, "later"}
	case j.Attempts >= maxAttempts:
		return []any{j.RunAt, time.Time{}, now, "too many attempts"}
	}
	return []any{now.Add(retryDelay(j.Attempts)), time.Time{}, time.Time{}, "error"}
}

// retryDelay doubles from a second to five minutes.
func retryDelay(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 16), maxPause)
}

// Sweep deletes jobs that were done a day ago or failed a month ago, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "jobs", `
		DELETE FROM jobs WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM jobs
			WHERE (done_at > 0 AND done_at < $1) OR (failed_at > 0 AND failed_at < $2) LIMIT $3)`,
		keepDone, keepFailed)
}
