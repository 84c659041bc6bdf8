package people_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/user"
)

// asking is a person who looks at a number that fn counts.
type asking struct {
	*rig
	*people.Counter
	who access.Actor
	fn  func(context.Context, *db.Tx) (int, error)
}

func (q *asking) ask(question string) (n int, at people.AsOf, err error) {
	q.t.Helper()
	failed := q.DB.View(q.t.Context(), "acme", func(tx *db.Tx) error {
		n, at, err = people.Counted(q.t.Context(), tx, q.Counter, q.who, question, q.fn)
		return nil
	})
	if failed != nil {
		q.t.Fatal(failed)
	}
	return n, at, err
}

// until asks until the answer is right.
func (q *asking) until(question string, right func(n int, at people.AsOf, err error) bool) {
	q.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, at, err := q.ask(question)
		if right(n, at, err) {
			return
		}
		if time.Now().After(end) {
			q.t.Fatalf("%s: %d, %+v, %v", question, n, at, err)
		}
	}
}

func many(r *rig) *asking {
	c := people.NewCounter(r.DB, slog.New(slog.DiscardHandler), 3)
	r.t.Cleanup(c.Close)
	q := &asking{rig: r, Counter: c, fn: user.CountOpen}
	for i := range 4 {
		q.who = r.add("acme", fmt.Sprintf("one-%d", i), user.Owner)
	}
	return q
}

// TestManyPeopleAreCountedInTheBackground: no one waits; numbers of a moment ago are shown until there are newer ones.
func TestManyPeopleAreCountedInTheBackground(t *testing.T) {
	each(t, func(r *rig) {
		q := many(r)
		if n, at, err := q.ask("people"); n != 0 || !at.Counting() || err != nil {
			r.t.Errorf("at first: %d, %+v, %v", n, at, err)
		}
		began := r.at
		q.until("people", func(n int, at people.AsOf, err error) bool { return n == 4 && at.At.Equal(began) })

		r.add("acme", "another", user.Agent)
		r.at = began.Add(time.Minute)
		if n, at, err := q.ask("people"); n != 4 || !at.At.Equal(began) || err != nil {
			r.t.Errorf("within a minute: %d, %+v, %v", n, at, err)
		}
		r.at = began.Add(time.Minute + time.Second)
		if n, at, err := q.ask("people"); n != 4 || !at.At.Equal(began) || err != nil {
			r.t.Errorf("after a minute, at first: %d, %+v, %v", n, at, err)
		}
		q.until("people", func(n int, at people.AsOf, err error) bool { return n == 5 && at.At.Equal(r.at) })
	})
}

// TestFewPeopleAreCountedAtOnce, and the command line always counts at once: it prints no half of an answer.
func TestFewPeopleAreCountedAtOnce(t *testing.T) {
	each(t, func(r *rig) {
		q := many(r)
		q.SetMany(4)
		if n, at, err := q.ask("few"); n != 4 || at.Kept || err != nil {
			r.t.Errorf("few: %d, %+v, %v", n, at, err)
		}
		q.SetMany(3)
		q.who = access.Server
		if n, at, err := q.ask("server"); n != 4 || at.Kept || err != nil {
			r.t.Errorf("the command line: %d, %+v, %v", n, at, err)
		}
		q.Counter = nil
		if n, at, err := q.ask("none"); n != 4 || at.Kept || err != nil {
			r.t.Errorf("no counter: %d, %+v, %v", n, at, err)
		}
	})
}

// TestACountThatFailsIsReportedOnce, and the next one who asks has it counted again. A panic is such a failure.
func TestACountThatFailsIsReportedOnce(t *testing.T) {
	each(t, func(r *rig) {
		q, broken := many(r), errors.New("broken")
		for question, fails := range map[string]func() (int, error){
			"fails":  func() (int, error) { return 0, broken },
			"panics": func() (int, error) { panic(broken) },
		} {
			q.fn = func(context.Context, *db.Tx) (int, error) { return fails() }
			q.until(question, func(n int, at people.AsOf, err error) bool {
				if n != 0 || !at.Counting() {
					r.t.Errorf("%s: %d, %+v", question, n, at)
				}
				return err != nil
			})
			q.fn = user.CountOpen
			q.until(question, func(n int, at people.AsOf, err error) bool {
				if err != nil {
					r.t.Errorf("%s, again: %v", question, err)
				}
				return n == 4
			})
		}
	})
}

// TestCountsAreForgotten: what no one asks for goes, and it is never more than so much.
func TestCountsAreForgotten(t *testing.T) {
	each(t, func(r *rig) {
		q := many(r)
		for i := range 250 {
			q.until(fmt.Sprint("question ", i), func(n int, _ people.AsOf, _ error) bool { return n == 4 })
		}
		if n := q.Kept(); n > 200 {
			r.t.Errorf("%d counts are kept", n)
		}
		r.at = r.at.Add(11 * time.Minute)
		q.until("later", func(n int, _ people.AsOf, _ error) bool { return n == 4 })
		if n := q.Kept(); n != 1 {
			r.t.Errorf("%d counts are kept of which one was asked for", n)
		}
	})
}

// TestACounterEndsWhileItCounts: what is being counted ends with it, and nothing begins any more.
func TestACounterEndsWhileItCounts(t *testing.T) {
	each(t, func(r *rig) {
		q, began := many(r), make(chan bool)
		q.fn = func(ctx context.Context, _ *db.Tx) (int, error) {
			close(began)
			<-ctx.Done()
			return 0, ctx.Err()
		}
		_, _, _ = q.ask("long")
		<-began
		q.Close()
		if _, at, err := q.ask("after"); !at.Counting() || err != nil {
			r.t.Errorf("%+v, %v", at, err)
		}
	})
}
