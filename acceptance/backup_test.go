package acceptance

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// other is the engine that a world is not on.
func other(engine string) string {
	return map[string]string{"sqlite": "postgres", "postgres": "sqlite"}[engine]
}

// yesterday is what people held when the copy was made.
type yesterday struct {
	session, remembered, atTheCode *rig.Person
	people                         []*rig.User
	owner                          *rig.User
	tokens                         *rig.Tokens
	mail                           rig.Mail
	code, verifier                 string
}

func liveUntil(t *testing.T, w *rig.World) *yesterday {
	t.Helper()
	app, c := w.Dashboard(t), w.Covered(t)
	y := &yesterday{session: w.Person(t), remembered: w.Person(t), atTheCode: w.Person(t), people: c.Crowd(t, 8)}
	y.owner = c.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
	y.tokens = y.session.SignIn(t, app, y.people[0])
	y.remembered.SignInRemembered(t, app, y.people[1])
	y.mail = y.atTheCode.ToCode(t, app, y.people[2])
	visit := app.Visit()
	y.code, y.verifier = app.Callback(t, visit, y.session.Visit(visit)).Get("code"), visit.Verifier
	return y
}

// guard: what a new epoch ends, and who is told (SEC-139)
func TestREL018_RestoredFromACopy(t *testing.T) {
	rig.EachFresh(t, patient, func(t *testing.T, w *rig.World) {
		y, file := liveUntil(t, w), w.File("copy")
		load := keepSigningIn(t, w, []*rig.Server{w.A}, y.people[4:])
		load.atLeast(t, 1)
		says(t, w.CLI(t, "backup", file), "The master keys are NOT in it")
		load.atLeast(t, 1)
		if out, err := w.TryCLI("", "backup", file); err == nil || !strings.Contains(err.Error(), "exists already") {
			t.Errorf("a copy is replaced: %s", out)
		}
		load.end()
		was := y.people[3].Password
		y.people[3].NewPassword(t)
		says(t, w.CLI(t, "restore", "--check", file), "is whole")
		if _, err := w.TryCLI("", "restore", file); err == nil ||
			!strings.Contains(err.Error(), "this database is not empty") {
			t.Errorf("restored on top of data: %v", err)
		}
		w.A.Stop()
		y.people[3].Password = was
		for epoch, engine := range []string{w.Engine, other(w.Engine)} {
			y.isOver(t, w, w.Elsewhere(t, engine), file, epoch+1)
		}
	})
}

// isOver restores the copy and tries everything that was good when it was made.
func (y *yesterday) isOver(t *testing.T, old, w *rig.World, file string, epoch int) {
	t.Helper()
	said := w.CLI(t, "restore", file)
	says(t, said, fmt.Sprintf("Epoch %d: restored from a backup", epoch), "Everybody\nsigns in again",
		"countersign epoch acknowledge")
	says(t, w.Refused(t, rig.Options{}), "no one has acknowledged it")
	if n := w.BrokenReferences(t); n != 0 {
		t.Errorf("%d rows refer to nothing", n)
	}
	w.CLI(t, "audit", "verify")
	says(t, w.CLI(t, "epoch", "acknowledge"), "is acknowledged")
	s := w.Serve(t)
	app := old.Dashboard(t).Via(s)

	if y.session.Via(s).SignedIn() {
		t.Error("a session came back")
	}
	if _, err := app.Refresh(y.tokens.Raw.RefreshToken); err == nil {
		t.Error("a refresh token came back")
	}
	if _, err := app.Redeem(y.code, y.verifier); err == nil {
		t.Error("an authorization code came back")
	}
	if status, _, _ := app.UserInfo(t, y.tokens.Raw.AccessToken); status == 200 {
		t.Error("an access token came back")
	}
	if pg := y.atTheCode.Via(s).Code(y.mail.Code); gotSession(pg) {
		t.Error("a code came back")
	}
	browser := y.remembered.Twin().Via(s)
	browser.Visit(app.Visit("prompt", "login"))
	atCode(t, browser.Password(y.people[1].Email, y.people[1].Password))
	w.Sink.About(t, y.owner.Email, "Everyone must sign in again")
	if events := w.CLI(t, "audit", "list", "--tenant", y.owner.Tenant.ID, "--action",
		"installation.epoch_raised"); strings.Count(events, "\n") != 1 {
		t.Errorf("the company's record: %s", events)
	}
	w.Person(t).Via(s).SignIn(t, app, y.people[3]) // with the password of then: that is what owners are told
	if n := w.Number(t, `SELECT count(*) FROM jobs
		WHERE failed_at > 0 AND last_error = 'restored'`) + w.Number(t, `SELECT count(*) FROM sessions
			WHERE ended_because = 'restored'`); n < 2 {
		t.Errorf("%d rows were ended", n)
	}
	s.Stop()
	w.CLI(t, "audit", "verify")
}

