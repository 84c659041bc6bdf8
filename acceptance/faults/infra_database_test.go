package faults

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// scene is what was told to people before a database went away.
type scene struct {
	w        *rig.World
	signedIn *rig.Person // has a session
	flow     string      // the finished flow's cookie, and its code
	spent    rig.Mail
	ended    string // the cookie of a session that was signed out
	wrong    *begun // was told of one wrong answer
	waiting  *begun // has a code and has not answered
}

func setScene(t *testing.T, w *rig.World) *scene {
	t.Helper()
	s := &scene{w: w}
	first := begin(t, w, w.Covered(t).User(t))
	s.flow, s.spent, s.signedIn = first.Cookie("flow"), first.mail, first.Person
	in(t, first.right(), "before the fault")
	out := begin(t, w, w.Covered(t).User(t))
	in(t, out.right(), "before the fault")
	s.ended = out.Cookie("session")
	out.Post(rig.PathSignOut, nil).Expect(t, 200)
	s.wrong = begin(t, w, w.Covered(t).User(t))
	s.wrong.wrongly().Expect(t, http.StatusUnauthorized, "4")
	s.waiting = begin(t, w, w.Covered(t).User(t))
	return s
}

// denied: no one gets in, and no one is told something that is not so.
func (s *scene) denied(t *testing.T) {
	t.Helper()
	later(t, s.waiting.right(), "a right code")
	later(t, s.wrong.wrongly(), "a wrong code")
	p := s.w.Person(t)
	later(t, p.Post(rig.PathPassword, form("email", s.waiting.u.Email, "password", s.waiting.u.Password)),
		"a right password")
	later(t, s.signedIn.Twin().Post(rig.PathSignOut, nil), "a sign-out")
}

// goesOn: what was told still holds, and the people who were cut off get in.
func (s *scene) goesOn(t *testing.T) {
	t.Helper()
	rig.Within(t, 20*time.Second, "the program wants requests again", func() bool { return s.w.Healthy(t, s.w.A) })
	s.w.Settle(t)
	if !s.signedIn.SignedIn() {
		t.Error("a session is lost")
	}
	thief := s.w.Person(t)
	thief.SetCookie("flow", s.flow)
	if pg := thief.Code(s.spent.Code); gotSession(pg) {
		t.Error("a spent code is good again")
	}
	ghost := s.w.Person(t)
	ghost.SetCookie("session", s.ended)
	if ghost.SignedIn() {
		t.Error("a session that was signed out is good again")
	}
	s.wrong.wrongly().Expect(t, http.StatusUnauthorized, "3")
	in(t, s.waiting.right(), "after the fault")
	in(t, begin(t, s.w, s.wrong.u).right(), "a new sign-in after the fault")
	sound(t, s.w)
}

// guard: errors deny; pools connect anew; commits are durable
func TestREL007_APowerCutOfTheDatabase(t *testing.T) {
	t.Parallel()
	c := newCluster(t, room(t))
	w := fresh(t, "postgres", rig.Options{Server: at(c.addr())})
	s := setScene(t, w)
	c.stop("immediate")
	if w.Healthy(t, w.A) {
		t.Error("healthy without a database")
	}
	s.denied(t)
	if s.signedIn.SignedIn() {
		t.Error("a session is believed that cannot be looked up")
	}
	c.start()
	s.goesOn(t)
	c.stop("fast") // an operator's restart, with open connections
	c.start()
	rig.Within(t, 20*time.Second, "healthy", func() bool { return w.Healthy(t, w.A) })
	w.Settle(t)
	in(t, begin(t, w, s.waiting.u).right(), "after a restart")
}

// guard: synchronous replication, which docs/operations asks for; the program finds the
// new primary by itself
func TestREL007_ASynchronousStandbyIsPromoted(t *testing.T) {
	t.Parallel()
	dir := room(t)
	first := newCluster(t, dir)
	other := filepath.Join(dir, "standby")
	asPostgres(t, "pg_basebackup", "-h", "127.0.0.1", "-p", first.port, "-U", "postgres", "-D", other, "-R", "-X",
		"stream", "-c", "fast", "--no-sync")
	second := &cluster{t: t, dir: other, port: strings.TrimPrefix(rig.FreeAddr(t), "127.0.0.1:")}
	second.start()
	t.Cleanup(second.halt)
	first.run("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	server := fmt.Sprintf(
		"postgres:///postgres?host=127.0.0.1,127.0.0.1&port=%s,%s&user=postgres&sslmode=disable&target_session_attrs=read-write",
		first.port, second.port)
	w := fresh(t, "postgres", rig.Options{Server: server})
	rig.Within(t, 20*time.Second, "replication is synchronous", func() bool {
		return w.Number(t, `SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')`) == 1
	})
	s := setScene(t, w)
	first.stop("immediate")
	s.denied(t)
	asPostgres(t, "pg_ctl", "-D", second.dir, "-w", "promote")
	s.goesOn(t)
}

// guard: a failed write denies; what only reads goes on
func TestREL008_AReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	c := newCluster(t, room(t))
	w := fresh(t, "postgres", rig.Options{Server: at(c.addr())})
	s := setScene(t, w)
	c.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	rig.Within(t, 10*time.Second, "nothing can be written", func() bool {
		pg := w.Person(t).Post(rig.PathPassword, form("email", s.waiting.u.Email, "password", s.waiting.u.Password))
		return pg.Status == http.StatusServiceUnavailable
	})
	s.denied(t)
	if !s.signedIn.SignedIn() {
		t.Error("a session can be read, and is not believed")
	}
	c.run("SET default_transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only",
		"SELECT pg_reload_conf()")
	s.goesOn(t)
}

