package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// spec is one operation to be measured.
type spec struct {
	row, what string
	sets      []string      // steps of the pattern that each iteration uses up; none = nothing is used up
	age       time.Duration // how long ago they happened
	task      func(s stock) (task, error)
	reuse     int  // with sets: so many copies are laid once, and used again and again
	quiet     bool // the operation leaves nothing behind to wait for
	least     int  // iterations, even if they take longer than a repetition
}

// figure is one line of the table. Times are of one operation.
type figure struct {
	Row, What, Engine string
	Clients           int
	Rate              float64 // per second
	P50, P95, P99     float64 // milliseconds
	Ours              float64 // microseconds of our processes, with what was left to do afterwards
	After             float64 // how much of Ours came after the last answer
	Base              float64 // microseconds of the database's processes, likewise
	Driver            float64 // microseconds of the driver
	Disturbed         float64 // percent of the machine that others took, the worst repetition
	Spread            float64 // percent by which the farthest rate lies from the median
	Reps, N           int
	Note              string
}

// tolerable is the percentage of the machine that others may take before a repetition is
// done once more.
const tolerable = 10.0

// repetition is what came of one.
type repetition struct {
	sample
	whole, work usage // until the house was quiet; until the last answer
	mails       float64
}

// measure runs the repetitions of one line.
func (w *world) measure(ctx context.Context, r *report, sp spec, clients int) error {
	warm, err := w.warmUp(ctx, &sp, clients)
	if err != nil {
		return fmt.Errorf("%s %s, %d clients: %w", sp.row, sp.what, clients, err)
	}
	rate := warm
	var all []repetition
	for tries := 0; len(all) < w.o.reps; tries++ {
		one, err := w.repeat(ctx, sp, clients, w.o.span, rate)
		if err != nil {
			return fmt.Errorf("%s %s, %d clients: %w", sp.row, sp.what, clients, err)
		}
		rate = max(one.rate(), rate)
		if one.work.disturbed() > tolerable && tries < w.o.again && !w.o.hurry {
			continue
		}
		all = append(all, one)
	}
	f := summary(all)
	f.Row, f.What, f.Engine, f.Clients = sp.row, sp.what, w.engine, clients
	r.add(f)
	return nil
}

// warmUp runs a tenth of a repetition and says how fast that was.
func (w *world) warmUp(ctx context.Context, sp *spec, clients int) (float64, error) {
	const guess = 1000
	if sp.reuse > 0 {
		s, err := w.prepare(ctx, min(sp.reuse, w.users), sp.age, sp.sets...)
		if err != nil {
			return 0, err
		}
		do, err := sp.task(s)
		if err != nil {
			return 0, err
		}
		sp.sets, sp.task = nil,
			func(stock) (task, error) { return func(c *conn, i int) error { return do(c, i%s.n) }, nil }
	}
	if w.o.hurry {
		return guess, nil
	}
	one, err := w.repeat(ctx, *sp, clients, w.o.span/10, guess)
	return one.rate(), err
}

// repeat prepares what is used up, lets the clients go, and waits until the house is quiet.
func (w *world) repeat(ctx context.Context, sp spec, clients int, span time.Duration,
	rate float64) (one repetition, err error) {
	if err := ctx.Err(); err != nil {
		return one, err
	}
	var s stock
	if len(sp.sets) > 0 {
		if s, err = w.prepare(ctx, int(rate*span.Seconds()*1.4)+clients+50, sp.age, sp.sets...); err != nil {
			return one, err
		}
	}
	do, err := sp.task(s)
	if err != nil {
		return one, err
	}
	if !w.o.hurry {
		w.settle(ctx)
	}
	mails := w.sink.count.Load()
	w.mark()
	before := w.snapshot()
	one.sample = load{
		addrs:   w.addrs(),
		clients: clients,
		span:    span,
		stock:   s.n,
		least:   sp.least,
		do:      do,
	}.run()
	answered := w.snapshot()
	w.mark()
	quiet := answered
	if !sp.quiet && !w.o.hurry {
		if _, ok := w.settle(ctx); !ok {
			w.notes = append(w.notes, sp.row+": what was left to do was not done after "+w.o.patience.String())
		}
		quiet = w.snapshot()
	}
	one.work, one.whole = answered.since(before), quiet.since(before)
	one.mails = float64(w.sink.count.Load()-mails) / quiet.at.Sub(before.at).Seconds()
	return one, one.sound()
}

// summary takes the median of every column.
func summary(all []repetition) figure {
	of := func(v func(repetition) float64) float64 {
		var list []float64
		for _, r := range all {
			list = append(list, v(r))
		}
		return median(list)
	}
	each := func(d func(repetition) time.Duration) float64 {
		return of(func(r repetition) float64 { return micros(d(r)) / float64(r.n) })
	}
	f := figure{
		Rate:   of(func(r repetition) float64 { return r.rate() }),
		Reps:   len(all),
		P50:    of(func(r repetition) float64 { return millis(percentile(r.took, 50)) }),
		P95:    of(func(r repetition) float64 { return millis(percentile(r.took, 95)) }),
		P99:    of(func(r repetition) float64 { return millis(percentile(r.took, 99)) }),
		Ours:   each(func(r repetition) time.Duration { return r.whole.ours }),
		Base:   each(func(r repetition) time.Duration { return r.whole.base }),
		After:  each(func(r repetition) time.Duration { return r.whole.ours - r.work.ours }),
		Driver: each(func(r repetition) time.Duration { return r.work.driver }),
	}
	var rates []float64
	refused := 0
	for _, r := range all {
		rates = append(rates, r.rate())
		f.Disturbed = max(f.Disturbed, r.work.disturbed())
		f.N += r.n
		refused += r.refused
	}
	if 100*refused > f.N {
		f.Note = fmt.Sprintf("%d of %d were told to come back later", refused, f.N)
	}
	f.Spread = spread(rates)
	return f
}

// measureAll runs a spec for each number of clients.
func (w *world) measureAll(ctx context.Context, r *report, sp spec) error {
	for _, n := range w.o.clients {
		if err := w.measure(ctx, r, sp, n); err != nil {
			return err
		}
	}
	return nil
}

func measureEngine(ctx context.Context, m *machine, r *report, engine string) (err error) {
	w := &world{machine: m, engine: engine}
	if m.o.wantsShared() {
		if w, err = newWorld(ctx, m, engine, m.o.users); err != nil {
			return err
		}
		defer func() {
			r.Notes = append(r.Notes, w.notes...)
			w.close()
		}()
		said("%s: %d people in %d companies", engine, w.users, w.tenants)
		if err := w.acquaint(ctx); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if !m.o.wants(row.name) && !(row.name == "P-1" && m.o.wants(w.verifyRow())) {
			continue
		}
		if err := row.measure(ctx, w, r); err != nil {
			return err
		}
	}
	return nil
}

// acquaint has every company see one sign-in, so that none is met for the first time while
// it counts: its chain of audit rows begins then.
func (w *world) acquaint(ctx context.Context) error {
	s, err := w.prepare(ctx, w.tenants, 0, setFlow)
	if err != nil {
		return err
	}
	do := w.answer(s, "000000", 401)
	got := load{
		addrs:   w.addrs(),
		clients: 8,
		span:    time.Hour,
		stock:   s.n,
		do:      do,
	}.run()
	w.settle(ctx)
	return got.sound()
}

// said tells anyone who waits what is going on.
func said(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, format+"\n", args...)
}
