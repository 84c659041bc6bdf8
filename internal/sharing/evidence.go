package sharing

import (
	"slices"
	"time"
)

const (
	// back is how soon a sign-in at the first place follows one far away, where two people take turns.
	back = 12 * time.Hour
	day  = 24 * time.Hour
)

// apart is how far two uses are from each other; 0 where that is not known or not far.
func apart(a, b Use) int {
	if !a.Located || !b.Located {
		return 0
	}
	return a.Point.FarFrom(b.Point)
}

// journeys are uses in a row that are too far apart for the time between them.
func journeys(a Activity) (out []Pair) {
	var uses []Use
	for _, s := range a.SignIns {
		uses = append(uses, s.Use)
	}
	for _, c := range a.Codes {
		uses = append(uses, c.Use)
	}
	uses = slices.DeleteFunc(uses, func(u Use) bool { return !u.Located })
	slices.SortStableFunc(uses, func(a, b Use) int { return a.At.Compare(b.At) })
	for n := 1; n < len(uses); n++ {
		from, to := uses[n-1], uses[n]
		if from.Point.TooFar(to.Point, to.At.Sub(from.At)) {
			out = append(out, Pair{From: from, To: to, Distance: apart(from, to)})
		}
	}
	return out
}

// overlaps are, for each sign-in, the newest session far away that was used after it.
func overlaps(signIns []SignIn) (out []Pair) {
	for n, to := range signIns {
		for _, from := range slices.Backward(signIns[:n]) {
			distance := apart(from.Use, to.Use)
			if distance > 0 && from.Until.After(to.At) {
				out = append(out, Pair{From: from.Use, To: to.Use, Distance: distance})
				break
			}
		}
	}
	return out
}

// days counts the days on which pairs end, each as 24 hours from its first: no midnight, in no time zone, splits one.
func days(pairs []Pair) (n int) {
	var from time.Time
	for _, p := range pairs {
		if n == 0 || p.To.At.Sub(from) >= day {
			n++
			from = p.To.At
		}
	}
	return n
}

func gradePlaces(journeys, overlaps []Pair) Grade {
	var other []Pair // to another browser: one person with a VPN stays in theirs
	for _, p := range journeys {
		if p.From.Browser != p.To.Browser {
			other = append(other, p)
		}
	}
	var returns []Pair
	for n := 1; n < len(overlaps); n++ {
		first, second := overlaps[n-1], overlaps[n]
		if apart(first.To, second.To) > 0 && second.To.At.Sub(first.To.At) <= back {
			returns = append(returns, second)
		}
	}
	switch {
	case len(other) >= 3 && days(other) >= 2, days(returns) >= 3:
		return Strong
	case len(journeys)+len(overlaps) > 0:
		return Weak
	}
	return Absent
}

// turn is how many steps two codes of one clock do not differ. A person takes up to a step to type a code.
const turn = 2

// clocks are codes of one app in a row whose clocks differ.
func clocks(codes []Code) (out []Pair) {
	last := map[string]Code{}
	for _, c := range codes {
		if c.Method != App {
			continue
		}
		before, known := last[c.ID]
		last[c.ID] = c
		if difference := c.Clock - before.Clock; known && (difference >= turn || difference <= -turn) {
			out = append(out, Pair{From: before.Use, To: c.Use, Clocks: [2]int{before.Clock, c.Clock}})
		}
	}
	return out
}

func gradeClocks(turns []Pair) Grade {
	switch {
	case len(turns) >= 4:
		return Strong
	case len(turns) >= 2:
		return Weak
	}
	return Absent
}

// browsers are the newest codes of mailboxes in each browser, and how many browsers there were in one day at the most.
func browsers(codes []Code) (newest []Use, perDay int) {
	var uses []Use
	for _, c := range codes {
		if c.Method == Mailbox && c.Browser != "" {
			uses = append(uses, c.Use)
		}
	}
	for n, u := range uses {
		inDay := map[string]bool{}
		for _, later := range uses[n:] {
			if later.At.Sub(u.At) >= day {
				break
			}
			inDay[later.Browser] = true
		}
		perDay = max(perDay, len(inDay))
	}
	for _, u := range slices.Backward(uses) {
		if !slices.ContainsFunc(newest, func(v Use) bool { return v.Browser == u.Browser }) {
			newest = append(newest, u)
		}
	}
	return newest, perDay
}

func gradeMailbox(browsers, perDay int) Grade {
	switch {
	case browsers >= 6, perDay >= 4:
		return Strong
	case browsers >= 4:
		return Weak
	}
	return Absent
}