// tiny mounts a file system of a few megabytes, or skips the test.
func tiny(t *testing.T, megabytes int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("TestREL008 on a full disk needs root, to mount a small one")
	}
	dir, err := os.MkdirTemp("", "countersign-tiny-")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0755", megabytes), "tmpfs",
		dir).CombinedOutput(); err != nil {
		_ = os.Remove(dir)
		t.Skipf("TestREL008 on a full disk cannot mount a small one here: %s", out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH); _ = os.Remove(dir) })
	return dir
}

// fill takes what room is left, and returns what frees it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	_ = f.Close()
	return func() { _ = os.Remove(path) }
}

// guard: a failed write denies, and the writer recovers
func TestREL008_AFullDiskUnderSQLite(t *testing.T) {
	t.Parallel()
	dir := tiny(t, 64)
	w := fresh(t, "sqlite", rig.Options{Data: dir})
	s := setScene(t, w)
	free := fill(t, dir)
	exhaust(t, w, s)
	s.denied(t)
	if !s.signedIn.SignedIn() {
		t.Error("a session can be read, and is not believed")
	}
	free()
	s.goesOn(t)
}

// exhaust asks until nothing can be written any more: files have room of their own left. It
// asks for someone else each time, because one account would be slowed down.
func exhaust(t *testing.T, w *rig.World, s *scene) {
	t.Helper()
	asked := 0
	rig.Within(t, 60*time.Second, "the disk is full", func() bool {
		asked++
		pg := w.Person(t).Post(rig.PathPassword,
			form("email", fmt.Sprintf("nobody%d@nowhere.example.test", asked), "password",
				"canary no password of anyone"))
		if pg.Status != http.StatusUnauthorized && pg.Status != http.StatusServiceUnavailable {
			t.Fatalf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
		}
		return pg.Status == http.StatusServiceUnavailable
	})
}

// guard: the same: what is told is durable; PostgreSQL itself may give up, and is started again
func TestREL008_AFullDiskUnderPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := tiny(t, 128)
	give(t, dir)
	c := newCluster(t, dir)
	w := fresh(t, "postgres", rig.Options{Server: at(c.addr())})
	s := setScene(t, w)
	free := fill(t, dir)
	exhaust(t, w, s)
	// A smaller write may still find room, or PostgreSQL makes some when it recovers. Then it is
	// done, and stays done.
	right := s.waiting.right()
	if !gotSession(right) && right.Status < 400 {
		t.Errorf("status %d: %s", right.Status, rig.Quietly(right.Text()))
	}
	if pg := s.wrong.wrongly(); gotSession(pg) || pg.Status < 400 {
		t.Errorf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
	}
	free()
	c.halt()
	c.start()
	rig.Within(t, 20*time.Second, "healthy", func() bool { return w.Healthy(t, w.A) })
	w.Settle(t)
	if gotSession(right) && !s.waiting.SignedIn() {
		t.Error("a session that was given is gone")
	}
	in(t, begin(t, w, s.waiting.u).right(), "after there is room again")
	sound(t, w)
}

// open opens a file of SQLite beside the program.
func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// hold takes SQLite's only write lock, as a long job of someone else would.
func hold(t *testing.T, w *rig.World) (release func()) {
	t.Helper()
	conn, err := open(t, strings.TrimPrefix(w.DSN(), "sqlite:")).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		_, _ = conn.ExecContext(context.Background(), "ROLLBACK")
		_ = conn.Close()
	}
}

// guard: busy_timeout, BEGIN IMMEDIATE; busy for longer is "come back later"
func TestREL009_ALongWriterBesideUs(t *testing.T) {
	t.Parallel()
	w := fresh(t, "sqlite", rig.Options{})
	s := setScene(t, w)
	release := hold(t, w)
	answered := make(chan *rig.Page, 1)
	go func() { answered <- s.waiting.right() }()
	time.Sleep(500 * time.Millisecond)
	if !s.signedIn.SignedIn() {
		t.Error("readers wait for the writer")
	}
	release()
	in(t, <-answered, "after a short wait")
	s.waiting = begin(t, w, s.waiting.u)
	release = hold(t, w)
	later(t, s.waiting.right(), "while someone writes for ever")
	release()
	s.goesOn(t)
}

// guard: a copy is taken without stopping writers, and writers do not spoil it
func TestREL009_ACopyIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	w := fresh(t, "sqlite", rig.Options{})
	u := w.Covered(t).User(t)
	source := open(t, strings.TrimPrefix(w.DSN(), "sqlite:"))
	over, copied := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				copied <- nil
				return
			default:
			}
			to := filepath.Join(w.Dir, fmt.Sprintf("copy%d.db", n))
			if _, err := source.Exec(`VACUUM INTO ?`, to); err != nil {
				copied <- err
				return
			}
		}
	}()
	for range 3 {
		in(t, begin(t, w, u).right(), "while a copy is taken")
	}
	close(over)
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	var verdict string
	if err := open(t, filepath.Join(w.Dir, "copy0.db")).QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil ||
		verdict != "ok" {
		t.Errorf("%s %v", verdict, err)
	}
	sound(t, w)
}
