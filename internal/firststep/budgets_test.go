package firststep_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/user"
)

// guard: limitPassword, spent before the comparison.
func TestATK12_StrangersSlowDownButDoNotLockOut(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		device := r.finished(maria, true)
		refused := 0
		for i := range 60 {
			r.pass(time.Minute)
			_, err := r.check(from(fmt.Sprintf("198.51.100.%d", i), attempt(maria, "wrong"))) // from everywhere
			if fault.Is(err, fault.RateLimited) {
				refused++
				if after := fault.Of(err).RetryAfter; after > 15*time.Minute {
					t.Fatalf("a wait of %s", after)
				}
			}
		}
		if refused < 20 {
			t.Errorf("only %d of 60 were refused", refused)
		}
		a := attempt(maria, rightPassword)
		a.Devices = []secret.Reference{device}
		if right, err := r.check(a); err != nil || !right { // at once
			t.Errorf("on a device of hers: %t, %v", right, err)
		}
		r.pass(15 * time.Minute)
		if right, err := r.check(attempt(maria, rightPassword)); err != nil || !right {
			t.Errorf("from a new browser: %t, %v", right, err)
		}
	})
}

// guard: limitPasswordHere. One stranger, however patient, slows no one but himself.
func TestATK12_OneStrangerSlowsOnlyHimself(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := from("198.51.100.66", attempt(maria, "wrong"))
		const most = 40
		compared, next := 0, r.now()
		for range 3 * 60 { // three hours; he comes back the moment that he may
			r.pass(time.Minute)
			for compared <= most && !next.After(r.now()) {
				_, err := r.check(a)
				if err == nil {
					compared++
					continue
				}
				next = r.now().Add(fault.Of(err).RetryAfter)
			}
			if r.now().Minute()%20 != 0 {
				continue
			}
			if right, err := r.check(attempt(maria, rightPassword)); err != nil || !right {
				t.Errorf("at %s the owner was kept out: %t, %v", r.now().Format("15:04"), right, err)
			}
		}
		if compared > most {
			t.Errorf("%d of his tries or more were compared", compared)
		}
	})
}

// TestATK12_WhoeverKeepsAskingIsNotHeard: a bot at one address asks without end; soon its
// source is refused before it reaches the account, and the account's waits run out.
func TestATK12_WhoeverKeepsAskingIsNotHeard(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := from("198.51.100.66", attempt(maria, "wrong"))
		compared := 0
		for range 6 * 60 * 2 { // every ten seconds, two hours long
			r.pass(10 * time.Second)
			if _, err := r.check(a); err == nil {
				compared++
			}
		}
		rows := r.events(company, "signin.password", "refused") + r.events(company, "signin.password", "failed")
		if rows > 5*13+40 { // five for each span, and what was compared
			t.Errorf("%d audit rows of one stranger in two hours", rows)
		}
		through := 0
		for range 6 * 30 { // the owner tries once a minute for half an hour, beside the bot
			r.pass(10 * time.Second)
			_, _ = r.check(a)
			if r.now().Second() != 0 {
				continue
			}
			if right, err := r.check(attempt(maria, rightPassword)); err == nil && right {
				through++
			}
		}
		if through == 0 {
			t.Errorf("the owner never got through (%d tries of the bot were compared)", compared)
		}
	})
}

// Strangers at several networks cannot add their waits up: a new browser that comes back when
// it was told to gets through.
//
// guard: limitTurn
func TestATK12_WaitsDoNotAddUp(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var since time.Time
		longest, through := time.Duration(0), 0
		next := r.now()
		for range 2 * 60 * 3 { // three hours; ten networks try every half minute
			r.pass(30 * time.Second)
			for i := range 10 {
				_, _ = r.check(from(fmt.Sprintf("198.51.100.%d", i), attempt(maria, "wrong")))
			}
			if r.now().Before(next) {
				continue
			}
			if since.IsZero() {
				since = r.now()
			}
			_, err := r.check(attempt(maria, rightPassword))
			if fault.Is(err, fault.RateLimited) {
				next = r.now().Add(fault.Of(err).RetryAfter)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			longest, since = max(longest, r.now().Sub(since)), time.Time{}
			next, through = r.now().Add(time.Minute), through+1
		}
		if longest > 15*time.Minute+30*time.Second || through < 10 {
			t.Errorf("waited %s at the longest, got through %d times", longest, through)
		}
	})
}

// What one person mistypes does not stop the office; many accounts do.
//
// guard: chargeable
func TestFailuresOfOneAccountDoNotStopItsNetwork(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 200 {
			_, _ = r.check(attempt(maria, "wrong"))
			r.pass(2 * time.Second)
		}
		if right, err := r.check(attempt(owner, rightPassword)); err != nil || !right {
			t.Errorf("a colleague: %t, %v", right, err)
		}
		if n := r.events(company, "signin.password", "refused"); n > 5 {
			t.Errorf("%d refused tries were written down", n)
		}
		for i := range 50 {
			_, _ = r.check(attempt(fmt.Sprintf("nobody%d@company.test", i), "wrong"))
		}
		if _, err := r.check(attempt(owner, rightPassword)); !fault.Is(err, fault.RateLimited) {
			t.Errorf("after failures of many accounts: %v", err)
		}
		a := attempt(owner, rightPassword)
		a.Admission = r.admit(owner)
		if right, err := r.check(a); err != nil || !right {
			t.Errorf("with a link: %t, %v", right, err)
		}
	})
}

func TestFailuresPerSource(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var last error
		for i := range 51 {
			a := attempt(strings.Repeat("x", i+1)+"@nowhere.test", "whatever")
			if i%10 == 0 { // those of accounts that exist count alike
				a.Email = strings.Repeat("y", i+1) + "@company.test"
				r.person(a.Email, user.Agent)
			}
			_, last = r.check(a)
		}
		if !fault.Is(last, fault.RateLimited) {
			t.Errorf("the 51st: %v", last)
		}
		a := attempt(maria, rightPassword)
		if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
			t.Error("the same source is told which accounts exist")
		}
		if right, err := r.check(from("198.51.100.7", a)); err != nil || !right {
			t.Errorf("another source: %v", err)
		}
	})
}
