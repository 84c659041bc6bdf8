package acceptance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/secret"
)

var masterLine = regexp.MustCompile(`Master key (\S+) is in`)

// addMaster adds a master key that seals in a minute, and returns the old one and the new.
func addMaster(t *testing.T, w *rig.World) (old, next string) {
	t.Helper()
	old = sealing(t, w)
	found := masterLine.FindStringSubmatch(w.CLI(t, "keys", "rotate", "--master", "--lead", "1m"))
	if found == nil {
		t.Fatal("no key is named")
	}
	return old, found[1]
}

var sealsLine = regexp.MustCompile(`(?m)^(\S+) +master, seals`)

// sealing is the master key that seals now.
func sealing(t *testing.T, w *rig.World) string {
	t.Helper()
	found := sealsLine.FindStringSubmatch(w.CLI(t, "keys", "list"))
	if found == nil {
		t.Fatal("no key seals")
	}
	return found[1]
}

// patient lets few people sign in often.
var patient = rig.Options{Flavour: rig.Rigged, Config: "[limits]\nsends_per_hour = 60\nsends_per_day = 200\n"}

// replicas are the programs of a patient world: two on PostgreSQL, one on SQLite.
func replicas(t *testing.T, w *rig.World) []*rig.Server {
	t.Helper()
	if w.Engine == "sqlite" {
		return []*rig.Server{w.A}
	}
	b := w.Start(t, "b", patient)
	t.Cleanup(b.Stop)
	return []*rig.Server{w.A, b}
}

// traffic signs people in, again and again, the code at another program than the password,
// until it is stopped. Each sign-in must succeed.
type traffic struct {
	wg    sync.WaitGroup
	stop  atomic.Bool
	count atomic.Int64
}

func keepSigningIn(t *testing.T, w *rig.World, all []*rig.Server, users []*rig.User) *traffic {
	t.Helper()
	l, app := &traffic{}, w.Dashboard(t)
	for lane := range 2 {
		l.wg.Go(func() {
			for n := lane; !l.stop.Load(); n += 2 {
				u := users[n%len(users)]
				here, there := all[n/2%len(all)], all[(n/2+1)%len(all)]
				p := w.Person(t).Via(here)
				sent := len(w.Sink.Codes(u.Email))
				visit := app.Via(here).Visit()
				p.Visit(visit)
				p.Password(u.Email, u.Password)
				mail := w.Sink.Code(t, u.Email, sent+1)
				app.Via(there).Finish(t, visit, p.Via(there).Code(mail.Code))
				l.count.Add(1)
			}
		})
	}
	return l
}

// atLeast waits for n more sign-ins.
func (l *traffic) atLeast(t *testing.T, n int64) {
	t.Helper()
	from := l.count.Load()
	rig.Within(t, time.Minute, fmt.Sprintf("%d sign-ins", n),
		func() bool { return l.count.Load() >= from+n || t.Failed() })
	if t.Failed() {
		t.FailNow()
	}
}

func (l *traffic) end() int64 {
	l.stop.Store(true)
	l.wg.Wait()
	return l.count.Load()
}

// guard: a key opens before it seals, everywhere, and what the old one made stays good
func TestREL016_MasterKeyChangesUnderLoad(t *testing.T) {
	rig.EachFresh(t, patient, func(t *testing.T, w *rig.World) {
		crowd, app, all := w.Covered(t).Crowd(t, 14), w.Dashboard(t), replicas(t, w)
		last := all[len(all)-1]
		waits, presses, stays, remembered := w.Person(t), w.Person(t), w.Person(t), w.Person(t)
		code, link := waits.ToCode(t, app, crowd[0]), presses.ToCode(t, app, crowd[1])
		family := stays.SignIn(t, app, crowd[2])
		remembered.SignInRemembered(t, app, crowd[3])
		fillSealed(t, w, 3000)

		load := keepSigningIn(t, w, all, crowd[4:])
		load.atLeast(t, 2)
		old, next := addMaster(t, w)
		load.atLeast(t, 4)
		if n := w.Number(t, `SELECT count(*) FROM passwords WHERE pepper = $1`, next); n != 0 {
			t.Errorf("%d passwords use the new key before its time", n)
		}
		for range 7 { // an authorization code lives a minute, and some are on their way
			w.Advance(t, 9*time.Second)
			load.atLeast(t, 2)
		}
		rig.Within(t, 20*time.Second, "the new key is used", func() bool {
			return w.Number(t, `SELECT count(*) FROM passwords WHERE pepper = $1`, next) > 0 || t.Failed()
		})
		load.atLeast(t, 8)
		left(t, waits.Via(last).Code(code.Code))
		presses.Via(last).OpenLink(link.Link)
		left(t, presses.PressLink(link.Link))
		if _, err := app.Via(last).Refresh(family.Raw.RefreshToken); err != nil {
			t.Errorf("a refresh token from before: %v", err)
		}
		if !stays.Via(last).SignedIn() {
			t.Error("a session from before is over")
		}
		remembered.Via(last).Visit(app.Visit("prompt", "login"))
		left(t, remembered.Password(crowd[3].Email, crowd[3].Password)) // no code is asked for
		w.CLI(t, "keys", "rotate")
		resealKilled(t, w, old)
		t.Logf("%d sign-ins went on meanwhile", load.end())

		if out, err := w.TryCLI("", "keys", "drop", old); err == nil ||
			!strings.Contains(err.Error(), "must seal for") {
			t.Errorf("dropped at once: %s %v", out, err)
		}
		w.Advance(t, 2*time.Hour)
		if out, err := w.TryCLI("", "keys", "drop", old, "--force"); err == nil ||
			!strings.Contains(err.Error(), "passwords") {
			t.Errorf("dropped while passwords need it: %s %v", out, err)
		}
		for _, u := range crowd {
			w.Person(t).SignIn(t, app, u)
		}
		w.CLI(t, "keys", "drop", old, "--force")
		for _, s := range all {
			w.Person(t).Via(s).SignIn(t, app.Via(s), crowd[0])
			stranger := w.Person(t).Via(s)
			stranger.Visit(app.Visit())
			atPassword(t, stranger.Password("nobody@people.example.test", "canary no one battery staple"))
		}
		w.CLI(t, "audit", "verify")
	})
}

