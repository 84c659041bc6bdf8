package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"

	"go.uber.org/goleak"
)

// clock is real time that a test can push forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

func enqueue(t testing.TB, d *db.DB, q *Queue, tenant, kind string, args any, runAt time.Time) (id string) {
	t.Helper()
	err := d.InTx(t.Context(), tenant, func(tx *db.Tx) (err error) {
		id, err = q.Enqueue(t.Context(), tx, kind, args, runAt)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// start runs r until the test stops it; the returned function does and waits.
func start(t testing.TB, r *Runner) (stop func()) {
	t.Helper()
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return func() { cancel(); <-done }
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func claimAny(t testing.TB, d *db.DB) ([]Job, error) {
	found, err := findDue(t.Context(), d, 1, jobFilter{})
	if err != nil {
		return nil, err
	}
	return claim(t.Context(), d, found)
}

type counts struct{ open, done, failed int }

func stored(t testing.TB, d *db.DB, tenant string) (c counts) {
	t.Helper()
	err := d.View(t.Context(), tenant, func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `
			SELECT COALESCE(SUM(CASE WHEN done_at = 0 AND failed_at = 0 THEN 1 ELSE 0 END), 0),
				COALESCE(SUM(CASE WHEN done_at > 0 THEN 1 ELSE 0 END), 0),
					COALESCE(SUM(CASE WHEN failed_at > 0 THEN 1 ELSE 0 END), 0)
			FROM jobs WHERE tenant_id = $1`, tx.Tenant).Scan(&c.open, &c.done, &c.failed)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errorCounter fails the test when a runner logs an error.
type errorCounter struct {
	slog.Handler
	t testing.TB
}

func (e errorCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		r.Attrs(func(a slog.Attr) bool { e.t.Errorf("%s: %v", r.Message, a); return true })
	}
	return nil
}
func (errorCounter) Enabled(context.Context, slog.Level) bool { return true }

func TestFiveHundredJobsTwoRunnersNoneLostNoneDoubled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var ran sync.Map
		var total atomic.Int64
		work := func(_ context.Context, j Job) error {
			total.Add(1)
			if _, twice := ran.LoadOrStore(string(j.Args), true); twice {
				t.Errorf("job %s ran twice", j.Args)
			}
			return nil
		}
		var q Queue
		var stops []func()
		for range 2 {
			stops = append(stops,
				start(t, &Runner{DB: d, Queue: &q, Handlers: map[string]Handler{"n": work}, Workers: 8,
					Log: slog.New(errorCounter{t: t})}))
		}
		began := time.Now()
		var wg sync.WaitGroup
		for part := range 5 {
			wg.Go(func() {
				for i := range 100 {
					enqueue(t, d, &q, "t1", "n", part*100+i, time.Time{})
				}
			})
		}
		wg.Wait()
		until(t, "all jobs", func() bool { return stored(t, d, "t1").done == 500 })
		t.Logf("500 jobs in %v", time.Since(began))
		for _, stop := range stops {
			stop()
		}
		if total.Load() != 500 {
			t.Errorf("%d runs", total.Load())
		}
	})
}

func TestABacklogSharedByTwoRunners(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
			for i := range 500 {
				if _, err := q.Enqueue(t.Context(), tx, "n", i, time.Time{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var total atomic.Int64
		began := time.Now()
		for range 2 {
			r := &Runner{DB: d, Queue: &q,
				Handlers: map[string]Handler{"n": func(context.Context, Job) error { total.Add(1); return nil }},
				Log:      slog.New(errorCounter{t: t})}
			defer start(t, r)()
		}
		until(t, "the backlog", func() bool { return stored(t, d, "t1").done == 500 })
		t.Logf("a backlog of 500 in %v", time.Since(began))
		if total.Load() != 500 {
			t.Errorf("%d runs", total.Load())
		}
	})
}

func TestAJobExistsOnlyIfItsTransactionCommits(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		no := errors.New("no")
		_ = d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
			_, _ = q.Enqueue(t.Context(), tx, "n", nil, time.Time{})
			return no
		})
		if c := stored(t, d, "t1"); c != (counts{}) {
			t.Errorf("%+v", c)
		}
	})
}

func TestAPoisonedJobEndsAlone(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var c clock
		d.Now = c.now
		r := &Runner{DB: d, Queue: &q, Workers: 2, Poll: 5 * time.Millisecond, Handlers: map[string]Handler{
			"good":   func(context.Context, Job) error { return nil },
			"poison": func(_ context.Context, j Job) error { panic("481516 boom") },
			"given":  func(context.Context, Job) error { return Drop(errors.New("481516 no")) },
		}}
		enqueue(t, d, &q, "t1", "poison", nil, time.Time{})
		enqueue(t, d, &q, "t1", "given", nil, time.Time{})
		for range 20 {
			enqueue(t, d, &q, "t1", "good", nil, time.Time{})
		}
		defer start(t, r)()
		until(t, "both failures",
			func() bool { c.forward(maxPause); return stored(t, d, "t1") == counts{done: 20, failed: 2} })
		_ = d.View(t.Context(), "t1", func(tx *db.Tx) error {
			var attempts int
			var kept string
			err := tx.QueryRow(t.Context(), `SELECT attempts, last_error FROM jobs
				WHERE tenant_id = $1 AND kind = 'poison'`, tx.Tenant).Scan(&attempts, &kept)
			if err != nil || attempts != maxAttempts || strings.Contains(kept, "481516") {
				t.Errorf("%d attempts, kept %q, %v", attempts, kept, err)
			}
			return nil
		})
	})
}

