package demo

import (
	"slices"
	"sync"
	"time"
)

// mood is one way for a carrier of messages to behave, in words.
type mood struct{ ID, Name, Effect string }

// arrivals are the newest messages that a carrier has delivered, and its mood.
type arrivals[T any] struct {
	now   func() time.Time
	moods []mood

	mu    sync.Mutex
	mood  string
	items []T // oldest first
	count int
}

// behave changes the mood; an unknown one changes nothing.
func (a *arrivals[T]) behave(as string) {
	if !slices.ContainsFunc(a.moods, func(known mood) bool { return known.ID == as }) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mood = as
}

func (a *arrivals[T]) currently() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mood
}

// keep adds what made makes of a number of its own and the time.
func (a *arrivals[T]) keep(made func(id int, at time.Time) T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	a.items = append(a.items, made(a.count, a.now().UTC()))
	if len(a.items) > mostKept {
		a.items = a.items[1:]
	}
}

// newestFirst returns what has arrived.
func (a *arrivals[T]) newestFirst() []T {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.items)
	slices.Reverse(out)
	return out
}

// mostKept is how many messages a carrier keeps.
const mostKept = 200
