package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// task is one iteration; i is a number that no other iteration of the load has.
type task func(c *conn, i int) error

// load is a closed loop: each client asks again when it has its answer.
type load struct {
	addrs   []string // clients take turns over the replicas
	clients int
	span    time.Duration
	stock   int // iterations there is something prepared for; 0 = no limit
	least   int // iterations of each client, even if they take longer than span
	do      task
}

// sample is what came of a load.
type sample struct {
	n, failed int
	refused   int   // of n: told to wait, because someone had too many turns
	first     error // why the first one failed
	elapsed   time.Duration
	took      []time.Duration // sorted
}

// run lets the clients go, and returns when the last has its answer.
func (l load) run() sample {
	var next atomic.Int64
	var wg sync.WaitGroup
	each := make([]sample, l.clients)
	began := time.Now()
	for k := range each {
		wg.Go(func() { each[k] = l.client(l.addrs[k%len(l.addrs)], &next, began.Add(l.span)) })
	}
	wg.Wait()
	all := sample{elapsed: time.Since(began)}
	for _, s := range each {
		all.n, all.failed, all.refused, all.took = all.n+s.n, all.failed+s.failed, all.refused+s.refused,
			append(all.took, s.took...)
		if all.first == nil {
			all.first = s.first
		}
	}
	slices.Sort(all.took)
	return all
}

func (l load) client(addr string, next *atomic.Int64, end time.Time) (s sample) {
	c := &conn{addr: addr}
	defer func() { s.refused = c.refused; c.close() }()
	for from := time.Now(); from.Before(end) || s.n+s.failed < l.least; {
		i := int(next.Add(1) - 1)
		if l.stock > 0 && i >= l.stock {
			return s
		}
		err := l.do(c, i)
		now := time.Now()
		if err != nil {
			s.failed++
			if s.first == nil {
				s.first = err
			}
			if s.failed > 1000 {
				return s
			}
		} else {
			s.n++
			s.took = append(s.took, now.Sub(from))
		}
		from = now
	}
	return s
}

func (s sample) rate() float64 { return float64(s.n) / s.elapsed.Seconds() }

// sound refuses a sample in which more than one in a thousand went wrong.
func (s sample) sound() error {
	if s.n == 0 || s.failed*1000 > s.n {
		return fmt.Errorf("%d of %d went wrong, the first: %w", s.failed, s.n+s.failed, s.first)
	}
	return nil
}

// expect says what is wrong with an answer of another status.
func (c *conn) expect(err error, status int) error {
	if err == nil && c.status != status {
		err = fmt.Errorf("status %d, not %d", c.status, status)
	}
	return err
}

// orWait is expect where someone may be told to come back: who comes too often in a small
// database, and who would wait too long for a password to be compared.
func (c *conn) orWait(err error, status int) error {
	if err == nil && (c.status == http.StatusTooManyRequests || c.status == http.StatusServiceUnavailable) {
		c.refused++
		return nil
	}
	return c.expect(err, status)
}
