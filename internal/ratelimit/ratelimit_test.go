package ratelimit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds ...int) []time.Time {
	var out []time.Time
	for _, s := range seconds {
		out = append(out, start.Add(time.Duration(s)*time.Second))
	}
	return out
}

func TestDecide(t *testing.T) {
	three := Limit{Windows: []Window{{Count: 3, Per: time.Minute}}}
	both := Limit{Windows: []Window{{Count: 2, Per: 10 * time.Second}, {Count: 3, Per: time.Minute}}}
	slow := Limit{Slow: Slow{From: 3, First: time.Second, Max: 5 * time.Second, Within: time.Hour}}
	for name, c := range map[string]struct {
		limit  Limit
		stamps []time.Time
		now    int
		want   time.Duration
	}{
		"a new subject is free":                 {three, nil, 0, 0},
		"below the count":                       {three, at(0, 1), 2, 0},
		"at the count, until the oldest leaves": {three, at(0, 1, 2), 3, 57 * time.Second},
		"the instant that the oldest leaves":    {three, at(0, 1, 2), 60, 0},
		"just before it":                        {three, at(0, 1, 2), 59, time.Second},
		"the strictest window decides":          {both, at(0, 58), 59, 0},
		"the short window is full":              {both, at(0, 1), 2, 8 * time.Second},
		"the long window is full":               {both, at(0, 20, 40), 52, 8 * time.Second},
		"not slow yet":                          {slow, at(0, 0), 0, 0},
		"slow from the third":                   {slow, at(0, 0, 0), 0, time.Second},
		"slow is over":                          {slow, at(0, 0, 0), 1, 0},
		"slower with the fourth":                {slow, at(0, 0, 0, 1), 1, 2 * time.Second},
		"never slower than Max":                 {slow, at(0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 5 * time.Second},
		"old tries no longer slow":              {slow, at(0, 0, 0, 0), 3600, 0},
		"a clock set back opens nothing":        {three, at(100, 101, 102), 0, time.Minute},
		"a clock set back slows no longer":      {slow, at(1e6, 1e6, 1e6, 1e6), 0, 2 * time.Second},
		"a budget of none":                      {Limit{Windows: []Window{{Per: time.Minute}}}, nil, 0, time.Minute},
		"no limit at all":                       {Limit{}, at(0, 0, 0), 0, 0},
	} {
		if got := max(0, Decide(c.limit, c.stamps, start.Add(time.Duration(c.now)*time.Second))); got != c.want {
			t.Errorf("%s: wait %v, want %v", name, got, c.want)
		}
	}
}

// TestNeverMoreThanCountInAnyWindow walks random tries through Decide and then looks at
// every window that ends with an allowed try.
func TestNeverMoreThanCountInAnyWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := Limit{Windows: []Window{
			{Count: rapid.IntRange(1, 6).Draw(rt, "few"),
				Per: time.Duration(rapid.IntRange(1, 40).Draw(rt, "short")) * time.Second},
			{Count: rapid.IntRange(3, 12).Draw(rt, "many"),
				Per: time.Duration(rapid.IntRange(30, 300).Draw(rt, "long")) * time.Second},
		}}
		now := start
		var kept, allowed []time.Time
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 20_000), 1, 80).Draw(rt, "steps") {
			now = now.Add(time.Duration(step) * time.Millisecond)
			wait := Decide(l, kept, now)
			if wait > 0 {
				if Decide(l, kept, now.Add(wait)) > 0 {
					rt.Fatalf("told to wait %v, and not allowed then", wait)
				}
				continue
			}
			allowed = append(allowed, now)
			e := FromStored(BudgetKey{Limit: l}, encode(kept, make([]uint16, len(kept))))
			e.addTry(now)
			kept = e.stamps
		}
		for _, w := range l.Windows {
			for i, end := range allowed {
				if n := countWithin(allowed[:i+1], end, w.Per); n > w.Count {
					rt.Fatalf("%d tries in %v, allowed are %d", n, w.Per, w.Count)
				}
			}
		}
	})
}

