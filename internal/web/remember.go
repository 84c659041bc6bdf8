package web

import "sync"

// memory keeps what follows from a request's header alone, because browsers send the same
// ones again and again. It is bounded: what is full is forgotten, so that a stranger who
// sends another header each time costs what it would cost without.
type memory[V any] struct {
	mu  sync.RWMutex
	all map[string]V
}

// mostHeaders and longestHeader bound a memory to about half a megabyte.
const (
	mostHeaders   = 1024
	longestHeader = 512
)

// of is what find says of a header, which must depend on nothing else.
func (m *memory[V]) of(header string, find func(string) V) V {
	if len(header) > longestHeader {
		return find(header)
	}
	m.mu.RLock()
	v, ok := m.all[header]
	m.mu.RUnlock()
	if ok {
		return v
	}
	v = find(header)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || len(m.all) >= mostHeaders {
		m.all = map[string]V{}
	}
	m.all[header] = v
	return v
}
