package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL, to lay rows and to look at them
)

// machine is what all worlds share: the binary, a folder, and a PostgreSQL.
type machine struct {
	o      options
	root   string // of the module
	dir    string
	binary string
	pgURL  string
	base   int // the first process of PostgreSQL; 0 = not on this machine
	ours   bool
	notes  []string
}

func newMachine(ctx context.Context, o options) (*machine, error) {
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return nil, err
	}
	m := &machine{o: o, dir: dir}
	// PostgreSQL runs as its own user under root
	if err := errors.Join(os.Chmod(dir, 0o755), m.build(ctx)); err != nil {
		m.close()
		return nil, err
	}
	for _, engine := range o.engines {
		if engine == "postgres" {
			if err := m.startPostgres(ctx); err != nil {
				m.close()
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *machine) close() {
	if m.ours {
		_ = exec.Command(filepath.Join(m.root, "scripts/postgres"), "stop", filepath.Join(m.dir, "postgres")).Run()
	}
	if !m.o.keep {
		_ = os.RemoveAll(m.dir)
	}
}

// build makes the program as a release does.
func (m *machine) build(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	m.root, m.binary = strings.TrimSpace(string(out)), filepath.Join(m.dir, "countersign")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", m.binary,
		"countersign/cmd/countersign")
	cmd.Dir, cmd.Env = m.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// startPostgres starts one, unless TEST_POSTGRES_URL names one; that one's neighbours are
// then counted as ours.
func (m *machine) startPostgres(ctx context.Context) error {
	m.pgURL = os.Getenv("TEST_POSTGRES_URL")
	if m.pgURL == "" {
		out, err := exec.CommandContext(ctx, filepath.Join(m.root, "scripts/postgres"), "start",
			filepath.Join(m.dir, "postgres")).Output()
		if err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		m.pgURL, m.ours = strings.TrimSpace(string(out)), true
	}
	d, err := sql.Open("pgx", m.pgURL)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	var backend int
	if err := d.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := d.QueryRowContext(ctx, "SHOW "+name).Scan(&value); err != nil {
			return err
		}
		m.notes = append(m.notes, name+"="+value)
		if value != "on" {
			return fmt.Errorf("PostgreSQL has %s=%s: commits would not be durable", name, value)
		}
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", backend))
	if s, err := parseStat(string(text)); err == nil && bytes.Contains(text, []byte("(postgres)")) {
		m.base = s.parent
	}
	return nil
}

// facts describe where the figures come from.
func (m *machine) facts(ctx context.Context) []string {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	model := "unknown processor"
	for line := range strings.Lines(string(cpu)) {
		if rest, ok := strings.CutPrefix(line, "model name"); ok {
			model = strings.Trim(rest, "\t :\n")
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	revision, err := exec.CommandContext(ctx, "git", "-C", m.root, "describe", "--always", "--dirty",
		"--abbrev=12").Output()
	if err != nil {
		revision = []byte("unknown")
	}
	f := []string{
		fmt.Sprintf("%s; %s, %d processors shared by the server, the database, the driver and the mail sink",
			time.Now().UTC().Format(time.DateOnly), model, runtime.NumCPU()),
		fmt.Sprintf("Linux %s, %s, revision %s", strings.TrimSpace(string(kernel)), runtime.Version(),
			strings.TrimSpace(string(revision))),
	}
	if m.pgURL != "" {
		d, err := sql.Open("pgx", m.pgURL)
		if err != nil {
			return f
		}
		defer func() { _ = d.Close() }()
		var version string
		_ = d.QueryRowContext(ctx, "SHOW server_version").Scan(&version)
		f = append(f, fmt.Sprintf("PostgreSQL %s, %s", version, strings.Join(m.notes, ", ")))
	}
	return append(f,
		"SQLite in WAL with synchronous=FULL; mail to a sink on this machine; the server writes its access log to a file")
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

func portOf(addr string) int {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return n
}