func TestTwoHundredAtOnceSpendExactlyTheBudget(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "second_factor",
			Windows: []Window{{Count: 30, Per: 24 * time.Hour}, {Count: 100, Per: 720 * time.Hour}}}
		var allowed, refused atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				switch err := Spend(t.Context(), d, "t1", l, "u1"); {
				case err == nil:
					allowed.Add(1)
				case fault.Is(err, fault.RateLimited) && fault.Of(err).RetryAfter == 24*time.Hour:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 30 || refused.Load() != 170 {
			t.Errorf("%d allowed, %d refused", allowed.Load(), refused.Load())
		}
		if err := Spend(t.Context(), d, "t1", l, "u2"); err != nil {
			t.Error("another subject pays:", err)
		}
		if err := Spend(t.Context(), d, "t2", l, "u1"); err != nil {
			t.Error("another tenant pays:", err)
		}
	})
}

func in(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestRefundTryReturnsOneTry(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "n", Windows: []Window{{Count: 2, Per: time.Hour}}}
		key := BudgetKey{Tenant: "t1", Limit: l, Subject: "s"}
		spend := func() (wait time.Duration) {
			in(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
				wait, err = SpendIn(ctx, tx, l, "s")
				return err
			})
			return wait
		}
		back := func() {
			in(t, d, func(ctx context.Context, tx *db.Tx) error {
				all, err := Read(ctx, tx, key)
				if err != nil {
					return err
				}
				all[0].RefundTry()
				return all.Write(ctx, tx)
			})
		}
		back() // nothing to give
		if waits := [3]time.Duration{spend(), spend(), spend()}; waits != [3]time.Duration{0, 0, time.Hour} {
			t.Fatalf("the budget is not two: %v", waits)
		}
		back()
		if waits := [2]time.Duration{spend(), spend()}; waits[0] != 0 || waits[1] == 0 {
			t.Errorf("one was not given back: %v", waits)
		}
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			all, err := Read(ctx, tx, key, BudgetKey{Tenant: "t1", Limit: l, Subject: "unused"})
			if all[0].Used(tx.Now, time.Hour) != 2 || all[1].Used(tx.Now, time.Hour) != 0 {
				t.Errorf("%d and %d counted", all[0].Used(tx.Now, time.Hour), all[1].Used(tx.Now, time.Hour))
			}
			return err
		})
	})
}

// TestAWriteOverAnUnreadTryIsRefused: of two that read the same, one writes; the other
// runs again and decides on what the first has left.
func TestAWriteOverAnUnreadTryIsRefused(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "n", Windows: []Window{{Count: 3, Per: time.Hour}}}
		keys := []BudgetKey{{Tenant: "t1", Limit: l, Subject: "a"}, {Tenant: "t1", Limit: l, Subject: "b"}}
		var early Budgets
		read := func(ctx context.Context, tx *db.Tx) (err error) { early, err = Read(ctx, tx, keys...); return err }
		if err := d.View(t.Context(), "t1", func(tx *db.Tx) error { return read(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		in(t, d, func(ctx context.Context, tx *db.Tx) error { _, err := SpendIn(ctx, tx, l, "b"); return err })
		tries := 0
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			if tries++; tx.Attempt > 1 {
				if err := early.Lock(ctx, tx); err != nil {
					return err
				}
			}
			early.Spend(tx)
			return early.Write(ctx, tx)
		})
		if tries != 2 {
			t.Errorf("ran %d times", tries)
		}
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			now, err := Read(ctx, tx, keys...)
			if a, b := now[0].Used(tx.Now, time.Hour), now[1].Used(tx.Now, time.Hour); a != 1 || b != 2 {
				t.Errorf("%d and %d used", a, b)
			}
			return err
		})
	})
}

