package rig

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
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

// Sleep stops the program until Signal wakes it up with SIGCONT. A thread stops when it is
// given a processor next, so that an answer may still come from one that was not; Sleep waits
// until all stand still.
func (s *Server) Sleep(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGSTOP)
	Within(t, 5*time.Second, "all threads of the program stand still", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.PID()))
		if err != nil || len(threads) == 0 {
			t.Fatalf("no threads: %v", err)
		}
		return !slices.ContainsFunc(threads, func(path string) bool {
			text, err := os.ReadFile(path)
			_, state, _ := strings.Cut(string(text), ") ") // after the name, which is in brackets
			return err == nil && !strings.HasPrefix(state, "T")
		})
	})
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