func TestAnAbandonedLeaseIsTakenUpAgain(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var c clock
		d.Now = c.now
		enqueue(t, d, &q, "t1", "n", "x", time.Time{})
		crashed, err := claimAny(t, d) // and no one ever hears of it again
		if err != nil || len(crashed) != 1 {
			t.Fatal(crashed, err)
		}
		if again, _ := claimAny(t, d); len(again) != 0 {
			t.Fatal("taken inside another's lease")
		}
		c.forward(lease + time.Second)
		var attempt atomic.Int64
		defer start(t, &Runner{DB: d, Queue: &q,
			Handlers: map[string]Handler{"n": func(_ context.Context,
				j Job) error {
				attempt.Store(int64(j.Attempts))
				return nil
			}}})()
		until(t, "the second attempt", func() bool { return stored(t, d, "t1").done == 1 })
		if attempt.Load() != 2 {
			t.Errorf("attempt %d", attempt.Load())
		}
		// the first one wakes up after all
		if err := settle(t.Context(), d, crashed[0], errors.New("late")); err != nil {
			t.Fatal(err)
		}
		if c := stored(t, d, "t1"); c.done != 1 {
			t.Errorf("a late answer counted: %+v", c)
		}
	})
}

func TestALateAnswerDoesNotSettleAnothersAttempt(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var c clock
		d.Now = c.now
		enqueue(t, d, &q, "t1", "n", nil, time.Time{})
		first, _ := claimAny(t, d)
		c.forward(lease + time.Second)
		second, _ := claimAny(t, d)
		if len(first) != 1 || len(second) != 1 {
			t.Fatal(first, second)
		}
		for _, step := range []struct {
			j    Job
			want counts
		}{{first[0], counts{open: 1}}, {second[0], counts{done: 1}}} {
			if err := settle(t.Context(), d, step.j, nil); err != nil {
				t.Fatal(err)
			}
			if got := stored(t, d, "t1"); got != step.want {
				t.Errorf("attempt %d: %+v, want %+v", step.j.Attempts, got, step.want)
			}
		}
	})
}

func TestLaterMeansThen(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var c clock
		d.Now = c.now
		var runs, marked atomic.Int64
		at := c.now().Add(time.Hour)
		defer start(t, &Runner{DB: d, Queue: &q, Poll: 5 * time.Millisecond,
			Handlers: map[string]Handler{"n": func(context.Context, Job) error {
				if runs.Add(1) == 1 {
					return Later(at, errors.New("busy"))
				}
				return nil
			}, "mark": func(context.Context, Job) error { marked.Add(1); return nil }}})()
		enqueue(t, d, &q, "t1", "n", nil, time.Time{})
		enqueue(t, d, &q, "t1", "n", nil, at.Add(time.Hour)) // not yet
		until(t, "the first run", func() bool { return runs.Load() == 1 })
		for range 3 { // each look at the queue takes what is due, and nothing else
			looks := marked.Load()
			enqueue(t, d, &q, "t1", "mark", nil, time.Time{})
			until(t, "a look at the queue", func() bool { return marked.Load() > looks })
		}
		if n := runs.Load(); n != 1 {
			t.Fatalf("ran %d times, not once, before its time", n)
		}
		c.forward(time.Hour + time.Minute)
		until(t, "the second run", func() bool { return stored(t, d, "t1") == counts{open: 1, done: 4} })
	})
}

func TestStoppingWaitsForWorkUnderWay(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		begun := make(chan struct{})
		enqueue(t, d, &q, "t1", "n", nil, time.Time{})
		stop := start(t, &Runner{DB: d, Queue: &q,
			Handlers: map[string]Handler{"n": func(ctx context.Context, _ Job) error {
				close(begun)
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(50 * time.Millisecond):
					return nil
				}
			}}})
		<-begun
		stop()
		if c := stored(t, d, "t1"); c.done != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestAStopDoesNotWaitForEver(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		begun := make(chan struct{})
		enqueue(t, d, &q, "t1", "n", nil, time.Time{})
		stop := start(t, &Runner{DB: d, Queue: &q, Grace: 20 * time.Millisecond,
			Handlers: map[string]Handler{"n": func(ctx context.Context, _ Job) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			}}})
		<-begun
		stop()
		if c := stored(t, d, "t1"); c.open != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestPeriodicWorkGoesOnAfterFailures(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var n atomic.Int64
		defer start(t, &Runner{DB: d,
			Periodic: []Periodic{{Name: "p", Every: time.Millisecond, Run: func(context.Context) error {
				switch n.Add(1) {
				case 1:
					return errors.New("no")
				case 2:
					panic("no")
				}
				return nil
			}}}})()
		until(t, "the fourth time", func() bool { return n.Load() >= 4 })
	})
}