// TestOneOfTwoBudgetsIsEmpty: a try comes out of both or out of none.
func TestOneOfTwoBudgetsIsEmpty(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		full, empty := Limit{Name: "full", Windows: []Window{{Count: 2, Per: time.Hour}}},
			Limit{Name: "empty", Windows: []Window{{Per: time.Hour}}}
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			both, err := Read(ctx, tx, BudgetKey{Tenant: "t1", Limit: full, Subject: "s"},
				BudgetKey{Tenant: "t1", Limit: empty, Subject: "s"})
			if wait := both.Spend(tx); wait != time.Hour || both[0].changed || both[1].changed {
				t.Errorf("wait %v, %v", wait, both)
			}
			return err
		})
	})
}

// TestTriesOfOneOccasion: the tries of an occasion are counted within the budget, apart
// from those of others and from old stamps that name none.
func TestTriesOfOneOccasion(t *testing.T) {
	l := Limit{Name: "n", Windows: []Window{{Count: 30, Per: time.Hour}}}
	old := encode(at(0, 1), make([]uint16, 2))
	a, b := BudgetKey{Limit: l, Tag: "a", PerTag: 5}, BudgetKey{Limit: l, Tag: "b", PerTag: 5}
	e := FromStored(a, old)
	for i := range 3 {
		e.addTry(start.Add(time.Duration(i+2) * time.Second))
	}
	kept := encode(e.stamps, e.tags)
	if a, b := FromStored(a, kept), FromStored(b, kept); a.Left() != 2 || b.Left() != 5 ||
		b.Used(start.Add(5*time.Second), time.Hour) != 5 {
		t.Errorf("%d and %d left, %d used", a.Left(), b.Left(), b.Used(start.Add(5*time.Second), time.Hour))
	}
	if e.RefundTry(); e.Left() != 3 {
		t.Errorf("%d left after one was refunded", e.Left())
	}
	for range 9 {
		e.addTry(start.Add(time.Minute))
	}
	if e.Left() != 0 {
		t.Errorf("%d left", e.Left())
	}
}

// TestTriesBeforeAnOccasionAreNotItsOwn: tags are short, and another occasion's may look the same.
func TestTriesBeforeAnOccasionAreNotItsOwn(t *testing.T) {
	key := BudgetKey{Limit: Limit{Windows: []Window{{Count: 30, Per: 24 * time.Hour}}}, Tag: "a", PerTag: 5}
	first := FromStored(key, nil)
	for i := range 5 {
		first.addTry(start.Add(time.Duration(i) * time.Second))
	}
	kept := encode(first.stamps, first.tags)
	key.Since = start.Add(time.Hour)
	later := FromStored(key, kept)
	if later.Left() != 5 {
		t.Errorf("%d tries left of an occasion that begins an hour later", later.Left())
	}
	for range 2 {
		later.addTry(key.Since)
	}
	if later.Left() != 3 || later.Used(key.Since, 24*time.Hour) != 7 {
		t.Errorf("%d left, %d used", later.Left(), later.Used(key.Since, 24*time.Hour))
	}
	later.addTry(start) // by a clock that was set back
	if later.Left() != 2 {
		t.Errorf("a clock that is set back takes no try: %d left", later.Left())
	}
}

