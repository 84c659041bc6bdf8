package message

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"countersign/internal/db"
)

func (h *house) health(t *testing.T, filter Filter) (out Health) {
	t.Helper()
	err := h.DB.View(t.Context(), db.Installation, func(tx *db.Tx) (err error) {
		out, err = ReadHealth(t.Context(), tx, "email", filter, 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameAsMessages compares the counts with the messages themselves: each is in one column, once.
func (h *house) sameAsMessages(t *testing.T) {
	t.Helper()
	err := h.DB.View(t.Context(), db.Installation, func(tx *db.Tx) error {
		for _, state := range []State{Accepted, Delivered, Delayed, Bounced, Failed} {
			var counted, are int
			if err := tx.QueryRow(t.Context(), `SELECT CAST(COALESCE(SUM(`+string(state)+`), 0) AS BIGINT)
				FROM delivery_hours WHERE tenant_id <> ''`).Scan(&counted); err != nil {
				return err
			}
			if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM messages
				WHERE tenant_id <> '' AND state = $1`, state).Scan(&are); err != nil {
				return err
			}
			if counted != are {
				t.Errorf("%d messages are counted as %s, %d are", counted, state, are)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEachMessageCountsOnce, in the state that it is in, whatever comes in which order and how often.
func TestEachMessageCountsOnce(t *testing.T) {
	var answer error
	each(t, func(int) (string, error) { return "mx.example.test", answer }, func(t *testing.T, h *house) {
		report := func(id string, states ...State) {
			for _, s := range states {
				if err := h.reported(t.Context(), "t1", id, s, "mx.example.test"); err != nil {
					t.Fatal(err)
				}
				h.sameAsMessages(t)
			}
		}
		send := func(id string, with error) {
			answer = with
			_ = h.deliver(t, id)
			_ = h.deliver(t, id)
			h.sameAsMessages(t)
		}
		refused := &Refusal{Cause: errors.New("550")}
		for _, with := range []error{nil, refused, &GivenUp{Cause: errors.New("off")}} {
			id := h.put(t)
			send(id, with)
			report(id, Delayed, Delayed, Bounced, Bounced, Delivered, Bounced)
		}
		id := h.put(t) // the report comes before the answer, after a try that failed
		send(id, &Temporary{Postponed, errors.New("451")})
		report(id, Delivered, Bounced)
		send(id, nil)
		report(h.put(t), Bounced, Delivered)
		early := h.put(t)
		report(early, Delivered)
		send(early, nil)
		got := h.health(t, Everything)
		if len(got.Worst) != 1 || got.Worst[0].Name != "example.test" || got.Worst[0].Week.Sent() != 6 ||
			got.Worst[0].Week != got.Worst[0].Day {
			t.Errorf("%+v", got)
		}
	})
}

// TestCountsSayNothingOfPeople: no address is in them, and what was withdrawn is not counted.
func TestCountsSayNothingOfPeople(t *testing.T) {
	silent := func(int) (string, error) { return "mx", errors.New("ana@example.test gets no answer") }
	each(t, silent, func(t *testing.T, h *house) {
		id := h.put(t)
		if err := h.DB.InTx(t.Context(), "t1",
			func(tx *db.Tx) error { return Withdraw(t.Context(), tx, id) }); err != nil {
			t.Fatal(err)
		}
		if got := h.health(t, Everything); got.All != 0 {
			t.Errorf("a withdrawn message is counted: %+v", got)
		}
		_ = h.deliver(t, h.put(t))
		d := h.health(t, MaybeBad).Worst[0]
		want := Destination{
			Channel:   "email",
			Name:      "example.test",
			Day:       Tally{Delayed: 1},
			Week:      Tally{Delayed: 1},
			Problem:   Unreachable,
			ProblemAt: start,
		}
		if d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
	})
}

func TestCountsOfTheDayAndTheWeek(t *testing.T) {
	each(t, func(int) (string, error) { return "mx", nil }, func(t *testing.T, h *house) {
		send := func(after time.Duration, took time.Duration) {
			h.ahead.Store(int64(after))
			id := h.put(t)
			h.ahead.Store(int64(after + took))
			if err := h.deliver(t, id); err != nil {
				t.Fatal(err)
			}
		}
		const day = 24 * time.Hour
		for i := range 9 {
			send(time.Duration(i)*time.Minute, time.Second)
		}
		send(3*day, 20*time.Second)
		send(6*day+time.Hour, 4*time.Minute)
		h.ahead.Store(int64(6*day + 2*time.Hour))
		d := h.health(t, Everything).Worst[0]
		usual, _ := d.Week.Took(50)
		slow, known := d.Week.Took(95)
		if d.Week.Sent() != 11 || d.Day.Sent() != 1 || usual != 2*time.Second || slow != Longest || !known {
			t.Errorf("%+v: %v %v %v", d, usual, slow, known)
		}
		h.ahead.Store(int64(20 * day))
		if n, err := Sweep(t.Context(), h.DB); err != nil || n != 3 {
			t.Errorf("%d rows deleted, %v", n, err)
		}
	})
}

func TestVerdicts(t *testing.T) {
	fast := func(arrived, delayed, lost int) Tally {
		out := Tally{Arrived: arrived, Delayed: delayed, Lost: lost, Timed: arrived}
		for i := range out.Within {
			out.Within[i] = arrived
		}
		return out
	}
	slow := Tally{Arrived: 10, Timed: 10, Within: [5]int{0, 0, 4, 9, 10}}
	for _, c := range []struct {
		day, week Tally
		want      Verdict
	}{
		{fast(0, 0, 0), fast(0, 0, 0), TooFew},
		{fast(100, 0, 9), fast(100, 0, 9), NoProblems},
		{fast(20, 0, 3), fast(100, 0, 3), ManyFailures},
		{fast(0, 0, 2), fast(0, 0, 2), TooFew},
		{fast(1, 0, 0), fast(1, 0, 5), ManyFailures},  // few today: the week says it
		{fast(50, 0, 0), fast(50, 0, 50), NoProblems}, // mended
		{fast(20, 3, 0), fast(20, 3, 0), ArrivesLate},
		{slow, slow, ArrivesLate},
	} {
		if got := (Destination{Day: c.day, Week: c.week}).Verdict(); got != c.want {
			t.Errorf("%+v %+v: %v, want %v", c.day, c.week, got, c.want)
		}
	}
}

// TestTheWorstComeFirst, and a list is cut where it gets long.
func TestTheWorstComeFirst(t *testing.T) {
	var h Health
	for i := range 50 {
		h.add(Destination{Name: fmt.Sprint(i % 7), Week: Tally{Arrived: 10, Lost: i}}, 5)
	}
	if len(h.Worst) != 5 || h.All != 50 || h.Bad != 47 || h.Worst[0].Week.Lost != 49 || h.Worst[4].Week.Lost != 45 {
		t.Errorf("%+v", h)
	}
}
