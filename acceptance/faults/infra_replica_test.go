package faults

import (
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var pause = flag.Duration("pause", 5*time.Second, "how long a paused replica sleeps")

// isolated starts a replica that finds the database through a hose.
func isolated(t *testing.T, w *rig.World) (*rig.Server, *hose) {
	t.Helper()
	u, err := url.Parse(w.DSN())
	if err != nil {
		t.Fatal(err)
	}
	h := newHose(t, u.Host)
	u.Host = h.addr
	s := w.Start(t, "isolated", rig.Options{Env: []string{"COUNTERSIGN_DATABASE_URL=" + u.String()}})
	t.Cleanup(s.Stop)
	return s, h
}

// guard: nothing is believed that the database did not say; health asks it
func TestREL019_AReplicaWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := fresh(t, "postgres", rig.Options{})
	b, h := isolated(t, w)
	waits := begin(t, w, w.Covered(t).User(t))
	waits.Via(b)
	stays, leaves := w.Person(t).Via(b), w.Person(t).Via(b)
	tokens := leaves.SignIn(t, w.Dashboard(t).Via(b), w.Covered(t).User(t))
	stays.SignIn(t, w.Dashboard(t), w.Covered(t).User(t))

	h.cut()
	rig.Within(t, 5*time.Second, "the replica is unready", func() bool { return !w.Healthy(t, b) })
	later(t, waits.right(), "a right code")
	for _, p := range []*rig.Person{stays, leaves} {
		if p.SignedIn() {
			t.Error("a session is believed that cannot be looked up")
		}
	}
	if status, _, _ := w.Dashboard(t).Via(b).UserInfo(t, tokens.Raw.AccessToken); status == http.StatusOK {
		t.Error("an access token is believed whose session cannot be looked up")
	}
	leaves.Via(w.A).Post(rig.PathSignOut, nil).Expect(t, 200)
	if !w.Healthy(t, w.A) {
		t.Error("the other replica fell ill, too")
	}
	h.join(t)
	rig.Within(t, 10*time.Second, "the replica is ready again", func() bool { return w.Healthy(t, b) })
	if leaves.Via(b).SignedIn() || !stays.SignedIn() {
		t.Error("sessions are not as the database says")
	}
	in(t, waits.right(), "when the database is back")

	h.clogged.Store(true) // the cable is whole, and nothing comes through
	answers := make(chan *rig.Page, 1)
	go func() { answers <- stays.Twin().Get("/") }()
	rig.Within(t, 5*time.Second, "the replica is unready", func() bool { return !w.Healthy(t, b) })
	if pg := <-answers; pg.Status != http.StatusServiceUnavailable {
		t.Errorf("a look at a session: status %d", pg.Status)
	}
	h.clogged.Store(false)
	rig.Within(t, 20*time.Second, "the replica is ready again", func() bool { return w.Healthy(t, b) })
	if !stays.SignedIn() {
		t.Error("the session is lost")
	}
	sound(t, w)
}

// guard: policy, people and sessions are read when they are decided on
func TestREL020_AReplicaThatSlept(t *testing.T) {
	t.Parallel()
	w := fresh(t, "postgres", rig.Options{})
	b := w.Replica(t)
	open := w.NewTenant(t, "--mandate", "default_off")
	free, member := open.User(t), w.Covered(t).User(t)
	unneeded := w.Person(t)
	if pg := password(t, w, unneeded, free); pg.Left == nil {
		t.Fatalf("a second step before it was asked for: %s", rig.Quietly(pg.Text()))
	}
	out, fired := w.Person(t), begin(t, w, member)
	out.SignIn(t, w.Dashboard(t), w.Covered(t).User(t))
	held := out.Cookie("session")

	w.A.Sleep(t)
	inFlight := make(chan *rig.Page, 1)
	go func() { inFlight <- fired.right() }() // arrives while it sleeps
	elsewhere := w.Person(t).Via(b)
	elsewhere.SetCookie("session", held)
	elsewhere.Post(rig.PathSignOut, nil).Expect(t, 200)
	member.Set(t, "--disable")
	w.CLI(t, "tenant", "set", open.ID, "--switch", "on")
	time.Sleep(*pause)
	w.A.Signal(t, syscall.SIGCONT)

	if pg := <-inFlight; gotSession(pg) || pg.Left != nil {
		t.Error("someone who was disabled meanwhile is let in")
	}
	if out.SignedIn() {
		t.Error("a session that was signed out elsewhere is believed")
	}
	if pg := password(t, w, w.Person(t), free); pg.Input("code") == nil {
		t.Errorf("the old policy is applied: status %d %s", pg.Status, rig.Quietly(pg.Text()))
	}
	sound(t, w)
}

// guard: places are a help and no condition
func TestREL022_ThePlacesAreMissingOrBroken(t *testing.T) {
	eachRelease(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		path := filepath.Join(w.Dir, "places-of-rel22.mmdb")
		for name, content := range map[string][]byte{"missing": nil, "empty": {},
			"garbage": []byte(strings.Repeat("no places in here ", 1000))} {
			_ = os.Remove(path)
			if content != nil {
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w.Restart(t, rig.Options{Env: []string{"COUNTERSIGN_GEO_DATABASE=" + path}})
			if !strings.Contains(w.A.Log(), "geo") {
				t.Errorf("%s: no one is told", name)
			}
			in(t, begin(t, w, w.Covered(t).User(t)).right(), name)
		}
	})
}
