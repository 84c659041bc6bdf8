package acceptance

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// narrow is a program that computes one password at a time and lets forty wait.
const narrow = "[limits]\npassword_slow_from = 20\nfailures_per_source = 10000\n[limits.argon2]\nparallel = 1\nqueue = 40\n"

// crowd posts wrong passwords without pause. Its answers are the clock of
// these tests: "in turn" means that few of the crowd were served meanwhile.
type crowd struct {
	served, refused atomic.Int64
	kept            atomic.Pointer[rig.Page] // a page that asked to come back
	over            chan struct{}
	all             sync.WaitGroup
}

// pour begins a flood against people, from three addresses, each many times at once.
func pour(t *testing.T, w *rig.World, people []*rig.User) *crowd {
	t.Helper()
	f := &crowd{over: make(chan struct{})}
	for range 3 {
		p := w.Person(t)
		for i := range 20 {
			f.all.Go(func() { f.worker(p, people, i) })
		}
	}
	rig.Within(t, 30*time.Second, "the queue is full", func() bool { return f.refused.Load() > 0 })
	return f
}

func (f *crowd) worker(p *rig.Person, people []*rig.User, n int) {
	for ; ; n++ {
		select {
		case <-f.over:
			return
		default:
		}
		pg, err := p.Try(p.Request(http.MethodPost, rig.PathPassword,
			form("email", people[n%len(people)].Email, "password", "canary a wrong password of some length")))
		switch {
		case err != nil:
		case pg.Status == http.StatusUnauthorized:
			f.served.Add(1)
		case pg.Status == http.StatusServiceUnavailable:
			f.refused.Add(1)
			f.kept.Store(pg)
			time.Sleep(20 * time.Millisecond)
		default:
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func (f *crowd) stop() {
	close(f.over)
	f.all.Wait()
}

// inTurn runs what someone does and fails when half of the crowd went first.
func (f *crowd) inTurn(t *testing.T, what string, do func()) {
	t.Helper()
	before := f.served.Load()
	do()
	if n := f.served.Load() - before; n > 20 {
		t.Errorf("%s: %d of the crowd were served first", what, n)
	}
}

// ready is everything that goes on beside the flood, prepared before it.
type ready struct {
	atCode, leaving, browsing *rig.Person
	code                      string
	tokens                    *rig.Tokens
	app                       *rig.App
}

func prepare(t *testing.T, w *rig.World, u *rig.User) ready {
	t.Helper()
	r := ready{atCode: w.Person(t), leaving: w.Person(t), browsing: w.Person(t), app: w.Dashboard(t)}
	r.leaving.SignIn(t, r.app, u)
	r.tokens = r.browsing.SignIn(t, r.app, u)
	r.code = r.atCode.ToCode(t, r.app, u).Code
	return r
}

func (r ready) goOn(t *testing.T, f *crowd) {
	t.Helper()
	f.inTurn(t, "a second step", func() { left(t, r.atCode.Code(r.code)) })
	f.inTurn(t, "a look at a session", func() {
		if !r.browsing.SignedIn() {
			t.Error("the session is not known")
		}
	})
	f.inTurn(t, "a refresh", func() {
		if _, err := r.app.Refresh(r.tokens.Raw.RefreshToken); err != nil {
			t.Error(err)
		}
	})
	f.inTurn(t, "a sign-out", func() { r.leaving.Post(rig.PathSignOut, nil).Expect(t, 200) })
	if r.leaving.SignedIn() {
		t.Error("still signed in")
	}
}

// guard: password.fairQueue: room, turns; what has no password to compare never waits in it
func TestREL021_AFloodOfPasswordsLeavesTheRestInPeace(t *testing.T) {
	rig.EachFresh(t, rig.Options{Config: narrow}, func(t *testing.T, w *rig.World) {
		harbor, people := company(t, w)
		r := prepare(t, w, w.NewTenant(t, "--mandate", "mandatory").User(t))
		f := pour(t, w, people)
		r.goOn(t, f)
		f.stop()
		f.kept.Load().Expect(t, http.StatusServiceUnavailable, "very busy")
		comeBack(t, f.kept.Load())
		counted(t, w, harbor, f.served.Load())
		atCode(t, begin(t, w.Person(t), w, people[0]))
		if w.CLI(t, "audit", "verify"); strings.Contains(w.A.Log(), `"level":"ERROR"`) {
			t.Error("the program complains")
		}
	})
}

// guard: password.WithQueueKey in signin: by the company of a proved device, else by the address
func TestSEC079_AnotherCompanyIsServedInItsTurn(t *testing.T) {
	rig.EachFresh(t, rig.Options{Config: narrow}, func(t *testing.T, w *rig.World) {
		_, people := company(t, w)
		bright := w.NewTenant(t, "--mandate", "mandatory")
		anna, omar, known := bright.UserAtFullCost(t), bright.UserAtFullCost(t), w.Person(t)
		known.SignIn(t, w.Dashboard(t), omar)
		known.Post(rig.PathSignOut, nil)
		f := pour(t, w, people)
		defer f.stop()
		f.inTurn(t, "another company's sign-in", func() { atCode(t, begin(t, w.Person(t), w, anna)) })
		f.inTurn(t, "another company's sign-in on a known browser", func() { atCode(t, begin(t, known, w, omar)) })
		known.From("127.1.2.3") // a known browser is known wherever it is
		f.inTurn(t, "another company's sign-in on a known browser elsewhere",
			func() { atCode(t, begin(t, known, w, omar)) })
	})
}

// company makes one with enough people to keep a crowd busy.
func company(t *testing.T, w *rig.World) (*rig.Tenant, []*rig.User) {
	t.Helper()
	c := w.Covered(t)
	var people []*rig.User
	for range 8 {
		people = append(people, c.UserAtFullCost(t))
	}
	return c, people
}

func begin(t *testing.T, p *rig.Person, w *rig.World, u *rig.User) *rig.Page {
	t.Helper()
	p.Visit(w.Dashboard(t).Visit())
	return p.Password(u.Email, u.Password)
}

// comeBack: the page says when, and keeps what was typed, but not the password.
func comeBack(t *testing.T, pg *rig.Page) {
	t.Helper()
	if n, err := strconv.Atoi(pg.Header.Get("Retry-After")); err != nil || n < 1 || n > 120 {
		t.Errorf("Retry-After %q", pg.Header.Get("Retry-After"))
	}
	if email := pg.Input("email")["value"]; !strings.Contains(email, "@") {
		t.Errorf("the address is lost: %q", email)
	}
	if strings.Contains(pg.Body, "canary") {
		t.Error("the password stands on the page")
	}
}

// counted: every failure that someone was told of is in each of its budgets and in the
// audit trail, and nothing else is: who was turned away has lost no try.
func counted(t *testing.T, w *rig.World, c *rig.Tenant, told int64) {
	t.Helper()
	if n := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'signin.password'
		AND result = 'failed'`, c.ID); n != told {
		t.Errorf("%d failures in the audit trail, %d were told", n, told)
	}
	for _, budget := range []string{"password.account", "password.here", "password.source"} {
		if n := w.Number(t, `SELECT coalesce(sum(length(stamps)), 0) FROM installation_budgets
			WHERE name = $1`, budget) / 8; n != told {
			t.Errorf("%s counts %d, %d were told", budget, n, told)
		}
	}
}