// TestRefundTryTakesBackItsOwnTry: another occasion's try is newer, and stays, at its own instant.
func TestRefundTryTakesBackItsOwnTry(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "n", Windows: []Window{{Count: 30, Per: time.Hour}}}
		read := func(tx *db.Tx, tag string) *Budget {
			all, err := Read(t.Context(), tx, BudgetKey{Tenant: "t1", Limit: l, Subject: "s", Tag: tag})
			if err != nil {
				t.Fatal(err)
			}
			return all[0]
		}
		change := func(tag string, edit func(b *Budget)) {
			in(t, d, func(ctx context.Context, tx *db.Tx) error {
				b := read(tx, tag)
				edit(b)
				return Budgets{b}.Write(ctx, tx)
			})
		}
		change("mine", func(b *Budget) { b.Count(at(1)[0]) })
		change("theirs", func(b *Budget) { b.Count(at(2)[0]) })
		change("mine", (*Budget).RefundTry)
		change("mine", (*Budget).RefundTry) // has none any more
		change("", (*Budget).RefundTry)     // never had one
		in(t, d, func(_ context.Context, tx *db.Tx) error {
			if b := read(tx, "theirs"); !slices.Equal(b.stamps, at(2)) || b.UsedByTag(at(3)[0], time.Hour) != 1 {
				t.Errorf("tries at %v are left, %d of them of the other occasion", b.stamps,
					b.UsedByTag(at(3)[0], time.Hour))
			}
			return nil
		})
	})
}

func TestAnySubjectCanBeStored(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "n", Windows: []Window{{Count: 1, Per: time.Hour}}}
		for _, subject := range []string{"", "\x00", "\xff\xfe", strings.Repeat("é", 100_000),
			"'; DROP TABLE budgets; --"} {
			if err := Spend(t.Context(), d, "t1", l, subject); err != nil {
				t.Errorf("%.10q: %v", subject, err)
			}
			if err := Spend(t.Context(), d, "t1", l, subject); !fault.Is(err, fault.RateLimited) {
				t.Errorf("%.10q was spent twice: %v", subject, err)
			}
		}
	})
}

func TestSweepForgetsTheQuiet(t *testing.T) {
	now := start
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		now = start
		l := Limit{Name: "n", Windows: []Window{{Count: 1, Per: time.Hour}}}
		if err := Spend(t.Context(), d, "t1", l, "old"); err != nil {
			t.Fatal(err)
		}
		now = start.Add(30 * 24 * time.Hour)
		if err := Spend(t.Context(), d, "t2", l, "young"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(73 * time.Hour)
		if n, err := Sweep(t.Context(), d); n != 1 || err != nil {
			t.Errorf("%d swept, %v", n, err)
		}
	})
}

// A row that the version before had written to on the same day says an earlier instant. It
// stays as long as its newest try may count.
func TestASweepKeepsEveryTryThatMayCount(t *testing.T) {
	now := start
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		l := Limit{Name: "n", Windows: []Window{{Count: 2, Per: longestWindow}}}
		for _, hour := range []time.Duration{0, 9, 23} {
			now = start.Truncate(day)
			if err := Spend(t.Context(), d, "t1", l, "x"); err != nil {
				t.Fatal(err)
			}
			in(t, d, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE budgets SET touched_at = $1 WHERE tenant_id = 't1'`, now)
				return err
			})
			now = now.Add(hour * time.Hour)
			newest := now
			in(t, d, func(ctx context.Context, tx *db.Tx) error {
				read, err := Read(ctx, tx, BudgetKey{Tenant: "t1", Limit: l, Subject: "x"})
				if err != nil || read.Spend(tx) > 0 {
					return errors.Join(err, errors.New("empty"))
				}
				return read.Write(ctx, tx)
			})
			now = newest.Add(longestWindow - time.Minute)
			if n, err := Sweep(t.Context(), d); n != 0 || err != nil {
				t.Errorf("%d swept that count, %v", n, err)
			}
			now = newest.Add(longestWindow + 3*day)
			if n, err := Sweep(t.Context(), d); n != 1 || err != nil {
				t.Errorf("%d swept, %v", n, err)
			}
		}
	})
}

func BenchmarkSpend(b *testing.B) {
	l := Limit{Name: "n", Windows: []Window{{Count: 100, Per: time.Nanosecond}}}
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			d := dbtest.Open(b, url(b), time.Now)
			b.ReportAllocs()
			b.SetParallelism(32)
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				subject := string(rune('a' + n.Add(1)))
				for pb.Next() {
					if err := Spend(b.Context(), d, "t1", l, subject); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
