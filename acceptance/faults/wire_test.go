package faults

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is a piece of cable between clients and the program: it has one address, whichever
// program is behind it, and it can lose what the program says.
type wire struct {
	addr string

	listener net.Listener
	target   atomic.Value // string
	lossy    atomic.Bool
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newWire(t testing.TB) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w := &wire{addr: net.JoinHostPort("127.0.0.1", port), listener: l, open: map[net.Conn]bool{}}
	go w.serve()
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	return w
}

// to connects the wire with the program at addr.
func (w *wire) to(addr string) { w.target.Store(addr) }

// lose makes the wire swallow everything that the program says from now on; what clients
// say still arrives.
func (w *wire) lose(lossy bool) { w.lossy.Store(lossy) }

// cut breaks every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

func (w *wire) serve() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.carry(c)
	}
}

// carry keeps the client's address, which is what budgets count by.
func (w *wire) carry(client net.Conn) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: client.RemoteAddr().(*net.TCPAddr).IP}}
	server, err := d.Dial("tcp", w.target.Load().(string))
	if err != nil {
		_ = client.Close()
		return
	}
	w.keep(client, server)
	defer w.drop(client, server)
	go func() {
		defer w.drop(client, server)
		_, _ = io.Copy(server, client)
	}()
	_, _ = io.Copy(lossyWriter{w, client}, server)
}

func (w *wire) keep(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.open[c] = true
	}
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(w.open, c)
	}
}

type lossyWriter struct {
	w  *wire
	to io.Writer
}

func (l lossyWriter) Write(b []byte) (int, error) {
	if l.w.lossy.Load() {
		return len(b), nil
	}
	return l.to.Write(b)
}
