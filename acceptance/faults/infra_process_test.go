package faults

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var stops = flag.Int("stops", 4, "how often the program is stopped under load, on each database")

func writeClock(t *testing.T, path string, d time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(d.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome is what one person was told when the program stopped under them.
type outcome struct {
	u    *rig.User
	told bool // has a session
	pg   *rig.Page
	err  error
}

// guard: a stop waits for what was begun; a decision is answered
func TestREL027_StoppedUnderLoad(t *testing.T) {
	eachRelease(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		people := w.Covered(t).Crowd(t, 4**stops)
		for i := range *stops {
			var all []*begun
			for _, u := range people[4*i : 4*i+4] {
				all = append(all, begin(t, w, u))
			}
			outcomes := make([]outcome, len(all))
			var done sync.WaitGroup
			for j, b := range all {
				done.Go(func() {
					pg, err := b.Try(b.Request(http.MethodPost, rig.PathCode, form("code", b.mail.Code)))
					outcomes[j] = outcome{b.u, err == nil && gotSession(pg), pg, err}
				})
			}
			time.Sleep(rand.N(12 * time.Millisecond))
			w.A.Signal(t, syscall.SIGTERM)
			done.Wait()
			select {
			case <-w.A.Ended():
			case <-time.After(rig.Slack * 30 * time.Second):
				t.Fatal("the program does not end")
			}
			if code := w.A.ExitCode(); code != 0 {
				t.Errorf("it ended with %d:\n%s", code, w.A.Log())
			}
			for _, o := range outcomes {
				o.check(t, w)
			}
			w.Restart(t, rig.Options{})
		}
		sound(t, w)
	})
}

// check: who has a session was told so, and who was told so has one.
func (o outcome) check(t *testing.T, w *rig.World) {
	t.Helper()
	n := w.Number(t, `SELECT count(*) FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		WHERE u.email = $1`, o.u.Email)
	if o.told != (n == 1) || n > 1 {
		status := 0
		if o.pg != nil {
			status = o.pg.Status
		}
		t.Errorf("%d sessions, told %t (status %d, %v)", n, o.told, status, o.err)
	}
	if n == 0 && o.err == nil && o.pg.Status < 400 {
		t.Errorf("a success was told that is none: %d", o.pg.Status)
	}
}

// descriptors lets the program open n more files than it has open, and no others.
func descriptors(t *testing.T, s *rig.Server, more int) (restore func()) {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	set := func(n int) {
		t.Helper()
		if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(s.PID()),
			fmt.Sprintf("--nofile=%d:", n)).CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v %s", err, out)
		}
	}
	set(len(files) + more)
	return func() { t.Helper(); set(1024) }
}

// guard: errors deny; accepting goes on when there are descriptors again
func TestREL026_OutOfFileDescriptors(t *testing.T) {
	eachRelease(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		wrong, right := begin(t, w, w.Covered(t).User(t)), begin(t, w, w.Covered(t).User(t))
		restore := descriptors(t, w.A, 2)
		var open []net.Conn
		for range 40 { // the system takes them in; the program cannot
			if c, err := net.Dial("tcp", w.A.Addr); err == nil {
				open = append(open, c)
			}
		}
		if pg, err := wrong.Try(wrong.Request(http.MethodPost, rig.PathCode,
			form("code", "not the code"))); err == nil && (gotSession(pg) || pg.Status < 400) {
			t.Errorf("a wrong code: status %d", pg.Status)
		}
		for _, c := range open {
			_ = c.Close()
		}
		restore()
		rig.Within(t, 20*time.Second, "the program recovers", func() bool { return w.Healthy(t, w.A) })
		if pg := right.right(); pg.Left == nil {
			in(t, begin(t, w, right.u).right(), "after a refusal")
		}
		in(t, begin(t, w, wrong.u).right(), "a new sign-in")
		sound(t, w)
	})
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// guard: nothing is left behind by a request
func TestREL026_NothingIsLeftBehind(t *testing.T) {
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ops := rig.FreeAddr(t)
			w := fresh(t, engine, rig.Options{Config: fmt.Sprintf("[ops]\nlisten = %q\n", ops)})
			p := begin(t, w, w.Covered(t).User(t))
			busy(t, w, p, 100) // what a first request opens
			before := alive(t, ops)
			busy(t, w, p, 2000)
			rig.Within(t, 20*time.Second, "as few goroutines as before",
				func() bool { return alive(t, ops) <= before+5 })
		})
	}
}

// busy asks n times for pages, from several connections at once, and hangs up.
func busy(t *testing.T, w *rig.World, b *begun, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range 8 {
		p := b.Twin()
		all.Go(func() {
			for i := range n / 8 {
				path := []string{"/signin", rig.PathCode, "/", "/nowhere"}[i%4]
				if _, err := p.Try(p.Request(http.MethodGet, path, nil)); err != nil {
					t.Error(err)
					return
				}
			}
			p.Via(w.A) // hangs up
		})
	}
	all.Wait()
}

// alive is how many goroutines the program has.
func alive(t *testing.T, ops string) int {
	t.Helper()
	res, err := http.Get("http://" + ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	found := goroutines.FindSubmatch(text)
	if found == nil {
		t.Fatalf("status %d, no count of goroutines", res.StatusCode)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}