// guard: rows come in one transaction or not at all, and what is not finished serves nothing
func TestREL018_ARestoreKilledOnItsWay(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.Covered(t).Crowd(t, 900)
		file := w.File("copy")
		w.CLI(t, "backup", file)
		to := w.Elsewhere(t, w.Engine)
		hits := 0
		for range 6 {
			if finished(to) {
				break
			}
			cmd := to.Process(t, "restore", file)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			rig.Within(t, 30*time.Second, "the restore has begun", func() bool { return midway(to.Rows()) })
			time.Sleep(rand.N(150 * time.Millisecond))
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if !finished(to) {
				hits++
				says(t, to.Refused(t, rig.Options{}), "a restore was begun in this database and is not finished")
			}
		}
		t.Logf("%d kills on the way", hits)
		if !finished(to) {
			to.CLI(t, "restore", file)
		}
		if n := to.Number(t, `SELECT count(*) FROM users
			WHERE tenant_id <> ''`); n != 900 || to.Number(t, `SELECT count(*) FROM epochs`) != 1 {
			t.Errorf("%d people", n)
		}
		to.CLI(t, "epoch", "acknowledge")
		to.CLI(t, "audit", "verify")
	})
}

// midway reports whether a restore has left anything in a database.
func midway(rows *sql.DB) bool {
	var n int
	return rows.QueryRow(`SELECT count(*) FROM epochs`).Scan(&n) == nil
}

func finished(w *rig.World) bool {
	var n int
	return w.Rows().QueryRow(`SELECT count(*) FROM epochs WHERE number > 0`).Scan(&n) == nil && n == 1
}

// guard: the mark beside the key file
func TestREL007_AFileThatWasCopiedBack(t *testing.T) {
	w := rig.New(t, "sqlite", rig.Options{})
	t.Cleanup(w.Close)
	app, u := w.Dashboard(t), w.Covered(t).User(t)
	p := w.Person(t)
	p.SignIn(t, app, u)
	w.A.Stop()
	_ = w.Rows().Close() // with it the log would stay beside the file
	copyOf := databaseFiles(t, w)
	putBack(t, copyOf)
	w.Restart(t, rig.Options{})
	w.Person(t).Via(w.A).SignIn(t, app.Via(w.A), u)
	w.A.Stop()
	_ = databaseFiles(t, w)
	putBack(t, copyOf)
	says(t, w.Refused(t, rig.Options{}), "the database is older than what this machine has seen of it",
		"countersign epoch raise")
	says(t, w.CLI(t, "epoch", "raise", "--because", "the file was copied back"), "Epoch 1: the file was copied back")
	says(t, w.Refused(t, rig.Options{}), "no one has acknowledged it")
	says(t, w.CLI(t, "epoch", "show"), "Nothing serves until")
	w.CLI(t, "epoch", "acknowledge")
	w.Restart(t, rig.Options{})
	if p.Via(w.A).SignedIn() {
		t.Error("a session came back")
	}
	w.Person(t).Via(w.A).SignIn(t, app.Via(w.A), u)
	w.CLI(t, "audit", "verify")
}

// databaseFiles takes a database and its log away and returns what they hold.
func databaseFiles(t *testing.T, w *rig.World) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		name := w.SQLiteFile() + suffix
		text, err := os.ReadFile(name)
		if err != nil && suffix == "" {
			t.Fatal(err)
		}
		if err == nil && suffix != "-shm" {
			out[name] = text
		}
		_ = os.Remove(name)
	}
	return out
}

func putBack(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that runs while the epoch is raised wants no requests until it is acknowledged.
func TestREL007_RaisedWhileServing(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		p.SignIn(t, w.Dashboard(t), w.Covered(t).User(t))
		keys := p.Get("/jwks").Body
		w.CLI(t, "epoch", "raise", "--because", "standby promoted")
		if p.SignedIn() {
			t.Error("a session outlived the epoch")
		}
		rig.Within(t, 15*time.Second, "not ready", func() bool { return !w.Healthy(t, w.A) })
		w.CLI(t, "epoch", "acknowledge")
		rig.Within(t, 15*time.Second, "ready again", func() bool { return w.Healthy(t, w.A) })
		rig.Within(t, 15*time.Second, "the new signing key", func() bool {
			now := p.Get("/jwks").Body
			return now != keys && strings.Contains(now, "kid")
		})
		w.Person(t).SignIn(t, w.Dashboard(t), w.Covered(t).User(t))
	})
}