// TestAJobEndsWithItsWork: what the handler wrote and the job's end are one commit or none.
func TestAJobEndsWithItsWork(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		no := errors.New("no")
		var runs atomic.Int64
		var inside atomic.Value // what another unit of work sees once the handler's has committed
		defer start(t, &Runner{DB: d, Queue: &q,
			Handlers: map[string]Handler{"n": func(ctx context.Context, j Job) error {
				fail := runs.Add(1) == 1
				err := d.InTx(ctx, j.Tenant, func(tx *db.Tx) error {
					if err := j.Settle(ctx, tx, nil); err != nil || !fail {
						return err
					}
					return no
				})
				inside.Store(stored(t, d, "t1"))
				if fail {
					return Later(d.Now(), errors.Join(err, no))
				}
				return err
			}}})()
		enqueue(t, d, &q, "t1", "n", nil, time.Time{})
		until(t, "the second run", func() bool { return runs.Load() == 2 && stored(t, d, "t1") == counts{done: 1} })
		until(t, "its end", func() bool { return inside.Load() == counts{done: 1} })
		if runs.Load() != 2 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

func TestSweepKeepsOpenAndRecentJobs(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var c clock
		d.Now = c.now
		for i := range 3 {
			id := enqueue(t, d, &q, "t1", "n", nil, time.Time{})
			outcome := []error{nil, Drop(errors.New("no")), Later(c.now(), errors.New("no"))}[i]
			if _, err := claimAny(t, d); err != nil {
				t.Fatal(err)
			}
			if err := settle(t.Context(), d, Job{Tenant: "t1", ID: id, Attempts: 1}, outcome); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			forward time.Duration
			want    counts
		}{{0, counts{1, 1, 1}}, {25 * time.Hour, counts{1, 0, 1}}, {30 * 24 * time.Hour, counts{1, 0, 0}}} {
			c.forward(step.forward)
			if _, err := Sweep(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got := stored(t, d, "t1"); got != step.want {
				t.Errorf("after %v: %+v, want %+v", step.forward, got, step.want)
			}
		}
	})
}

func TestPauseDoublesToFiveMinutes(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second,
		9: 256 * time.Second, 10: maxPause, 20: maxPause, 1000: maxPause} {
		if got := retryDelay(attempts); got != want {
			t.Errorf("after %d attempts %v, want %v", attempts, got, want)
		}
	}
}

func BenchmarkJob(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			d := dbtest.Open(b, url(b), time.Now)
			var q Queue
			var n atomic.Int64
			b.ReportAllocs()
			defer start(b, &Runner{DB: d, Queue: &q, Workers: 16,
				Handlers: map[string]Handler{"n": func(context.Context, Job) error { n.Add(1); return nil }}})()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					enqueue(b, d, &q, "t1", "n", "x", time.Time{})
				}
			})
			until(b, "all", func() bool { return n.Load() == int64(b.N) })
		})
	}
}

// TestATK170_WhatHangsHoldsUpNothingElse: jobs that wait for a machine of someone else's choice
// take none of the workers of other jobs; and those of one tenant, however many they are and
// however often they are tried, not those of another. guard: Leaves and EachTenant.
func TestATK170_WhatHangsHoldsUpNothingElse(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		var q Queue
		var mails, pushes atomic.Int64
		hang := make(chan struct{})
		work := func(_ context.Context, j Job) error {
			switch {
			case j.Tenant == "attacker" && j.Kind == "push":
				<-hang
			case j.Kind == "push":
				pushes.Add(1)
			default:
				mails.Add(1)
			}
			return nil
		}
		for range 60 {
			enqueue(t, d, &q, "attacker", "push", nil, time.Time{})
		}
		for _, r := range []*Runner{
			{DB: d, Queue: &q, Handlers: map[string]Handler{"mail": work, "push": work}, Leaves: []string{"push"}},
			{DB: d, Queue: &q, Handlers: map[string]Handler{"push": work}, Kinds: []string{"push"}, EachTenant: 4},
		} {
			defer start(t, r)()
		}
		defer close(hang)
		for range 20 {
			enqueue(t, d, &q, "victim", "mail", nil, time.Time{})
			enqueue(t, d, &q, "victim", "push", nil, time.Time{})
		}
		until(t, "every mail and push of another tenant",
			func() bool { return mails.Load() == 20 && pushes.Load() == 20 })
	})
}
