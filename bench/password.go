package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/authenticator/password"
)

// waitingSignIns is how many of P-4 ask for a password comparison at once.
const waitingSignIns = 200

// argon is what one comparison of a password costs by itself, on one processor that does
// nothing else.
func (w *world) argon(ctx context.Context) (time.Duration, error) {
	pool, err := password.NewPool(w.keys, password.DefaultCost, 1, 1)
	if err != nil {
		return 0, err
	}
	stored := password.Stored{
		Hash:   w.pattern.value(setPerson, "passwords", "hash").(string),
		Pepper: w.pattern.value(setPerson, "passwords", "pepper").(string),
	}
	n := max(3, int(w.o.span.Seconds()*10))
	before := processes()[os.Getpid()].own
	for range n {
		if ok, err := pool.Match(ctx, stored, patternPassword); err != nil || !ok {
			return 0, fmt.Errorf("the pattern's password does not match: %w", err)
		}
	}
	return (processes()[os.Getpid()].own - before) / time.Duration(n), nil
}

// passwords answers the first page, each time for someone else.
func (w *world) passwords(to string, from uint64) task {
	return func(c *conn, i int) error {
		it := stock{from: from, users: w.users}.item(i)
		return c.orWait(c.post("/signin/password", addressOf(it.serial), "", passwordForm(to, emailOf(it.user))), 303)
	}
}

func (w *world) passwordSpec() spec {
	return spec{row: "P-4", what: "password step", task: func(stock) (task, error) {
		c := &conn{addr: w.replicas[0].addr}
		defer c.close()
		to, err := w.sealedRequest(c, addressOf(w.serial))
		from := w.serial
		w.serial += 100_000 // more than anyone asks for
		return w.passwords(to, from), err
	}}
}

func measurePassword(ctx context.Context, w *world, r *report) error {
	alone, err := w.argon(ctx)
	if err != nil {
		return err
	}
	for _, n := range w.o.clients {
		if n > 8 {
			continue // they would only wait
		}
		if err := w.measure(ctx, r, w.passwordSpec(), n); err != nil {
			return err
		}
		f := &r.Figures[len(r.Figures)-1]
		f.Note = strings.TrimPrefix(f.Note+fmt.Sprintf("; Argon2id alone %.0f µs; beyond it %.1f %%", micros(alone),
			100*(f.Ours-micros(alone))/micros(alone)), "; ")
	}
	return w.verifyWhileOthersWait(ctx, r)
}

// verifyWhileOthersWait compares how long a code takes while no one and while 200 people
// wait for their passwords.
func (w *world) verifyWhileOthersWait(ctx context.Context, r *report) error {
	sp := w.right()
	sp.row = "P-4"
	sp.what += ", no one waits for a password"
	if err := w.measure(ctx, r, sp, min(8, w.o.most())); err != nil {
		return err
	}
	calm := r.Figures[len(r.Figures)-1].P95
	stop, turnedAway, err := w.crowd()
	if err != nil {
		return err
	}
	sp.what = fmt.Sprintf("%s, %d sign-ins wait for a password", w.right().what, w.o.crowd)
	sp.quiet = true // the crowd never rests
	err = w.measure(ctx, r, sp, min(8, w.o.most()))
	passwords := stop()
	if err != nil {
		return err
	}
	f := &r.Figures[len(r.Figures)-1]
	f.Ours, f.Base, f.After = 0, 0, 0 // the passwords' work cannot be told from the codes'
	f.Note = fmt.Sprintf("p95 is %.1f times the calm one; meanwhile %d passwords were right and %d turned away",
		f.P95/calm, passwords, turnedAway.Load())
	w.settle(ctx)
	return nil
}

// crowd lets 200 people sign in until stop is called.
func (w *world) crowd() (stop func() int, turnedAway *atomic.Int64, err error) {
	do, err := w.passwordSpec().task(stock{})
	if err != nil {
		return nil, nil, err
	}
	turnedAway = &atomic.Int64{}
	var over atomic.Bool
	var right atomic.Int64
	var wg sync.WaitGroup
	var next atomic.Int64
	for range w.o.crowd {
		wg.Go(func() {
			c := &conn{addr: w.replicas[0].addr}
			defer c.close()
			for !over.Load() {
				before := c.refused
				if do(c, int(next.Add(1))) == nil && c.refused == before {
					right.Add(1)
					continue
				}
				turnedAway.Add(1)
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	time.Sleep(500 * time.Millisecond) // until they wait
	return func() int { over.Store(true); wg.Wait(); return int(right.Load()) }, turnedAway, nil
}

// measureFootprint looks at start, memory and size.
func measureFootprint(ctx context.Context, w *world, r *report) error {
	var starts []float64
	for range w.o.starts() {
		if err := w.replicas[0].stop(); err != nil {
			return err
		}
		w.replicas = w.replicas[:0]
		took, err := w.start(ctx, w.config)
		if err != nil {
			return err
		}
		starts = append(starts, millis(took))
	}
	pid := w.pids()[0]
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(3*time.Second, w.o.span)): // what the start left behind is done
	}
	idle := memory(pid, "VmRSS")
	size, err := os.Stat(w.binary)
	if err != nil {
		return err
	}
	if _, err := w.repeat(ctx, w.right(), w.o.most(), w.o.span, 1500); err != nil {
		return err
	}
	codes := memory(pid, "VmHWM")
	if _, err := w.repeat(ctx, w.passwordSpec(), w.o.most(), w.o.span, 0); err != nil {
		return err
	}
	r.note("P-9, %s: ready %.0f ms after the start with an existing database (median of %d, spread %.0f %%); %.0f MiB idle; at most %.0f MiB with %d clients who answer codes, %.0f MiB with as many who send passwords; the program is %.1f MB (%s).",
		w.engine, median(starts), len(starts), spread(starts), idle, codes, w.o.most(), memory(pid, "VmHWM"),
		float64(size.Size())/1e6, filepath.Base(w.binary))
	return nil
}
