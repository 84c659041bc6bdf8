package ratelimit

import "time"

// Decide tells how long to wait before the next try; 0 means that it is allowed now.
// stamps are the instants of earlier tries, oldest first. It is pure.
//
// Instants ahead of now, left behind by a clock that was set back, still count: a wrong
// clock must not open a budget. Nor does it close one for longer than its own span.
func Decide(l Limit, stamps []time.Time, now time.Time) (wait time.Duration) {
	for _, w := range l.Windows {
		wait = max(wait, w.wait(stamps, now))
	}
	return max(wait, l.Slow.wait(stamps, now))
}

// wait asks for the Count-th newest try to have left the window.
func (w Window) wait(stamps []time.Time, now time.Time) time.Duration {
	if w.Count <= 0 {
		return w.Per
	}
	if len(stamps) < w.Count {
		return 0
	}
	return min(stamps[len(stamps)-w.Count].Add(w.Per).Sub(now), w.Per)
}

func (s Slow) wait(stamps []time.Time, now time.Time) time.Duration {
	n := countWithin(stamps, now, s.Within)
	if s.From <= 0 || n < s.From {
		return 0
	}
	pause := s.delay(n - s.From)
	return min(stamps[len(stamps)-1].Add(pause).Sub(now), pause)
}

// delay is First doubled that many times, but at most Max.
func (s Slow) delay(doublings int) time.Duration {
	d := s.First
	for ; doublings > 0 && d < s.Max; doublings-- {
		d *= 2
	}
	return min(d, s.Max)
}

// countWithin counts the stamps younger than span.
func countWithin(stamps []time.Time, now time.Time, span time.Duration) (n int) {
	for i := len(stamps) - 1; i >= 0 && now.Sub(stamps[i]) < span; i-- {
		n++
	}
	return n
}

// stampsToKeep is how many stamps can still matter to a decision.
func (l Limit) stampsToKeep() int {
	n := 1
	for _, w := range l.Windows {
		n = max(n, w.Count)
	}
	if l.Slow.From > 0 {
		steps := 0
		for d := l.Slow.First; d < l.Slow.Max && d > 0; d *= 2 {
			steps++
		}
		n = max(n, l.Slow.From+steps)
	}
	return n
}
