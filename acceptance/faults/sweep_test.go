package faults

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var everywhere = flag.Bool("everywhere", false,
	"sweep every point of every chapter, also those that an earlier chapter came by in the same way")

// point is one place in a chapter: the n-th time that the program comes by it.
type point struct {
	name string
	n    int
}

// rounds plays a chapter without a fault and returns the points at which to play it again.
// Points that the chapters before came by as often are left out: they are the same code.
func (w *world) rounds(t *testing.T, ch chapter, seen map[point]bool) (out []point) {
	t.Helper()
	c := w.client(t)
	w.order(t, "trace", 0, "")
	if err := ch.play(c); err != nil {
		t.Fatalf("%s, without a fault: %v", ch.name, err)
	}
	w.idle(t)
	_, names := w.done(t)
	counts := map[string]int{}
	for _, name := range names {
		if strings.HasSuffix(name, "<app.App.look") { // the clock brings it, not the story
			continue
		}
		counts[name]++
		p := point{name, counts[name]}
		if !seen[p] || *everywhere {
			out = append(out, p)
		}
		seen[p] = true
	}
	return out
}

// idle waits until the program has no job left to do. One that was claimed and not done is
// taken up again when its claim is over.
func (w *world) idle(t *testing.T) {
	t.Helper()
	for began := time.Now(); time.Since(began) < rig.Slack*10*time.Second; time.Sleep(5 * time.Millisecond) {
		if w.Number(t, `SELECT count(*) FROM jobs WHERE done_at = 0 AND failed_at = 0`) == 0 {
			return
		}
		if time.Since(began) > 1500*time.Millisecond {
			w.forgetClaims(t)
		}
	}
	t.Fatal("jobs are left")
}

// TestREL004_KilledAtEveryPoint plays each chapter and kills the program the first, second,
// third … time that it comes by each point, right before and right after each commit and
// right after a mail has left. Then it starts the program again, lets the auditor look, and
// goes on as the person would.
func TestREL004_KilledAtEveryPoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		began := time.Now()
		rounds := w.sweep(t, w.killedAt)
		w.sealerKilled(t)
		w.A.Kill()
		w.dead(t)
		w.audit(t, true)
		t.Logf("killed %d times in %s; clients were told of %s", rounds, time.Since(began).Round(time.Second),
			w.history.Count())
	})
}

// sweep does a round at every point of the story and returns how many there were.
func (w *world) sweep(t *testing.T, round func(*testing.T, chapter, point) bool) (n int) {
	t.Helper()
	seen := map[point]bool{}
	for _, ch := range story {
		for _, p := range w.rounds(t, ch, seen) {
			if round(t, ch, p) {
				n++
			}
		}
	}
	return n
}

// TestREL004_FailedAtEveryPoint is the same with an I/O error in place of the kill: before
// a commit, which then does not happen, and after one, which then has happened although the
// program is told otherwise.
func TestREL004_FailedAtEveryPoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		began := time.Now()
		rounds := w.sweep(t, w.failedAt)
		w.A.Kill()
		w.dead(t)
		w.audit(t, true)
		t.Logf("failed %d times in %s; clients were told of %s", rounds, time.Since(began).Round(time.Second),
			w.history.Count())
	})
}

// failedAt is one round with an error.
func (w *world) failedAt(t *testing.T, ch chapter, p point) bool {
	t.Helper()
	c, played := w.until(t, "error", ch, p)
	if c == nil {
		return false
	}
	w.done(t)
	w.goOn(t, c, fmt.Sprintf("%s, failed at %s for the %d. time", ch.name, p.name, p.n), played)
	w.audit(t, false)
	return true
}

// killedAt is one round. It reports whether the program came by the point.
func (w *world) killedAt(t *testing.T, ch chapter, p point) bool {
	t.Helper()
	c, played := w.until(t, "kill", ch, p)
	if c == nil {
		return false
	}
	w.dead(t)
	w.done(t)
	w.audit(t, false)
	w.restart(t)
	w.goOn(t, c, fmt.Sprintf("%s, killed at %s for the %d. time", ch.name, p.name, p.n), played)
	return true
}

// attempts is how often a chapter is played until it comes by a point: the jobs beside it
// may be done in another order than before.
const attempts = 6

// until plays a chapter until an order is carried out, and returns who was hit. A point
// that the chapter does not come by again without a fault either was there by chance.
func (w *world) until(t *testing.T, mode string, ch chapter, p point) (*client, error) {
	t.Helper()
	var all []string
	for range attempts {
		c := w.client(t)
		if mode == "kill" {
			c.gone = w.A.Ended()
		}
		w.order(t, mode, p.n, exactly(p.name))
		played := ch.play(c)
		c.gone = nil // the program is started again before the person goes on
		if w.awaitHit(2 * time.Second) {
			return c, played
		}
		hit, points := w.done(t)
		if hit { // just now
			return c, played
		}
		all = append(all, fmt.Sprint(played, points))
	}
	if w.comesBy(t, ch, p) {
		t.Errorf("%s never came by %s for the %d. time: %v", ch.name, p.name, p.n, all)
	}
	return nil, nil
}

// comesBy plays a chapter without a fault and reports whether it leads to a point.
func (w *world) comesBy(t *testing.T, ch chapter, p point) bool {
	t.Helper()
	for range attempts {
		w.order(t, "trace", 0, exactly(p.name))
		if err := ch.play(w.client(t)); err != nil {
			t.Errorf("%s, without a fault: %v", ch.name, err)
		}
		w.idle(t)
		if _, points := w.done(t); len(points) >= p.n {
			return true
		}
	}
	return false
}

// goOn: whatever was cut off is sent again, as a browser does; then the person gets in, and
// out.
func (w *world) goOn(t *testing.T, c *client, after string, played error) {
	t.Helper()
	if played != nil {
		if err := c.last(); errors.Is(err, errBroken) {
			t.Errorf("%s: sent again: %v", after, err)
		}
	}
	k, err := c.goOn()
	if err != nil {
		t.Errorf("%s: the person cannot go on: %v", after, err)
		return
	}
	held := c.p.Cookie("session")
	if err := run(c.signOut, func() error { return c.over(held, k) }); err != nil {
		t.Errorf("%s: signing out: %v", after, err)
	}
	w.idle(t)
}

// sealerKilled kills the program in the one thing that no request leads to and that links
// rows to each other.
func (w *world) sealerKilled(t *testing.T) {
	t.Helper()
	for _, when := range []string{"commit", "committed"} {
		c := w.client(t)
		w.order(t, "kill", 1, "^"+when+`\saudit\.Sealer`)
		played := whole(c)
		if !w.awaitHit(rig.Slack * 5 * time.Second) {
			t.Fatal("no audit row was sealed")
		}
		w.dead(t)
		w.audit(t, true)
		w.restart(t)
		w.goOn(t, c, "killed as audit rows were sealed", played)
	}
}

// exactly is a pattern for one point.
func exactly(name string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(name), " ", `\s`) + "$"
}
