package faults

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: what was seen to be over stays over; budgets count stamps of the future
func TestREL014_TheClockJumps(t *testing.T) {
	eachRelease(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		const right = time.Hour // the signing key is older than any jump back
		w.SetClock(t, right)
		late := begin(t, w, w.Covered(t).User(t))
		idle := w.Person(t)
		idle.SignIn(t, app, w.Covered(t).User(t))

		w.SetClock(t, right+10*time.Minute+time.Second) // a step of ten minutes
		if pg := late.right(); pg.Left != nil || gotSession(pg) {
			t.Error("a code is good after its time")
		}
		w.SetClock(t, right)
		if pg := late.right(); pg.Left != nil || gotSession(pg) {
			t.Error("a code that was over is good again")
		}
		w.SetClock(t, right+time.Hour+time.Minute)
		if idle.SignedIn() {
			t.Error("a session is good after its idle time")
		}
		ahead := w.Person(t)
		checkTimes(t, w, ahead.SignIn(t, app, w.Covered(t).User(t)))
		w.SetClock(t, right)

		guessed := begin(t, w, w.Covered(t).User(t))
		guessed.wrongly().Expect(t, http.StatusUnauthorized, "4")
		w.SetClock(t, right-10*time.Minute) // tries made "later" still count
		guessed.wrongly().Expect(t, http.StatusUnauthorized, "3")
		back := w.Person(t)
		checkTimes(t, w, back.SignIn(t, app, w.Covered(t).User(t)))
		w.SetClock(t, right)
		in(t, begin(t, w, guessed.u).right(), "when the clock is right again")
		sound(t, w)
	})
}

// checkTimes: the library has checked iat and exp against the program's clock already.
func checkTimes(t *testing.T, w *rig.World, k *rig.Tokens) {
	t.Helper()
	now := w.Now().Unix()
	if c := k.Claims; c.IssuedAt > now+5 || c.IssuedAt < now-60 || c.Expires <= c.IssuedAt ||
		c.Expires-c.IssuedAt > 3600 || c.AuthTime > c.IssuedAt+1 {
		t.Errorf("at %d: %+v", now, c)
	}
}

// guard: codes are judged by the stored instants; a replica's clock within the tolerance
// changes no verdict twice
func TestREL014_ReplicasFiveSecondsApart(t *testing.T) {
	t.Parallel()
	w := fresh(t, "postgres", rig.Options{Flavour: rig.Rigged})
	skewed := w.Dir + "/skewed"
	writeClock(t, skewed, -4*time.Second)
	b := w.Start(t, "behind", rig.Options{Env: []string{"COUNTERSIGN_RIG_CLOCK=" + skewed}})
	t.Cleanup(b.Stop)
	for i := range 4 {
		x := begin(t, w, w.Covered(t).User(t))
		if i%2 == 0 {
			x.Via(b)
		}
		x.wrongly().Expect(t, http.StatusUnauthorized, "4")
		x.Via([]*rig.Server{w.A, b}[i%2])
		in(t, x.right(), fmt.Sprint("replica ", i%2))
		if pg := x.Post(rig.PathCode, form("code", x.mail.Code)); gotSession(pg) {
			t.Error("a code is good twice")
		}
	}
	sound(t, w)
}

// guard: every sweep is a guarded DELETE that may run twice, at once or late
func TestREL028_ADayIsSkippedAndThenDoneTwice(t *testing.T) {
	eachRelease(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		abandoned := begin(t, w, w.Covered(t).User(t))
		old := w.Person(t)
		old.SignIn(t, w.Dashboard(t), w.Covered(t).User(t))
		w.A.Stop()
		w.Advance(t, 31*24*time.Hour) // no one swept for a month
		w.Restart(t, rig.Options{})
		left := func() int64 {
			return w.Number(t, `SELECT (SELECT count(*) FROM flows) + (SELECT count(*) FROM challenges)`)
		}
		rig.Within(t, 20*time.Second, "what was left for a month is swept", func() bool { return left() == 0 })
		abandoned.Via(w.A)
		if pg := abandoned.right(); gotSession(pg) || old.Via(w.A).SignedIn() {
			t.Error("something of a month ago is good")
		}
		fresh := begin(t, w, w.Covered(t).User(t))
		if w.Engine == "postgres" { // SQLite has one program
			w.Start(t, "second", rig.Options{}).Stop()
		}
		w.Restart(t, rig.Options{})
		fresh.Via(w.A)
		in(t, fresh.right(), "after the sweeps ran again")
		if n := left(); n != 2 {
			t.Errorf("%d flows and challenges, want the two of today", n)
		}
		linked(t, w) // the auditor would miss what was swept
	})
}
