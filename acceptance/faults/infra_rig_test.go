package faults

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/acceptance/auditor"
	"countersign/acceptance/rig"
)

// hose is a cable between two machines, that can be cut, clogged and squeezed.
type hose struct {
	addr     string
	target   atomic.Pointer[string]
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	clogged  atomic.Bool  // nothing gets through, and no one is told
	pause    atomic.Int64 // nanoseconds before each piece on its way back
	piece    atomic.Int64 // bytes of a piece; 0 = as they come
}

func newHose(t testing.TB, target string) *hose {
	t.Helper()
	h := &hose{addr: rig.FreeAddr(t), open: map[net.Conn]bool{}}
	h.target.Store(&target)
	h.join(t)
	t.Cleanup(h.cut)
	return h
}

// join lets connections through (again).
func (h *hose) join(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	h.listener = l
	go h.accept(l)
}

// cut refuses new connections and breaks the others.
func (h *hose) cut() {
	_ = h.listener.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.open {
		_ = c.Close()
	}
	clear(h.open)
}

func (h *hose) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", *h.target.Load())
		if err != nil {
			_ = c.Close()
			continue
		}
		h.mu.Lock()
		h.open[c], h.open[to] = true, true
		h.mu.Unlock()
		go h.carry(to, c, false)
		go h.carry(c, to, true)
	}
}

func (h *hose) carry(to, from net.Conn, back bool) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		size := len(buffer)
		if n := int(h.piece.Load()); back && n > 0 {
			size = n
		}
		n, err := from.Read(buffer[:size])
		if back {
			time.Sleep(time.Duration(h.pause.Load()))
		}
		for h.clogged.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

// cluster is a PostgreSQL of a test's own, which it may stop.
type cluster struct {
	t    testing.TB
	dir  string // of the data; its parent is the cluster's
	port string
}

func bin(t testing.TB, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		t.Fatal("PostgreSQL is not installed: run ./test")
	}
	return found[len(found)-1]
}

// asPostgres runs a program of PostgreSQL, which refuses to be root.
func asPostgres(t testing.TB, name string, args ...string) {
	t.Helper()
	args = append([]string{bin(t, name)}, args...)
	if os.Getuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	out, err := os.CreateTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(out.Name()); _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out // a file: the server that pg_ctl starts keeps it open
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
}

// room makes a folder that PostgreSQL can use, too.
func room(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	give(t, dir)
	return dir
}

