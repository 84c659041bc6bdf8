package message

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/db"
)

// Verdict is what a destination's counts say, the worst first.
type Verdict int

// The verdicts.
const (
	ManyFailures Verdict = iota
	ArrivesLate
	TooFew
	NoProblems
)

// Bad reports whether an operator should look into it.
func (v Verdict) Bad() bool { return v == ManyFailures || v == ArrivesLate }

// Tally is what became of the messages to a destination in a time.
type Tally struct {
	Arrived int // accepted by the next server, or reported as delivered
	Delayed int // waiting for another try, or reported as late
	Lost    int // bounced, refused or given up
	Timed   int // taken by a server, also those that came back later
	Within  [len(bounds)]int
}

// Sent is how many there were.
func (t Tally) Sent() int { return t.Arrived + t.Delayed + t.Lost }

// Took is the time within which a server had taken so many of a hundred; known is false where that is more than
// Longest, or there were none.
func (t Tally) Took(percent int) (d time.Duration, known bool) {
	for i, n := range t.Within {
		if t.Timed > 0 && n*100 >= t.Timed*percent {
			return time.Duration(bounds[i]) * time.Second, true
		}
	}
	return Longest, false
}

// Longest is the longest time that is told apart.
const Longest = 5 * time.Minute

// Destination is a mail domain or a country, and how messages fare there.
type Destination struct {
	Channel   string
	Name      string
	Day, Week Tally
	Problem   Problem // the newest of the week; empty: none
	ProblemAt time.Time
}

// The limits of the verdicts.
const (
	Fewest     = 3                // messages that say something
	BadPercent = 10               // of the messages, lost or delayed
	LateAfter  = 30 * time.Second // until half of them are taken by the next server; a second is usual
)

// judge says what a tally shows.
func (t Tally) judge() Verdict {
	many := func(n int) bool { return n >= Fewest && n*100 >= t.Sent()*BadPercent }
	half, _ := t.Took(50)
	switch {
	case many(t.Lost):
		return ManyFailures
	case many(t.Delayed), t.Timed >= Fewest && half > LateAfter:
		return ArrivesLate
	case t.Sent() < Fewest:
		return TooFew
	}
	return NoProblems
}

// Verdict is what the last 24 hours show, or the week where they were too few: what is mended counts no more.
func (d Destination) Verdict() Verdict {
	if v := d.Day.judge(); v != TooFew {
		return v
	}
	return d.Week.judge()
}

// compare sorts the worst first.
func (d Destination) compare(e Destination) int {
	return cmp.Or(cmp.Compare(d.Verdict(), e.Verdict()), cmp.Compare(e.Week.Lost, d.Week.Lost),
		cmp.Compare(e.Week.Delayed, d.Week.Delayed), cmp.Compare(e.Week.Sent(), d.Week.Sent()),
		strings.Compare(d.Name, e.Name))
}

// Health is how messages of a channel fare.
type Health struct {
	Worst []Destination // the worst first, at most as many as were asked for
	All   int           // how many destinations there are
	Bad   int           // how many of them have a bad verdict
}

// add puts a destination in its place, and forgets the best one where there are more than most.
func (h *Health) add(d Destination, most int) {
	h.All++
	if d.Verdict().Bad() {
		h.Bad++
	}
	at, _ := slices.BinarySearchFunc(h.Worst, d, Destination.compare)
	if at < most {
		h.Worst = slices.Insert(h.Worst, at, d)
		h.Worst = h.Worst[:min(most, len(h.Worst))]
	}
}

// Filter leaves destinations out of what is read.
type Filter string

// The filters. MaybeBad leaves out what cannot have a bad verdict: where no hour of a company had a problem. The index
// delivery_hours_bad has its condition.
const (
	Everything Filter = ""
	MaybeBad   Filter = ` AND destination IN (SELECT b.destination FROM delivery_hours b WHERE b.tenant_id <> ''
			AND b.channel = $3 AND b.hour >= $2 AND (b.bounced + b.failed + b.delayed > 0 OR b.within_30 < b.timed))`
)

// ReadHealth adds up the last 24 hours and seven days of all companies. An hour that has begun belongs to both.
func ReadHealth(ctx context.Context, tx *db.Tx, channel string, filter Filter, most int) (h Health, err error) {
	day, week := hourOf(tx.Now.Add(-24*time.Hour)), hourOf(tx.Now.Add(-7*24*time.Hour))
	rows, err := tx.Query(ctx, `
		SELECT destination, MAX(last_problem), `+tallied("$1")+`, `+tallied("$2")+`
		FROM delivery_hours WHERE tenant_id <> '' AND channel = $3 AND hour >= $2`+string(filter)+`
		GROUP BY destination`, day, week, channel)
	err = db.ForEach(rows, err, func(row db.Row) error {
		d, problem := Destination{Channel: channel}, ""
		columns := slices.Concat([]any{&d.Name, &problem}, d.Day.targets(), d.Week.targets())
		if err := row.Scan(columns...); err != nil {
			return err
		}
		d.readProblem(problem)
		h.add(d, most)
		return nil
	})
	if err != nil {
		return h, fmt.Errorf("read delivery: %w", err)
	}
	return h, nil
}

// MoreHours reports whether the last seven days have more than n hours of a company and a destination.
func MoreHours(ctx context.Context, tx *db.Tx, n int) (bool, error) {
	found := 0
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM (
			SELECT hour FROM delivery_hours WHERE tenant_id <> '' AND hour >= $1 LIMIT $2) found`,
		hourOf(tx.Now.Add(-7*24*time.Hour)), n+1).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look how much was delivered: %w", err)
	}
	return found > n, nil
}

// tallied are the columns of a Tally since an instant, in the order of its targets.
func tallied(since string) string {
	columns := []string{"accepted + delivered", "delayed", "bounced + failed", "timed"}
	for _, seconds := range bounds {
		columns = append(columns, "within_"+strconv.Itoa(seconds))
	}
	for i, c := range columns {
		columns[i] = "CAST(SUM(CASE WHEN hour >= " + since + " THEN " + c + " ELSE 0 END) AS BIGINT)"
	}
	return strings.Join(columns, ", ")
}

func (t *Tally) targets() []any {
	out := []any{&t.Arrived, &t.Delayed, &t.Lost, &t.Timed}
	for i := range t.Within {
		out = append(out, &t.Within[i])
	}
	return out
}

// readProblem reads what count has written.
func (d *Destination) readProblem(text string) {
	at, kind, _ := strings.Cut(text, " ")
	if micros, err := strconv.ParseInt(at, 10, 64); err == nil {
		d.Problem, d.ProblemAt = Problem(kind), time.UnixMicro(micros).UTC()
	}
}
