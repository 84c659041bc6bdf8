package password

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"countersign/internal/fault"
)

// serve lets the slot go n times and returns whose turns they were.
func (l *fairQueue) serve(all map[*waiter]string, n int) (order []string) {
	for range n {
		l.leave()
		for w, name := range all {
			select {
			case ok := <-w.turn:
				if ok {
					order = append(order, name)
				}
				delete(all, w)
			default:
			}
		}
	}
	return order
}

func full(t *testing.T, room int, lanes ...QueueKey) (*fairQueue, map[*waiter]string) {
	t.Helper()
	l, all := newLine(1, room), map[*waiter]string{}
	if l.join(QueueKey{}) != nil {
		t.Fatal("the first had to wait")
	}
	for _, lane := range lanes {
		all[l.join(lane)] = lane.Group + "/" + lane.Key
	}
	return l, all
}

func times(n int, l QueueKey) (out []QueueKey) {
	for range n {
		out = append(out, l)
	}
	return out
}

func TestREL021_OneIsServedWithinARoundOfAThousandOthers(t *testing.T) {
	l, all := full(t, 2000, append(times(1000, QueueKey{Group: "harbor"}), QueueKey{Group: "bright"})...)
	if got := l.serve(all, 2); got[0] != "harbor/" || got[1] != "bright/" {
		t.Errorf("served %v", got)
	}
}

func TestREL021_WithinAGroupPeopleTakeTurns(t *testing.T) {
	l, all := full(t, 100, append(times(50, QueueKey{Key: "192.0.2.1"}), QueueKey{Key: "192.0.2.2"},
		QueueKey{Key: "192.0.2.3"})...)
	if got := fmt.Sprint(l.serve(all, 4)); got != "[/192.0.2.1 /192.0.2.2 /192.0.2.3 /192.0.2.1]" {
		t.Errorf("served %v", got)
	}
}

func TestREL021_ACrowdDisplacesItselfOnly(t *testing.T) {
	l, all := full(t, 10, times(8, QueueKey{Group: "harbor", Key: "flood"})...)
	for _, lane := range []QueueKey{{"harbor", "anna"}, {"bright", "omar"}, {"bright", "lena"}, {"", "192.0.2.1"}} {
		if !l.open(lane) {
			t.Errorf("no room for %v", lane)
		}
		all[l.join(lane)] = lane.Group + "/" + lane.Key
	}
	if l.open(QueueKey{"harbor", "flood"}) {
		t.Error("room for one more of the flood")
	}
	for range 50 {
		all[l.join(QueueKey{"harbor", "flood"})] = "harbor/flood"
	}
	served := map[string]int{}
	for _, name := range l.serve(all, 10) {
		served[name]++
	}
	for _, name := range []string{"harbor/anna", "bright/omar", "bright/lena", "/192.0.2.1"} {
		if served[name] != 1 {
			t.Errorf("%s was displaced: %v", name, served)
		}
	}
	if served["harbor/flood"] != 6 || len(all) != 0 || len(l.groups) != 0 || len(l.byName) != 0 || l.waiting != 0 {
		t.Errorf("served %v, %d left, line %+v", served, len(all), l)
	}
}

// A model: random arrivals, departures and turns. No one is lost, no one waits longer than
// a round of groups times a round of keys times those before them in their own row, and
// the one who is displaced was in a queue that is no shorter than the newcomer's.
func TestREL021_AnyCrowdIsServedInTurn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		room := rapid.IntRange(1, 30).Draw(rt, "room")
		l := newLine(1, room)
		l.join(QueueKey{})
		waiting := map[*waiter]bool{}
		inGroup := map[string]int{}
		gone := func(w *waiter) { delete(waiting, w); inGroup[w.lane.Group]-- }
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0, 1:
				lane := QueueKey{rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(rt, "group"),
					rapid.SampledFrom([]string{"x", "y", "z"}).Draw(rt, "key")}
				open := l.open(lane)
				w := l.join(lane)
				waiting[w] = true
				inGroup[lane.Group]++
				for v := range waiting {
					select {
					case <-v.turn:
						if (v == w) == open {
							rt.Fatalf("open said %t, and the newcomer stays: %t", open, v != w)
						}
						gone(v)
						if inGroup[v.lane.Group] < inGroup[lane.Group]-1 {
							rt.Fatalf("a group of %d had to make room for one of %d", inGroup[v.lane.Group]+1,
								inGroup[lane.Group])
						}
					default:
					}
				}
			case 2:
				for w := range waiting {
					if !l.abandon(w) || l.abandon(w) {
						rt.Fatal("a waiting caller could not leave once")
					}
					gone(w)
					break
				}
			case 3:
				if len(waiting) == 0 {
					continue
				}
				first := l.groups[0].name
				l.leave()
				for w := range waiting {
					select {
					case <-w.turn:
						gone(w)
						if w.lane.Group != first || l.byName[first] != nil && l.groups[len(l.groups)-1].name != first {
							rt.Fatal("not in turn")
						}
					default:
					}
				}
			}
			if l.waiting != len(waiting) || l.waiting > room {
				rt.Fatalf("%d wait, the line says %d of %d", len(waiting), l.waiting, room)
			}
		}
	})
}

// busyPool has one slot, which is taken until release.
func busyPool(t *testing.T, room int) (p *Pool, release func()) {
	t.Helper()
	p = newPool(t, 1, room)
	release, err := p.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, release
}

func TestAFullPoolRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := busyPool(t, 2)
		var refused, matched atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := p.Match(t.Context(), Stored{}, "x"); fault.Is(err, fault.Unavailable) {
					refused.Add(1)
				} else if err == nil {
					matched.Add(1)
				}
			})
		}
		synctest.Wait()
		if err := p.Room(t.Context()); refused.Load() != 18 || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d refused; room: %v", refused.Load(), err)
		}
		release()
		wg.Wait()
		if s := p.Stats(); matched.Load() != 2 || s.Running != 0 || s.Waiting != 0 || s.Refused != 19 || s.Done != 3 {
			t.Errorf("%d were served: %+v", matched.Load(), s)
		}
		if err := p.Room(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoGoesAwayFreesThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := busyPool(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { _, err := p.Hash(ctx, "x"); left <- err }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if s := p.Stats(); s.Waiting != 0 {
			t.Errorf("%d still wait", s.Waiting)
		}
		release()
		if _, err := p.Hash(t.Context(), "x"); err != nil {
			t.Error(err)
		}
	})
}

// A slot that is handed to someone who goes away at the same moment goes on to the next.
func TestASlotHandedToWhoLeftGoesOn(t *testing.T) {
	p, release := busyPool(t, 2)
	late, next := p.line.join(QueueKey{}), p.line.join(QueueKey{})
	release()
	if err := p.giveUp(late, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !<-next.turn {
		t.Error("the next was turned away")
	}
	p.line.leave()
	if p.line.free != 1 {
		t.Error("the slot is lost")
	}
}

func TestASlotIsNeverLost(t *testing.T) {
	p := newPool(t, 2, 50)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 40 {
			c := t.Context()
			if i%2 == 0 {
				c = ctx
			}
			wg.Go(func() { _, _ = p.Match(WithQueueKey(c, QueueKey{Key: fmt.Sprint(i % 5)}), Stored{}, "x") })
		}
		cancel()
		wg.Wait()
	}
	if s := p.Stats(); s.Running != 0 || s.Waiting != 0 || p.line.free != 2 || len(p.line.byName) != 0 {
		t.Errorf("%+v, %d slots are free", s, p.line.free)
	}
}

func TestNoOneWaitsForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := busyPool(t, 5)
		began := time.Now()
		_, err := p.Match(t.Context(), Stored{}, "x")
		if !fault.Is(err, fault.Unavailable) || time.Since(began) != patience {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Match(ctx, Stored{}, "x"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a request whose time is up: %v", err)
		}
		release()
	})
}

func TestAPanicFreesTheSlot(t *testing.T) {
	p := newPool(t, 1, 1)
	keys := p.keys
	p.keys = nil
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Hash(t.Context(), "x")
		t.Error("no panic")
	}()
	p.keys = keys
	if _, err := p.Hash(t.Context(), "x"); err != nil || p.line.free != 1 {
		t.Error(err)
	}
}

// Anyone who is turned away is told a time that grows with the queue and with what a
// computation takes.
func TestRetryAfterKnowsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1, 40)
		p.Now = time.Now
		release, _ := p.enter(t.Context())
		for range 30 { // thirty computations of two seconds
			time.Sleep(2 * time.Second)
			release()
			release, _ = p.enter(t.Context())
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			go func() { _, _ = p.Match(ctx, Stored{}, "x") }()
		}
		synctest.Wait()
		mean, after := p.Stats().Mean, fault.Of(p.errBusy()).RetryAfter
		if mean < 1500*time.Millisecond || mean > 2*time.Second || after < 11*mean || after > 22*mean {
			t.Errorf("mean %s, asked to wait %s", mean, after)
		}
		cancel()
		synctest.Wait()
		if after := fault.Of(p.errBusy()).RetryAfter; after < leastWait || after > 4*time.Second {
			t.Errorf("asked to wait %s for an empty queue", after)
		}
		release()
	})
}

func TestObserveIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1, 4)
		p.Now = time.Now
		told := make(chan string, 2)
		p.Observe = func(_ context.Context, waited, took time.Duration) {
			told <- fmt.Sprintf("waited %s, took %s", waited, took)
		}
		first, _ := p.enter(t.Context())
		go func() {
			second, _ := p.enter(t.Context())
			time.Sleep(time.Second)
			second()
		}()
		synctest.Wait()
		time.Sleep(3 * time.Second)
		first()
		time.Sleep(2 * time.Second)
		for _, want := range []string{"waited 0s, took 3s", "waited 3s, took 1s"} {
			if got := <-told; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}

func BenchmarkEnterFree(b *testing.B) {
	p := newPool(b, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		leave, _ := p.enter(b.Context())
		leave()
	}
}

// BenchmarkTurnedAway is the work left when no one finds a place any more.
func BenchmarkTurnedAway(b *testing.B) {
	for _, crowd := range []int{64, 1024} {
		b.Run(fmt.Sprint(crowd), func(b *testing.B) {
			l := newLine(1, crowd)
			l.join(QueueKey{})
			for i := range crowd {
				l.join(QueueKey{Group: fmt.Sprint(i % (crowd / 4))})
			}
			b.ReportAllocs()
			for b.Loop() {
				l.join(QueueKey{Group: "0"})
			}
		})
	}
}

func BenchmarkTurn(b *testing.B) {
	l := newLine(1, 1000)
	l.join(QueueKey{})
	for i := range 500 {
		l.join(QueueKey{Group: fmt.Sprint(i % 50)})
	}
	b.ReportAllocs()
	for b.Loop() {
		l.join(QueueKey{Group: "newcomer"})
		l.leave()
	}
}
