package rig

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one running program.
type Server struct {
	Addr string

	cmd     *exec.Cmd
	log     *logbook
	ended   chan struct{}
	config  string
	machine *http.Client
}

// logbook collects what a program says, while it says it.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Len is the number of bytes so far.
func (l *logbook) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (w *World) start(t testing.TB, name string, o Options) *Server {
	t.Helper()
	s := &Server{Addr: freeAddr(t), log: &logbook{}, ended: make(chan struct{})}
	s.config = w.writeConfig(t, name, s.Addr, o)
	if w.config == "" {
		w.config = s.config
	}
	s.cmd = exec.Command(Binary(t, w.flavour), "serve", "--config", s.config)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = w.Dir, s.log, s.log
	s.cmd.Env = append(w.env(), o.Env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphan when a test run is cut
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	s.awaitReady(t)
	return s
}

func (w *World) env() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.Dir, "TMPDIR=" + os.TempDir()}
	if w.flavour == Rigged {
		env = append(env, "COUNTERSIGN_RIG_CLOCK="+w.clock, "COUNTERSIGN_RIG_FAULTS="+w.FaultsFile(), "GOGC=400")
	}
	return env
}

func (s *Server) awaitReady(t testing.TB) {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: TheCA(t), ServerName: Host},
	}}
	for end := time.Now().Add(Slack * 20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.ended:
			t.Fatalf("the program ended:\n%s", s.Log())
		default:
		}
		res, err := client.Get("https://" + s.Addr + "/healthz")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("the program did not become ready:\n%s", s.Log())
}

// Log is everything the program has written to its two outputs.
func (s *Server) Log() string { return s.log.String() }

// crashed holds what programs said that no program may say, over the whole test run.
var crashed logbook

// inspect looks for a data race or a panic in what the program said.
func (s *Server) inspect() {
	text := s.Log()
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if i := strings.Index(text, sign); i >= 0 {
			_, _ = crashed.Write([]byte(text[i:min(i+4000, len(text))] + "\n"))
			return
		}
	}
}

// Stop asks the program to end, and insists after a while.
func (s *Server) Stop() {
	defer s.inspect()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(Slack * 10 * time.Second):
		s.Kill()
	}
}

// Ended is closed when the program is no more.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Kill ends the program as a power cut would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// Restart starts the first program again after Stop or Kill.
func (w *World) Restart(t testing.TB, o Options) {
	t.Helper()
	w.A.Stop()
	w.A = w.start(t, "a", o)
}

// CLI runs a subcommand of the same binary and returns what it printed.
func (w *World) CLI(t testing.TB, args ...string) string {
	t.Helper()
	out, err := w.TryCLI("", args...)
	if err != nil {
		t.Fatalf("countersign %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// confirmed answers the question that taking something away asks: no test has a terminal. Most companies of tests have
// one owner, so it also says that the last one may be changed.
func confirmed(args []string) []string {
	takesAway := slices.Contains(args, "--disable") || slices.Contains(args, "--suspend") ||
		slices.Contains(args, "--methods") && args[1] == "set" ||
		len(args) > 1 && args[0] == "client" && args[1] == "disable"
	if takesAway && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--yes") }) {
		args = append(slices.Clone(args), "--yes")
	}
	changesUser := len(args) > 1 && args[0] == "user" && args[1] == "set"
	if changesUser && (slices.Contains(args, "--disable") || slices.Contains(args, "--role")) {
		return append(slices.Clone(args), "--force")
	}
	return args
}

// TryCLI is CLI with standard input, for commands that may fail.
func (w *World) TryCLI(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Slack*30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, builds.made[w.flavour], append(confirmed(args), "--config", w.config)...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.Dir, w.env(), strings.NewReader(stdin)
	var said, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complained
	if err := cmd.Run(); err != nil {
		return said.String(), fmt.Errorf("%w: %s", err, complained.String())
	}
	return said.String(), nil
}
