package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"countersign/internal/secret"
)

// Where people reach the server: behind a proxy that ends TLS, so that cookies are as in
// production.
const (
	publicHost = "sign-in.example.test"
	publicURL  = "https://" + publicHost
)

// argonQueue is wide enough for the 200 sign-ins that P-4 lets wait.
const argonQueue = 256

// world is one installation with many people in it.
type world struct {
	*machine
	engine         string
	users, tenants int
	folder, dsn    string
	config         string
	db             *sql.DB
	keys           *secret.Keys
	sink           *sink
	replicas       []*replica
	pattern        pattern
	kit            *kit
	serial         uint64 // of the next stock
	notes          []string
}

// replica is one running server.
type replica struct {
	addr string
	cmd  *exec.Cmd
	log  *os.File
	done chan error
}

func newWorld(ctx context.Context, m *machine, engine string, users int) (w *world, err error) {
	w = &world{
		machine: m,
		engine:  engine,
		users:   users,
		tenants: m.o.companies(users),
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.folder, err = os.MkdirTemp(m.dir, engine+"-"); err != nil {
		return w, err
	}
	if w.sink, err = newSink(); err != nil {
		return w, err
	}
	if err := w.openDatabase(ctx); err != nil {
		return w, err
	}
	w.config = filepath.Join(w.folder, "a.toml")
	if _, err := w.start(ctx, w.config); err != nil {
		return w, err
	}
	if w.keys, _, err = secret.LoadKeys(w.file("countersign.key"), time.Now()); err != nil {
		return w, err
	}
	if err := w.takePattern(ctx); err != nil {
		return w, fmt.Errorf("the sign-in that is copied: %w", err)
	}
	return w, w.populate(ctx)
}

func (w *world) close() {
	for _, r := range w.replicas {
		_ = r.stop()
	}
	if w.sink != nil {
		w.sink.stop()
	}
	if w.db != nil && w.engine == "postgres" {
		u, _ := url.Parse(w.dsn)
		_, _ = w.db.Exec("DROP SCHEMA " + u.Query().Get("search_path") + " CASCADE")
	}
	if w.db != nil {
		_ = w.db.Close()
	}
	if w.folder != "" && !w.o.keep {
		_ = os.RemoveAll(w.folder)
	}
}

func (w *world) file(name string) string { return filepath.Join(w.folder, name) }

func (w *world) openDatabase(ctx context.Context) (err error) {
	if w.engine == "sqlite" {
		w.dsn = "sqlite:" + w.file("house.db")
		w.db, err = sql.Open("sqlite",
			"file:"+w.file("house.db")+"?_pragma=busy_timeout(20000)&_pragma=synchronous(0)&_txlock=immediate")
		return err
	}
	schema := fmt.Sprintf("bench%d_%d", os.Getpid(), time.Now().UnixNano())
	u, err := url.Parse(w.pgURL)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	w.dsn = u.String()
	if w.db, err = sql.Open("pgx", w.dsn); err != nil {
		return err
	}
	_, err = w.db.ExecContext(ctx, "CREATE SCHEMA "+schema)
	return err
}

const configText = `public_url = %q
listen = %q
trusted_proxies = ["127.0.0.1/32"]
key_file = %q
[database]
url = %q
[smtp]
host = "127.0.0.1"
port = %d
from = "Example Sign-in <sign-in@example.test>"
tls = "none"
[limits.argon2]
queue = %d
`

// start runs one more replica and waits until it is ready. It returns how long that took.
func (w *world) start(ctx context.Context, config string) (took time.Duration, err error) {
	r := &replica{done: make(chan error, 1)}
	if r.addr, err = freeAddr(); err != nil {
		return 0, err
	}
	text := fmt.Sprintf(configText, publicURL, r.addr, w.file("countersign.key"), w.dsn,
		portOf(w.sink.addr), argonQueue)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return 0, err
	}
	if r.log, err = os.OpenFile(config+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return 0, err
	}
	r.cmd = w.command("serve", "--config", config)
	if w.o.profile != "" {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		r.cmd = exec.Command(self, config, filepath.Join(w.o.profile, w.engine))
		r.cmd.Env = append(w.environment(), childEnv+"=serve")
	}
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	// it ends with us, and not before
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		return 0, err
	}
	go func() { r.done <- r.cmd.Wait() }()
	w.replicas = append(w.replicas, r)
	if err := r.awaitReady(ctx); err != nil {
		said, _ := os.ReadFile(config + ".log")
		return 0, fmt.Errorf("%w\n%.2000s", err, said)
	}
	return time.Since(began), nil
}

func (r *replica) awaitReady(ctx context.Context) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) &&
		ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-r.done:
			r.done <- err
			return fmt.Errorf("the server ended: %w", err)
		default:
		}
		res, err := client.Get("http://" + r.addr + "/healthz")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.Join(ctx.Err(), errors.New("the server did not become ready"))
}

func (r *replica) stop() error {
	defer func() { _ = r.log.Close() }()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
		return nil
	case <-time.After(15 * time.Second):
		_ = r.cmd.Process.Kill()
		return errors.New("the server did not stop when asked")
	}
}

// mark begins or ends a profile of the first replica.
func (w *world) mark() {
	if w.o.profile != "" {
		_ = w.replicas[0].cmd.Process.Signal(syscall.SIGUSR1)
	}
}

func (w *world) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.folder, "TMPDIR=" + os.TempDir()}
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.binary, args...)
	cmd.Dir, cmd.Env = w.folder, w.environment()
	return cmd
}

// cli runs a subcommand and returns what it printed.
func (w *world) cli(stdin string, args ...string) (string, error) {
	cmd := w.command(append(args, "--config", w.config)...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", args[0], err, complaint.String())
	}
	return out.String(), nil
}

func (w *world) addrs() (out []string) {
	for _, r := range w.replicas {
		out = append(out, r.addr)
	}
	return out
}

func (w *world) pids() (out []int) {
	for _, r := range w.replicas {
		out = append(out, r.cmd.Process.Pid)
	}
	return out
}

// snapshot counts the database's processes only where the database is a process.
func (w *world) snapshot() usage {
	base := 0
	if w.engine == "postgres" {
		base = w.base
	}
	return snapshot(w.pids(), base)
}

// settle waits until the house is quiet: audit rows linked, mails gone. It reports how long
// that took, and false where it never became quiet.
func (w *world) settle(ctx context.Context) (took time.Duration, quiet bool) {
	const busy = `SELECT CASE WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = 0) OR EXISTS (SELECT 1 FROM jobs
		WHERE done_at = 0 AND failed_at = 0 AND run_at < $1) THEN 1 ELSE 0 END`
	began := time.Now()
	for time.Since(began) < w.o.patience && ctx.Err() == nil {
		var yes int
		if w.db.QueryRowContext(ctx, busy, time.Now().UnixMicro()).Scan(&yes) == nil && yes == 0 {
			return time.Since(began), true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(began), false
}
