package faults

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// loseNotices puts a function in front of PostgreSQL's own that keeps each notice to itself. It returns the setting
// with which a program of this world finds it.
func loseNotices(t *testing.T, w *rig.World) (setting string) {
	t.Helper()
	for _, text := range []string{
		`CREATE TABLE lost_notices (topic TEXT)`,
		`CREATE FUNCTION pg_notify(channel TEXT, payload TEXT) RETURNS void LANGUAGE sql
			AS 'INSERT INTO lost_notices VALUES (payload)'`,
	} {
		if _, err := w.Rows().Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(w.DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", q.Get("search_path")+",pg_catalog") // otherwise the system's functions come first
	u.RawQuery = q.Encode()
	return "COUNTERSIGN_DATABASE_URL=" + u.String()
}

// TestREL15_EveryNoticeIsLost: two replicas and a command that queues mail, and no notice ever arrives. Mail leaves,
// also what neither replica has queued; people sign in, with the password at one and the code at the other; and what
// was changed shows everywhere.
// guard: replicas look for jobs, and what they remember grows old, without being told
func TestREL15_EveryNoticeIsLost(t *testing.T) {
	t.Parallel()
	w := fresh(t, "postgres", rig.Options{})
	setting := loseNotices(t, w)
	w.Restart(t, rig.Options{Env: []string{setting}})
	b := w.Start(t, "deaf", rig.Options{Env: []string{setting}})
	t.Cleanup(b.Stop)
	command := func(args ...string) {
		t.Helper()
		cmd := w.Program(t, args...)
		cmd.Env = append(cmd.Env, setting)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("countersign %v: %v: %s", args, err, out)
		}
	}
	company, app := w.Covered(t), w.Dashboard(t)

	guest := w.Unique("guest") + "@people.example.test"
	command("user", "create", "--tenant", company.ID, "--email", guest, "--name", "Gina Guest", "--role", "agent")
	w.Sink.Mail(t, guest, 1) // the command has ended: a replica has found the mail by looking

	for _, way := range [][2]*rig.Server{{w.A, b}, {b, w.A}} {
		u, p := company.User(t), w.Person(t).Via(way[0])
		visit := app.Visit()
		p.Visit(visit)
		p.Password(u.Email, u.Password)
		mail := w.Sink.Code(t, u.Email, 1)
		app.Via(way[1]).Finish(t, visit, p.Via(way[1]).Code(mail.Code))
	}

	for _, s := range []*rig.Server{w.A, b} { // each remembers the name
		w.Person(t).Via(s).Get(rig.PathSignIn).Expect(t, 200)
	}
	command("installation", "set", "--name", "Harbor Unheard")
	for _, s := range []*rig.Server{w.A, b} {
		rig.Within(t, 10*time.Second, "the new name is shown", func() bool {
			return strings.Contains(w.Person(t).Via(s).Get(rig.PathSignIn).Text(), "Harbor Unheard")
		})
	}
	if n := w.Number(t, `SELECT count(*) FROM lost_notices WHERE topic = 'installation'`); n != 1 {
		t.Errorf("%d notices were lost: the test proves nothing", n)
	}
}
