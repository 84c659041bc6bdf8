package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	patience = 2 * time.Second // what a check may take
	fresh    = time.Second     // how long its answer holds
)

// Check is one question that the program asks itself before it lets people in.
type Check struct {
	Name string
	// Run returns nil when all is well. Its words are for operators.
	Run func(context.Context) error
	// Advisory checks are shown and counted, but fail alone: what is wrong at every replica
	// at once must not take all of them away from people who can still sign in.
	Advisory bool
}

// Result is how one check went.
type Result struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Advisory bool   `json:"advisory,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Report is how all of them went.
type Report struct {
	Ready  bool     `json:"ready"`
	Checks []Result `json:"checks,omitempty"`
}

// Readiness knows whether people may be sent here.
type Readiness struct {
	log      *slog.Logger
	probes   []*probe
	draining atomic.Bool
	mu       sync.Mutex
	failing  string // the names that failed at the last look
}

// NewReadiness asks the checks, each in its own goroutine, when someone looks; an answer
// holds for a second. now is the clock that this second is measured with.
func NewReadiness(log *slog.Logger, now func() time.Time, checks ...Check) *Readiness {
	r := &Readiness{log: log}
	for _, c := range checks {
		r.probes = append(r.probes, &probe{Check: c, now: now})
	}
	return r
}

// Drain makes the program unready for good: it is about to stop.
func (r *Readiness) Drain() { r.draining.Store(true) }

// Look asks every check and returns within two seconds, whatever hangs.
func (r *Readiness) Look(ctx context.Context) Report {
	results := make([]Result, len(r.probes))
	var wg sync.WaitGroup
	for i, p := range r.probes {
		wg.Go(func() { results[i] = p.runOnce(ctx) })
	}
	wg.Wait()
	results = append(results, r.stopping())
	report := Report{Ready: true, Checks: results}
	for _, c := range results {
		report.Ready = report.Ready && (c.OK || c.Advisory)
	}
	if ctx.Err() == nil { // else no one waited for the answer, and it says nothing
		r.logChanges(report)
	}
	return report
}

func (r *Readiness) stopping() Result {
	if r.draining.Load() {
		return Result{Name: "draining", Why: "the program is about to stop"}
	}
	return Result{Name: "draining", OK: true}
}

// logChanges logs what has changed since the last look.
func (r *Readiness) logChanges(report Report) {
	var names []string
	for _, c := range report.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	failing := strings.Join(names, " ")
	r.mu.Lock()
	was := r.failing
	r.failing = failing
	r.mu.Unlock()
	switch {
	case failing == was:
	case failing == "":
		r.log.Info("every check passes again")
	default:
		r.log.Warn("checks fail", "ready", report.Ready, "checks",
			slices.DeleteFunc(slices.Clone(report.Checks), func(c Result) bool { return c.OK }))
	}
}

// probe runs one check, never twice at once.
type probe struct {
	Check
	now func() time.Time

	mu      sync.Mutex
	running chan struct{} // closed when the run under way has ended; nil: there is none
	asked   bool
	at      time.Time
	err     error
}

var errNoAnswer = errors.New("no answer within two seconds")

func (p *probe) runOnce(ctx context.Context) Result {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	err := errNoAnswer
	if ended := p.start(); ended != nil {
		select {
		case <-ended:
			err = p.last()
		case <-timer.C:
		case <-ctx.Done():
		}
	} else {
		err = p.last()
	}
	out := Result{Name: p.Name, OK: err == nil, Advisory: p.Advisory}
	if err != nil {
		out.Why = err.Error()
	}
	return out
}

// start begins a run unless there is one, or a fresh answer: then it returns nil.
func (p *probe) start() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running
	}
	if age := p.now().Sub(p.at); p.asked && age >= 0 && age < fresh {
		return nil
	}
	p.running = make(chan struct{})
	go p.run(p.running)
	return p.running
}

func (p *probe) run(ended chan struct{}) {
	// Anyone who asked may hang up; the answer is for everyone.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.ask(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.at, p.asked, p.running = err, p.now(), true, nil
	close(ended)
}

func (p *probe) ask(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panicked: %v", v)
		}
	}()
	return p.Run(ctx)
}

func (p *probe) last() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}
