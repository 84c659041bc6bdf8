package acceptance

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: timeouts and limits of the HTTP server; the bounded pool of password.Pool
func TestATK170_ResourceExhaustion(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		idle := memory(t, w.A.PID())
		big := p.Request(http.MethodPost, rig.PathPassword,
			form("email", u.Email, "password", strings.Repeat("x", 1<<20)))
		if pg, err := p.Try(big); err == nil && pg.Status != 413 && pg.Status != 400 {
			t.Errorf("a password of 1 MB: status %d", pg.Status)
		}
		headers := p.Request(http.MethodGet, "/signin", nil)
		headers.Header.Set("X-Filler", strings.Repeat("y", 2<<20))
		if pg, err := p.Try(headers); err == nil && pg.Status < 400 {
			t.Errorf("2 MB of headers: status %d", pg.Status)
		}
		stop := slowly(t, p, 100)
		flood := logins(w, t, 60)
		started := time.Now()
		amid(t, w, w.Covered(t).User(t))
		t.Logf("a sign-in amid the flood took %s", time.Since(started).Round(time.Millisecond))
		flood.Wait()
		stop()
		if now := memory(t, w.A.PID()); now > 2*idle+300<<20 {
			t.Errorf("memory grew from %d to %d MB", idle>>20, now>>20)
		}
	})
}

// amid signs someone in who tries again when the page says that it is very busy, as it is for a
// while on a slow machine.
func amid(t *testing.T, w *rig.World, u *rig.User) {
	t.Helper()
	p, visit := w.Person(t), w.Dashboard(t).Visit()
	rig.Within(t, 15*time.Second, "the password is taken", func() bool {
		p.Visit(visit)
		return p.Password(u.Email, u.Password).Status != http.StatusServiceUnavailable
	})
	atCode(t, p.Page)
	w.Dashboard(t).Finish(t, visit, p.Code(w.Sink.Code(t, u.Email, 1).Code))
}

// slowly opens n connections that send half a request and then nothing.
func slowly(t *testing.T, p *rig.Person, n int) (stop func()) {
	t.Helper()
	var closers []func()
	for range n {
		c, err := p.Half("POST /signin/password HTTP/1.1\r\nHost: " + rig.Host + "\r\nContent-Length: 1000\r\nX-Slow: ")
		if err != nil {
			t.Fatal(err)
		}
		closers = append(closers, c)
	}
	return func() {
		for _, c := range closers {
			c()
		}
	}
}

// logins sends wrong passwords from many sources at once.
func logins(w *rig.World, t *testing.T, n int) *sync.WaitGroup {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		p := w.Person(t)
		email := w.Unique("flood") + "@people.example.test"
		all.Go(func() {
			_, _ = p.Try(p.Request(http.MethodPost, rig.PathPassword,
				form("email", email, "password", "a wrong password of some length")))
		})
	}
	return &all
}

// memory is a process's resident memory in bytes.
func memory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

var printedToken = `enter this token[^:]*:\s+(\S{20,})`

// guard: installation.setup_hash is taken by a guarded update
func TestATK173_FirstRun(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		fields := func(token, email string) url.Values {
			return form("token", token, "company", "Vendor", "name", "Vera Vendor", "email", email, "password",
				"canary first operator of all")
		}
		p.Get("/setup").Expect(t, 200)
		token := w.A.Printed(t, printedToken)
		for _, bad := range []string{"", "wrong", token + "x", token[:len(token)-1]} {
			if pg := p.Post("/setup", fields(bad, "vera@vendor.example.test")); pg.Status < 400 || pg.Status >= 500 {
				t.Errorf("token %.4q: status %d", bad, pg.Status)
			}
		}
		if n := w.Number(t, `SELECT count(*) FROM users`); n != 0 {
			t.Fatalf("%d users without the token", n)
		}
		shots := make([]rig.Shot, 20)
		for i := range shots {
			shots[i] = rig.Shot{Person: p, Path: "/setup",
				Form: fields(token, fmt.Sprintf("vera%d@vendor.example.test", i))}
		}
		pages := rig.Volley(t, shots)
		if n := w.Number(t, `SELECT count(*) FROM users`); n != 1 {
			t.Errorf("%d operators from a race: %v", n, rig.Count(pages))
		}
		w.Restart(t, rig.Options{})
		late := w.Person(t)
		late.Post("/setup", fields(token, "late@vendor.example.test"))
		if pg := late.Get("/setup"); pg.Input("token") != nil {
			t.Error("the first-run page is open again after a restart")
		}
		if n := w.Number(t, `SELECT count(*) FROM users`); n != 1 {
			t.Errorf("%d operators after a restart", n)
		}
	})
}
