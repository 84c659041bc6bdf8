package password

import (
	"context"
	"sync"
)

// QueueKey is where a caller waits for a computation. Groups are served in turn, within a
// group its keys in turn, within a key the one who came first.
//
// Anyone who chooses lanes must not let them tell an account that exists from one that does
// not: how long an answer takes, and whether it is refused, shows the lane. So a group is
// what the browser has proved, and everyone without a proof is of the group "".
type QueueKey struct {
	Group string // a company that the caller has proved to belong to; "" = no one knows
	Key   string // a person of the company, or the network address of a stranger
}

type laneKey struct{}

// WithQueueKey says which lane Match and Hash wait in. Without it that is the zero Lane.
func WithQueueKey(ctx context.Context, l QueueKey) context.Context {
	return context.WithValue(ctx, laneKey{}, l)
}

func laneOf(ctx context.Context) QueueKey {
	l, _ := ctx.Value(laneKey{}).(QueueKey)
	return l
}

// fairQueue hands a number of slots out to waiting callers, fairly. When its room is used up,
// the one who came last in the longest queue of the largest group is turned away: a crowd
// displaces itself and no one else.
type fairQueue struct {
	mu      sync.Mutex
	free    int // slots; not negative
	room    int // how many may wait
	waiting int
	groups  []*group // in the order of their turns
	byName  map[string]*group
}

type group struct {
	name    string
	waiting int
	rows    []*keyQueue // in the order of their turns
	byKey   map[string]*keyQueue
}

type keyQueue struct {
	key   string
	queue []*waiter
}

// waiter learns on turn whether it has a slot (true) or was turned away (false).
type waiter struct {
	lane QueueKey
	turn chan bool
}

func newLine(slots, room int) *fairQueue {
	return &fairQueue{free: slots, room: room, byName: map[string]*group{}}
}

// join takes a slot at once (nil), or returns the place in the line to wait at. It may
// turn away the newcomer itself.
func (l *fairQueue) join(lane QueueKey) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 { // then no one waits
		l.free--
		return nil
	}
	w := &waiter{lane: lane, turn: make(chan bool, 1)}
	l.insert(w)
	if l.waiting > l.room {
		last := l.last(lane)
		l.remove(last)
		last.turn <- false
	}
	return w
}

// leave gives a slot to whose turn it is.
func (l *fairQueue) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.next(); w != nil {
		w.turn <- true
		return
	}
	l.free++
}

// abandon takes a waiter out of the line. It reports false when the waiter's turn has come
// or it was turned away meanwhile: then turn holds which.
func (l *fairQueue) abandon(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remove(w)
}

// open reports whether a newcomer would be let in or find a place now.
func (l *fairQueue) open(lane QueueKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 || l.waiting < l.room {
		return true
	}
	inGroup, inRow := 1, 1
	g := l.byName[lane.Group]
	if g != nil {
		inGroup += g.waiting
		inRow += g.length(lane.Key)
	}
	if largest := l.largest(); largest.waiting > inGroup {
		return true
	}
	return g != nil && g.longest().length() > inRow
}

func (l *fairQueue) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

func (l *fairQueue) insert(w *waiter) {
	g := l.byName[w.lane.Group]
	if g == nil {
		g = &group{name: w.lane.Group, byKey: map[string]*keyQueue{}}
		l.byName[g.name] = g
		l.groups = append(l.groups, g)
	}
	r := g.byKey[w.lane.Key]
	if r == nil {
		r = &keyQueue{key: w.lane.Key}
		g.byKey[r.key] = r
		g.rows = append(g.rows, r)
	}
	r.queue = append(r.queue, w)
	g.waiting++
	l.waiting++
}

// next takes out whose turn it is; nil when no one waits.
func (l *fairQueue) next() *waiter {
	if l.waiting == 0 {
		return nil
	}
	g := l.groups[0]
	r := g.rows[0]
	w := r.queue[0]
	l.groups, g.rows = append(l.groups[1:], g), append(g.rows[1:], r) // their next turn is a round away
	l.remove(w)
	return w
}

// last is who must go when there is no more room: of the largest group and its longest
// row, the lane of the newcomer among equals.
func (l *fairQueue) last(newcomer QueueKey) *waiter {
	g := l.byName[newcomer.Group]
	r := g.byKey[newcomer.Key]
	if largest := l.largest(); largest.waiting > g.waiting {
		g, r = largest, largest.longest()
	} else if longest := g.longest(); longest.length() > r.length() {
		r = longest
	}
	return r.queue[len(r.queue)-1]
}

func (l *fairQueue) largest() *group {
	var most *group
	for _, g := range l.groups {
		if most == nil || g.waiting > most.waiting {
			most = g
		}
	}
	return most
}

func (g *group) longest() *keyQueue {
	var most *keyQueue
	for _, r := range g.rows {
		if most == nil || r.length() > most.length() {
			most = r
		}
	}
	return most
}

func (g *group) length(key string) int {
	if r := g.byKey[key]; r != nil {
		return r.length()
	}
	return 0
}

func (r *keyQueue) length() int { return len(r.queue) }

// remove takes w out, and with it a row and a group that no one is left in.
func (l *fairQueue) remove(w *waiter) bool {
	g := l.byName[w.lane.Group]
	if g == nil {
		return false
	}
	r := g.byKey[w.lane.Key]
	if r == nil || !drop(&r.queue, w) {
		return false
	}
	if len(r.queue) == 0 {
		delete(g.byKey, r.key)
		drop(&g.rows, r)
	}
	if g.waiting--; g.waiting == 0 {
		delete(l.byName, g.name)
		drop(&l.groups, g)
	}
	l.waiting--
	return true
}

// drop takes the pointer p out of a slice, in order. What leaves is most often first or last.
func drop[T any](s *[]*T, p *T) bool {
	all := *s
	if n := len(all); n > 0 && all[n-1] == p {
		all[n-1], *s = nil, all[:n-1]
		return true
	}
	for i, q := range all {
		if q != p {
			continue
		}
		copy(all[1:i+1], all[:i])
		all[0], *s = nil, all[1:]
		return true
	}
	return false
}
