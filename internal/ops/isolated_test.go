package ops

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// wire stands between a replica and its database, and can be cut.
type wire struct {
	net.Listener
	to     string
	mu     sync.Mutex
	silent bool // nothing passes, and no one is told
	open   []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go w.serve()
	return w
}

func (w *wire) serve() {
	for {
		from, err := w.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		if err != nil {
			_ = from.Close()
			continue
		}
		w.mu.Lock()
		w.open = append(w.open, from, to)
		w.mu.Unlock()
		go w.pass(from, to)
		go w.pass(to, from)
	}
}

func (w *wire) pass(to io.Writer, from io.Reader) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		silent := w.silent
		w.mu.Unlock()
		if silent {
			continue // swallowed
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

func (w *wire) swallow(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = yes
}

// guard: the database is asked anew, with a limit to its answer
func TestREL19_CutOffFromTheDatabaseIsUnready(t *testing.T) {
	dsn := dbtest.PostgresURL(t)
	dbtest.Open(t, dsn, time.Now)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, u.Host)
	u.Host = w.Addr().String()
	d, err := db.Open(t.Context(), u.String(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	var clock atomic.Pointer[time.Time] // a look that was given up reads it late
	pass := func(d time.Duration) {
		at := time.Now()
		if was := clock.Load(); was != nil {
			at = was.Add(d)
		}
		clock.Store(&at)
	}
	pass(0)
	ready := NewReadiness(silent, func() time.Time { return *clock.Load() }, Check{Name: "database", Run: d.Writable})
	state := func(what string, want bool) {
		t.Helper()
		pass(fresh)
		if r := ready.Look(t.Context()); r.Ready != want {
			t.Errorf("%s: %+v", what, r)
		}
	}
	state("reached", true)
	w.swallow(true)
	state("nothing comes back", false)
	w.swallow(false)
	w.cut()
	pass(fresh)
	ready.Look(t.Context()) // the connections that were open have to be found dead
	state("reached again", true)
	_ = w.Close()
	w.cut()
	state("refused", false)
}
