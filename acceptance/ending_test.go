package acceptance

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestALO11_ASessionEndsWhileTheAuditCannotBeWritten: a person who signs out, an app that ends
// a session, an owner who reports a sign-in and an operator who keeps a person out are obeyed at
// once. What happened is recorded later: each once, and in order. guard: audit.OrLater
func TestALO11_ASessionEndsWhileTheAuditCannotBeWritten(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		c := w.Covered(t)
		signedIn := func() (*rig.User, *rig.Person, *rig.Tokens) {
			u := c.User(t)
			p := w.Person(t)
			return u, p, p.SignIn(t, app, u)
		}
		leaver, leaving, left := signedIn()
		logger, loggingOut, _ := signedIn()
		keeper, keeping, _ := signedIn()
		other := w.Person(t)
		other.SignIn(t, app, keeper)
		forgetful := c.User(t)
		forgetting := w.Person(t)
		forgetting.SignInRemembered(t, app, forgetful)
		barred, barring, _ := signedIn()
		reporter := c.User(t)
		mail := w.Person(t).ToCode(t, app, reporter)
		reused, _, tokens := signedIn()
		newer, err := app.Refresh(tokens.Raw.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		newest, err := app.Refresh(newer.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}

		writable := unwritable(t, w, "audit_events")
		leaving.Post(rig.PathSignOut, url.Values{}).Expect(t, 200, "signed out")
		if leaving.SignedIn() {
			t.Error("the session lives after signing out")
		}
		if _, err := app.Refresh(left.Raw.RefreshToken); err == nil {
			t.Error("the refresh token lives after signing out")
		}
		out := loggingOut.Get("/logout?client_id=" + app.ID)
		f, ok := out.Form("/logout/confirm")
		if !ok {
			t.Fatalf("no question: %s", rig.Quietly(out.Text()))
		}
		loggingOut.Post("/logout/confirm", f.Values).Expect(t, 200)
		if loggingOut.SignedIn() {
			t.Error("the session lives after an app's sign-out")
		}
		keeping.Post("/profile/sessions", url.Values{}).Expect(t, 200, "Signed out there")
		if other.SignedIn() || !keeping.SignedIn() {
			t.Error("not the other session ended")
		}
		forgetting.Post("/profile/browsers", url.Values{}).Expect(t, 200)
		if _, err := w.TryCLI("", "user", "set", barred.Email, "--disable", "--yes"); err != nil {
			t.Error(err)
		}
		if barring.SignedIn() {
			t.Error("a person who is kept out has a session")
		}
		w.Person(t).Post(mail.NotMe, url.Values{}).Expect(t, 200)
		if n := w.Number(t, `SELECT count(*) FROM flows f
			JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
				WHERE u.email = $1 AND f.disowned_at > 0`, reporter.Email); n != 1 {
			t.Error("the report changed nothing")
		}
		if _, err := app.Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("an old refresh token works")
		}
		if _, err := app.Refresh(newest.RefreshToken); err == nil {
			t.Error("a refresh token whose older one came back works")
		}
		nobodySignsIn(t, w, c)

		writable()
		rig.Within(t, wait, "what happened is on record", func() bool {
			return w.Number(t, `SELECT count(*)
			FROM pending_audit_events`) == 0
		})
		for u, action := range map[*rig.User]string{
			leaver: "session.ended", logger: "session.ended", keeper: "session.ended", forgetful: "browser.forgotten",
			barred: "user.disabled", reporter: "signin.disowned", reused: "token.reuse",
		} {
			if n := w.Number(t, `SELECT count(*) FROM audit_events a
				JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
					WHERE u.email = $1 AND a.action = $2`, u.Email, action); n != 1 {
				t.Errorf("%s is on record %d times", action, n)
			}
		}
		order := w.Texts(t, `SELECT action FROM audit_events
			WHERE tenant_id = $1 AND action IN ('session.ended', 'browser.forgotten', 'user.disabled',
				'signin.disowned') ORDER BY seq`, c.ID)
		want := []string{"session.ended", "session.ended", "session.ended", "browser.forgotten", "user.disabled",
			"signin.disowned"}
		if !slices.Equal(order, want) {
			t.Errorf("recorded in the order %v, not %v", order, want)
		}
		if said, err := w.TryCLI("", "audit", "verify", "--tenant", c.ID); err != nil ||
			strings.Contains(said, "pending") {
			t.Errorf("%v: %s", err, said)
		}
	})
}

// nobodySignsIn: what is let in must be on record.
func nobodySignsIn(t *testing.T, w *rig.World, c *rig.Tenant) {
	t.Helper()
	u := c.User(t)
	p := w.Person(t)
	p.Visit(w.Dashboard(t).Visit())
	if pg := p.Password(u.Email, u.Password); pg.Status < 500 || p.SignedIn() {
		t.Errorf("a sign-in goes on without an audit: status %d", pg.Status)
	}
}

// unwritable makes the database refuse every new row of a table until writable is called.
func unwritable(t *testing.T, w *rig.World, table string) (writable func()) {
	t.Helper()
	if w.Engine == "postgres" {
		w.Tamper(t,
			`CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no space is left''; END'`)
		w.Tamper(t, `CREATE TRIGGER refuse_rows BEFORE INSERT ON `+table+` FOR EACH ROW EXECUTE FUNCTION no_space()`)
		return func() { w.Tamper(t, `DROP TRIGGER refuse_rows ON `+table) }
	}
	w.Tamper(t, `CREATE TRIGGER refuse_rows BEFORE INSERT ON `+table+
		` BEGIN SELECT RAISE(ABORT, 'no space is left'); END`)
	return func() { w.Tamper(t, `DROP TRIGGER refuse_rows`) }
}
