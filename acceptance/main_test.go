package acceptance

import (
	"flag"
	"io"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// rounds repeats the races: 1 is for every commit, 100 for a night.
var rounds = flag.Int("rounds", 1, "how often each race is run")

func TestMain(m *testing.M) { rig.Main(m) }

// each runs fn on SQLite and on PostgreSQL.
func each(t *testing.T, fn func(t *testing.T, w *rig.World)) {
	t.Helper()
	rig.Each(t, fn)
}

// timed is each with a clock that can be advanced.
func timed(t *testing.T, fn func(t *testing.T, w *rig.World)) {
	t.Helper()
	rig.EachTimed(t, fn)
}

// wrongCode is a code that is not right.
func wrongCode(right string, n int) string {
	for i := n; ; i++ {
		if c := rig.Digits(i, len(right)); c != right {
			return c
		}
	}
}

// sessions counts the sessions that a person's account ever had.
func sessions(t *testing.T, w *rig.World, u *rig.User) int64 {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE u.email = $1`, u.Email)
}

// atPassword fails unless the page asks for the password.
func atPassword(t *testing.T, pg *rig.Page) *rig.Page {
	t.Helper()
	if _, ok := pg.Form(rig.PathPassword); !ok {
		t.Fatalf("not at the password page (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
	}
	return pg
}

// atCode fails unless the page asks for the code.
func atCode(t *testing.T, pg *rig.Page) *rig.Page {
	t.Helper()
	if _, ok := pg.Form(rig.PathCode); !ok || pg.Input("code") == nil {
		t.Fatalf("not at the code page (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
	}
	return pg
}

// atNewPassword fails unless the page asks for a new password.
func atNewPassword(t *testing.T, pg *rig.Page) *rig.Page {
	t.Helper()
	if _, ok := pg.Form("/signin/new-password"); !ok {
		t.Fatalf("not asked for a new password (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
	}
	return pg
}

// left fails unless the page sends the browser back to the app.
func left(t *testing.T, pg *rig.Page) *rig.Page {
	t.Helper()
	if pg.Left == nil {
		t.Fatalf("not sent back to the app (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
	}
	return pg
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func gotSession(pg *rig.Page) bool { return pg.GaveSession() }

// judged counts the answers that were compared in all of an account's challenges, as far
// as they were wrong.
func judged(t *testing.T, w *rig.World, u *rig.User) int64 {
	t.Helper()
	return w.Number(t, `SELECT coalesce(sum(5 - c.tries_left), 0) FROM challenges c
		JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id WHERE u.email = $1`, u.Email)
}

// denied fails when someone got in.
func denied(t *testing.T, w *rig.World, u *rig.User, what string) {
	t.Helper()
	if n := sessions(t, w, u); n != 0 {
		t.Fatalf("%s: %d sessions", what, n)
	}
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

func splitRef(ref string) []string { return strings.Split(ref, ".") }

// lastPart is the secret part of a link or reference.
func lastPart(link string) string {
	parts := splitRef(link[strings.LastIndex(link, "/")+1:])
	return parts[len(parts)-1]
}