// fillSealed leaves sealed rows that no one is about to send.
func fillSealed(t *testing.T, w *rig.World, n int) {
	t.Helper()
	keys, err := secret.ReadKeys(w.File("countersign.key"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < n; from += 100 {
		var rows []string
		var args []any
		for i := range 100 {
			id := fmt.Sprintf("waiting%06d", from+i)
			args = append(args, keys.Seal([]byte("{}"), "messages", "sealed", "covered", id))
			rows = append(rows,
				fmt.Sprintf("('covered','%s','','email','','',$%d,'queued','',0,0,0,0,9999999999999999)", id,
					len(args)))
		}
		w.Tamper(t, `INSERT INTO messages (tenant_id, id, user_id, channel, purpose, hint, sealed, state, host,
			attempts, queued_at, state_at, next_try_at, expires_at) VALUES `+strings.Join(rows, ","), args...)
	}
}

// resealKilled seals everything anew, killed at random points until it gets to its end.
func resealKilled(t *testing.T, w *rig.World, old string) {
	t.Helper()
	count := func() int64 {
		return w.Number(t, `SELECT count(*) FROM messages WHERE substr(sealed, 1, 8) = $1`, []byte(old))
	}
	rest := []int64{count()}
	for len(rest) < 6 && rest[len(rest)-1] > 0 {
		last := rest[len(rest)-1]
		cmd := w.Process(t, "keys", "reseal")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		rig.Within(t, 30*time.Second, "some rows are sealed anew", func() bool { return count() < last })
		time.Sleep(rand.N(20 * time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		rest = append(rest, count())
	}
	t.Logf("rows that were left after each kill: %v", rest)
	w.CLI(t, "keys", "reseal")
	if n := count(); n != 0 {
		t.Errorf("%d rows are not sealed anew", n)
	}
}

// guard: a program without the key is not ready and denies
func TestREL016_AReplicaWithoutTheKeyDenies(t *testing.T) {
	w := rig.New(t, "postgres", rig.Options{Flavour: rig.Rigged})
	t.Cleanup(w.Close)
	app, u := w.Dashboard(t), w.Covered(t).User(t)
	behind := filepath.Join(w.Dir, "behind.key")
	copyKeys := func() {
		text, err := os.ReadFile(w.File("countersign.key"))
		if err != nil || os.WriteFile(behind, text, 0o600) != nil {
			t.Fatal(err)
		}
	}
	copyKeys()
	b := w.Start(t, "behind", rig.Options{Env: []string{"COUNTERSIGN_KEY_FILE=" + behind}})
	t.Cleanup(b.Stop)
	addMaster(t, w)
	if !w.Healthy(t, b) {
		t.Error("not ready although no one seals with the new key yet")
	}
	w.Advance(t, 61*time.Second)
	rig.Within(t, 15*time.Second, "the replica without the key is not ready", func() bool { return !w.Healthy(t, b) })
	if !w.Healthy(t, w.A) {
		t.Error("the replica with the key is not ready")
	}
	p := w.Person(t)
	mail := p.ToCode(t, app, u)
	if pg := p.Via(b).Code(mail.Code); gotSession(pg) || pg.Left != nil {
		t.Fatal("it lets in what it cannot check")
	}
	copyKeys()
	b.Signal(t, syscall.SIGHUP)
	b.Printed(t, `(looked at the key file)`)
	rig.Within(t, 15*time.Second, "ready with the key", func() bool { return w.Healthy(t, b) })
	left(t, p.Code(mail.Code))
}

// guard: a broken key file does not stop a running program
func TestREL024_AKeyFileThatBreaksWhileServing(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		app, u := w.Dashboard(t), w.Covered(t).User(t)
		if err := os.WriteFile(w.File("countersign.key"), []byte("rubbish\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.A.Printed(t, `(the keys in memory go on)`)
		w.Person(t).SignIn(t, app, u)
		if !w.Healthy(t, w.A) {
			t.Error("not ready although it has its keys")
		}
	})
}
