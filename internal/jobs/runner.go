package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"countersign/internal/db"
)

// Periodic is work that every replica does by itself every so often, beginning at the
// start; it must not mind being done twice at once.
type Periodic struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

// Runner takes due jobs and runs them. Its fields do not change once Run has been called.
type Runner struct {
	DB       *db.DB
	Queue    *Queue // may be nil: then only Poll finds work
	Handlers map[string]Handler
	Workers  int           // jobs at once; 0 = 8
	Poll     time.Duration // how often to look for work no one announced; 0 = 1 s
	Grace    time.Duration // how long work under way may go on after a stop; 0 = 5 s
	Log      *slog.Logger
	Periodic []Periodic

	// What waits for someone else's machine has a runner of its own: one that never answers
	// holds up nothing else.
	Kinds      []string // the kinds of jobs that it takes; none: all
	Leaves     []string // but for these
	EachTenant int      // jobs of one tenant at once; 0 = as many as there are workers

	once sync.Once
	bell chan struct{}

	mu   sync.Mutex
	busy map[string]int // jobs under way, by tenant
}

func (r *Runner) init() {
	r.once.Do(func() {
		r.bell, r.busy = make(chan struct{}, 1), map[string]int{}
		if r.Workers == 0 {
			r.Workers = 8
		}
		if r.Poll == 0 {
			r.Poll = time.Second
		}
		if r.Grace == 0 {
			r.Grace = 5 * time.Second
		}
		if r.Log == nil {
			r.Log = slog.New(slog.DiscardHandler)
		}
	})
}

// Wake makes the runner look for work now. It never blocks.
func (r *Runner) Wake() {
	r.init()
	select {
	case r.bell <- struct{}{}:
	default: // someone rang already
	}
}

// Run takes jobs until ctx ends, then waits for those under way, for at most Grace, and
// returns nil.
// Jobs of a kind without a handler are put off, for a newer replica to take.
func (r *Runner) Run(ctx context.Context) error {
	r.init()
	if r.Queue != nil {
		r.Queue.addRunner(r)
		defer r.Queue.removeRunner(r)
	}
	var under sync.WaitGroup
	defer under.Wait()
	for _, p := range r.Periodic {
		under.Go(func() { r.runPeriodic(ctx, p) })
	}
	free := make(chan struct{}, r.Workers) // one token per idle worker
	for range r.Workers {
		free <- struct{}{}
	}
	for more := false; ctx.Err() == nil; {
		if more = r.runBatch(ctx, free, &under, more); !more {
			r.waitForWork(ctx)
		}
	}
	return nil
}

// runBatch takes as many jobs as there are idle workers and reports whether more are waiting.
// With a backlog it waits a moment for several idle workers: to take jobs costs a commit,
// however many they are.
func (r *Runner) runBatch(ctx context.Context, free chan struct{}, under *sync.WaitGroup, backlog bool) (more bool) {
	n := waitForWorkers(ctx, free, 1)
	if backlog && n > 0 {
		moment, stop := context.WithTimeout(ctx, aMoment)
		n += waitForWorkers(moment, free, r.Workers/2-n)
		stop()
	}
	taken, more, err := r.claimJobs(ctx, n)
	if err != nil && ctx.Err() == nil {
		r.Log.Error("jobs cannot be taken", "error", err)
	}
	for range n - len(taken) {
		free <- struct{}{}
	}
	for _, j := range taken {
		under.Go(func() {
			defer func() { free <- struct{}{} }()
			defer r.endFor(j.Tenant)
			r.work(ctx, j)
		})
	}
	return more
}

// aMoment is how long a backlog waits for a second idle worker. It is short beside the time
// that a mail takes.
const aMoment = 5 * time.Millisecond

// waitForWorkers waits for some idle workers, as long as ctx lasts, and counts those that are idle
// with them.
func waitForWorkers(ctx context.Context, free chan struct{}, want int) (n int) {
	for ; n < want; n++ {
		select {
		case <-free:
		case <-ctx.Done():
			return n
		}
	}
	for ; ; n++ {
		select {
		case <-free:
		default:
			return n
		}
	}
}

func (r *Runner) claimJobs(ctx context.Context, n int) (taken []Job, more bool, err error) {
	if n == 0 {
		return nil, false, nil
	}
	ctx = db.UseServerDefaults(ctx) // jobs of every tenant
	found, err := findDue(ctx, r.DB, 4*n, jobFilter{kinds: r.Kinds, leaves: r.Leaves, full: r.fullTenants()})
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	more = len(found) > n
	taken, err = claim(ctx, r.DB, pickAtRandom(r.limitPerTenant(found), n))
	for _, j := range taken {
		r.startFor(j.Tenant)
	}
	return taken, more && err == nil, err
}

// fullTenants are the tenants that have as many jobs under way as one may.
func (r *Runner) fullTenants() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for tenant, n := range r.busy {
		if r.EachTenant > 0 && n >= r.EachTenant {
			out = append(out, tenant)
		}
	}
	return out
}

// limitPerTenant leaves of each tenant's jobs as many as may begin.
func (r *Runner) limitPerTenant(found []Job) []Job {
	if r.EachTenant == 0 {
		return found
	}
	r.mu.Lock()
	busy := maps.Clone(r.busy)
	r.mu.Unlock()
	return slices.DeleteFunc(found, func(j Job) bool {
		busy[j.Tenant]++
		return busy[j.Tenant] > r.EachTenant
	})
}

func (r *Runner) startFor(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[tenant]++
}

// endFor makes room for another job of a tenant, which may be waiting.
func (r *Runner) endFor(tenant string) {
	r.mu.Lock()
	r.busy[tenant]--
	waits := r.EachTenant > 0 && r.busy[tenant] == r.EachTenant-1
	if r.busy[tenant] == 0 {
		delete(r.busy, tenant)
	}
	r.mu.Unlock()
	if waits {
		r.Wake()
	}
}

// waitForWork waits for the bell or the next poll. Replicas spread their polls a little.
func (r *Runner) waitForWork(ctx context.Context) {
	t := time.NewTimer(r.Poll - rand.N(r.Poll/4+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.bell:
	case <-t.C:
	}
}

// work runs one job inside its lease and settles it. A stop of the house cuts it short
// only after a grace; what does not end in time is taken up again elsewhere.
func (r *Runner) work(house context.Context, j Job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(house), lease-5*time.Second)
	defer cancel()
	defer context.AfterFunc(house, func() { time.AfterFunc(r.Grace, cancel) })()
	settled := false
	j.settled = &settled
	outcome := r.handle(ctx, j)
	if outcome != nil {
		r.Log.Warn("job did not succeed", "kind", j.Kind, "job", j.ID, "tenant", j.Tenant, "attempt", j.Attempts,
			"error", outcome)
	}
	if settled {
		return
	}
	if err := settle(context.WithoutCancel(ctx), r.DB, j, outcome); err != nil {
		r.Log.Error("job cannot be settled", "error", err)
	}
}

// handle turns a panic into an error, so that one poisoned job ends alone.
func (r *Runner) handle(ctx context.Context, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	h := r.Handlers[j.Kind]
	if h == nil {
		return errors.New("no handler for this kind of job")
	}
	return h(ctx, j)
}

func (r *Runner) runPeriodic(ctx context.Context, p Periodic) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		if err := r.runOnce(ctx, p); err != nil && ctx.Err() == nil {
			r.Log.Error("periodic work failed", "name", p.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Runner) runOnce(ctx context.Context, p Periodic) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panicked: %v", v)
		}
	}()
	return p.Run(db.UseServerDefaults(ctx)) // sweeps and the like read rows of every tenant
}