func give(t testing.TB, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if out, err := exec.Command("chown", "postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
}

// newCluster starts a PostgreSQL whose data is in dir.
func newCluster(t testing.TB, dir string, settings ...string) *cluster {
	t.Helper()
	_, port, _ := net.SplitHostPort(rig.FreeAddr(t))
	c := &cluster{t: t, dir: filepath.Join(dir, "data"), port: port}
	asPostgres(t, "initdb", "-N", "-D", c.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
		"--wal-segsize=1")
	c.start(settings...)
	t.Cleanup(func() { c.halt() })
	return c
}

func (c *cluster) start(settings ...string) {
	c.t.Helper()
	o := fmt.Sprintf(
		"-c listen_addresses=127.0.0.1 -p %s -c unix_socket_directories='' -c min_wal_size=2MB -c max_wal_size=16MB",
		c.port)
	for _, s := range settings {
		o += " -c " + s
	}
	asPostgres(c.t, "pg_ctl", "-D", c.dir, "-l", filepath.Join(filepath.Dir(c.dir), "log"), "-w", "-t", "60",
		"-o", o, "start")
}

// stop ends it as a power cut would ("immediate") or tidily ("fast").
func (c *cluster) stop(mode string) {
	c.t.Helper()
	asPostgres(c.t, "pg_ctl", "-D", c.dir, "-m", mode, "-w", "stop")
}

func (c *cluster) halt() {
	if raw, err := os.ReadFile(filepath.Join(c.dir, "postmaster.pid")); err == nil && len(raw) > 0 {
		cmd := exec.Command(bin(c.t, "pg_ctl"), "-D", c.dir, "-m", "immediate", "-w", "stop")
		if os.Getuid() == 0 {
			cmd = exec.Command("runuser", "-u", "postgres", "--", bin(c.t, "pg_ctl"), "-D", c.dir, "-m",
				"immediate", "-w", "stop")
		}
		cmd.Dir = "/"
		_ = cmd.Run()
	}
}

func (c *cluster) addr() string { return "127.0.0.1:" + c.port }

func at(addr string) string {
	return "postgres://postgres@" + addr + "/postgres?sslmode=disable"
}

// run sends statements with psql, each by itself.
func (c *cluster) run(statements ...string) {
	c.t.Helper()
	args := []string{"-h", "127.0.0.1", "-p", c.port, "-U", "postgres", "-v", "ON_ERROR_STOP=1"}
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	asPostgres(c.t, "psql", args...)
}

// fresh starts a world of the engine, with a PostgreSQL of its own or not.
func fresh(t *testing.T, engine string, o rig.Options) *rig.World {
	t.Helper()
	w := rig.New(t, engine, o)
	t.Cleanup(w.Close)
	return w
}

// eachRelease runs fn on both databases, each in a world of its own, with the program
// that people download.
func eachRelease(t *testing.T, o rig.Options, fn func(t *testing.T, w *rig.World)) {
	t.Helper()
	rig.EachFresh(t, o, fn)
}

// later fails unless the page asks to come back, and has let no one in.
func later(t testing.TB, pg *rig.Page, what string) {
	t.Helper()
	if pg.Status != http.StatusServiceUnavailable || pg.Header.Get("Retry-After") == "" || gotSession(pg) ||
		pg.Left != nil {
		t.Errorf("%s: status %d, Retry-After %q: %s", what, pg.Status, pg.Header.Get("Retry-After"),
			rig.Quietly(pg.Text()))
	}
}

// in fails unless the page sends the browser on to the app.
func in(t testing.TB, pg *rig.Page, what string) {
	t.Helper()
	if pg.Left == nil || pg.Left.Query().Get("code") == "" {
		t.Fatalf("%s: not let in: status %d %s", what, pg.Status, rig.Quietly(pg.Text()))
	}
}

// begun is someone at the code page.
type begun struct {
	*rig.Person
	u    *rig.User
	mail rig.Mail
}

func begin(t testing.TB, w *rig.World, u *rig.User) *begun {
	t.Helper()
	p := w.Person(t)
	return &begun{Person: p, u: u, mail: p.ToCode(t, w.Dashboard(t), u)}
}

// right answers with the code of the mail.
func (b *begun) right() *rig.Page { return b.Code(b.mail.Code) }

// wrongly answers with another code.
func (b *begun) wrongly() *rig.Page {
	if b.mail.Code == "000000" {
		return b.Code("111111")
	}
	return b.Code("000000")
}

// password types the right one at the first page.
func password(t testing.TB, w *rig.World, p *rig.Person, u *rig.User) *rig.Page {
	t.Helper()
	p.Visit(w.Dashboard(t).Visit())
	return p.Submit(rig.PathPassword, "email", u.Email, "password", u.Password)
}

// sound lets the auditor look, who knows what a database must never hold. Which mail was
// answered by whom is not written down here, so that question is left out.
func sound(t testing.TB, w *rig.World) {
	t.Helper()
	linked(t, w)
	var a auditor.Auditor
	found, err := a.Examine(t.Context(), auditor.Evidence{
		Query:   w.Rows().QueryContext,
		Mails:   w.Sink.All(),
		History: &auditor.History{},
		Now:     w.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !strings.HasSuffix(f.What, "says that a mail was answered, and none was") {
			t.Error(f)
		}
	}
}

// linked: the audit chains verify, and the program has said nothing that it may not.
func linked(t testing.TB, w *rig.World) {
	t.Helper()
	rig.Within(t, 15*time.Second, "the chains verify", func() bool {
		_, err := w.TryCLI("", "audit", "verify")
		return err == nil
	})
	for _, said := range []string{"panic", "input/output"} {
		if strings.Contains(w.A.Log(), said) {
			t.Errorf("the log says %q", said)
		}
	}
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}
