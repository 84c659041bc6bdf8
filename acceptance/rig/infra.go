package rig

import (
	"net/http"
	"syscall"
	"testing"
)

// Start starts one more program on the world's database. The caller stops it.
func (w *World) Start(t testing.TB, name string, o Options) *Server {
	t.Helper()
	return w.start(t, name, o)
}

// Signal sends the program a signal.
func (s *Server) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// ExitCode is what the program ended with, after Ended.
func (s *Server) ExitCode() int { return s.cmd.ProcessState.ExitCode() }

// Healthy asks the program whether it wants requests. No answer within a client's patience
// is a no.
func (w *World) Healthy(t testing.TB, s *Server) bool {
	t.Helper()
	p := w.Person(t).Via(s)
	pg, err := p.Try(p.Request(http.MethodGet, "/healthz", nil))
	return err == nil && pg.Status == http.StatusOK
}

// Settle waits until our own view of the rows works again, after the database was away.
func (w *World) Settle(t testing.TB) {
	t.Helper()
	Within(t, 30e9, "the rows can be read", func() bool {
		var n int
		return w.rows.QueryRow(`SELECT count(*) FROM installation`).Scan(&n) == nil
	})
}
