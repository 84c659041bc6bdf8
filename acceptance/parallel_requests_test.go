package acceptance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: a code is redeemed by one guarded update
func TestATK136_ParallelRedemption(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range *rounds {
			app := w.NewApp(t, w.Unique("racer"), "public")
			p := w.Person(t)
			p.SignIn(t, app, w.Covered(t).User(t))
			visit, code := granted(t, app, p)
			stranger := w.Person(t)
			shots := make([]rig.Shot, 20)
			for i := range shots {
				shots[i] = rig.Shot{Person: stranger, Path: "/token",
					Form: with(redeem(app, code, visit.Verifier), "client_id", app.ID)}
			}
			pages := rig.Volley(t, shots)
			if n := rig.Count(pages); n[200] != 1 || n[200]+n[400] != 20 {
				t.Errorf("20 redemptions: %v", n)
			}
		}
	})
}

// guard: a code is worth no more than the session behind it
func TestATK136_CodeOfAnEndedSession(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		app := w.Dashboard(t)
		for name, end := range map[string]func(*rig.Person, *rig.User){
			"signed out":       func(p *rig.Person, _ *rig.User) { signOut(p) },
			"password changed": func(_ *rig.Person, u *rig.User) { u.NewPassword(t) },
			"disabled":         func(_ *rig.Person, u *rig.User) { u.Set(t, "--disable") },
		} {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			tokens := p.SignIn(t, app, u)
			visit, code := granted(t, app, p)
			end(p, u)
			if _, err := app.Redeem(code, visit.Verifier); err == nil {
				t.Errorf("%s: the code is still worth tokens", name)
			}
			if _, err := app.Refresh(tokens.Raw.RefreshToken); err == nil {
				t.Errorf("%s: the refresh token lives", name)
			}
			if status, _, _ := app.UserInfo(t, tokens.Raw.AccessToken); status != 401 {
				t.Errorf("%s: userinfo answers %d", name, status)
			}
			if p.SignedIn() {
				t.Errorf("%s: the session lives", name)
			}
		}
	})
}

// guard: a step-up ends with the session that it builds on
func TestATK080_SigningOutEndsAPendingStepUp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		visit := w.PhoneApp(t).Visit()
		p.Visit(visit)
		left(t, p.Password(u.Email, u.Password))
		thief := w.Person(t) // someone copied the cookies
		thief.SetCookie("session", p.Cookie("session"))
		thief.Visit(w.Dashboard(t).Visit())
		atCode(t, thief.StepUp())
		mail := w.Sink.Code(t, u.Email, 1)
		signOut(p)
		if pg := thief.Code(mail.Code); pg.Left != nil || gotSession(pg) {
			t.Error("a step-up is finished although its session was signed out")
		}
		if n := w.Number(t, `SELECT count(*) FROM sessions s
			JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
				WHERE u.email = $1 AND s.ended_at = 0`, u.Email); n != 0 {
			t.Errorf("%d sessions live after signing out", n)
		}
	})
}

// guard: the account's and the destination's send budgets are guarded rows
func TestATK116_ParallelSends(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		shots := make([]rig.Shot, 20)
		for i := range shots {
			shots[i] = rig.Shot{Person: w.Person(t), Path: rig.PathPassword,
				Form: form("email", u.Email, "password", u.Password)}
		}
		pages := rig.Volley(t, shots)
		for status := range rig.Count(pages) {
			if status >= 500 && status != 503 {
				t.Errorf("status %d", status)
			}
		}
		w.Drained(t)
		right := w.Number(t, `SELECT count(*) FROM audit_events a
			JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
				WHERE u.email = $1 AND a.action = 'signin.password'`, u.Email)
		if right == 0 {
			t.Fatalf("no password was compared: %v", rig.Count(pages))
		}
		if n := len(w.Sink.Mails(u.Email)); int64(n) != min(right, 10) {
			t.Errorf("%d mails from %d right passwords at once: %v", n, right, rig.Count(pages))
		}
	})
}

// guard: flows.sends is raised by a guarded update
func TestATK116_ParallelNewCodes(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 31*time.Second)
		shots := make([]rig.Shot, 20)
		for i := range shots {
			shots[i] = rig.Shot{Person: p, Path: rig.PathNewCode, Form: url.Values{}}
		}
		pages := rig.Volley(t, shots)
		if slices.ContainsFunc(pages, func(pg *rig.Page) bool { return pg.Status >= 500 }) {
			t.Errorf("statuses %v", rig.Count(pages))
		}
		second := w.Sink.Code(t, u.Email, 2)
		w.Drained(t)
		if n := len(w.Sink.Codes(u.Email)); n != 2 {
			t.Errorf("%d mails from 20 presses at once", n-1)
		}
		left(t, p.Code(second.Code))
	})
}

// guard: session.Rotate is a guarded update; a tab that was slower is not a thief
func TestATK077_TwoTabsAreNotACopy(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := remembered(t, w, u)
		first := p.Visit(w.Dashboard(t).Visit())
		f, _ := first.Form(rig.PathPassword)
		body := with(with(f.Values, "email", u.Email), "password", u.Password)
		pages := rig.Volley(t,
			[]rig.Shot{{Person: p, Path: rig.PathPassword, Form: body},
				{Person: p, Path: rig.PathPassword, Form: body}})
		kept := ""
		if n := len(slices.DeleteFunc(slices.Clone(pages),
			func(pg *rig.Page) bool { return !gotSession(pg) && pg.Status != 409 })); n != 2 {
			t.Errorf("%d of two tabs went on or were told to try again: %v", n, rig.Count(pages))
		}
		for _, pg := range pages {
			for _, c := range pg.Header.Values("Set-Cookie") {
				if rest, ok := strings.CutPrefix(c, "__Host-browser="); ok && !strings.HasPrefix(rest, ";") {
					kept = rest[:strings.IndexByte(rest, ';')]
				}
			}
		}
		if kept == "" {
			t.Fatal("no tab was given the next token")
		}
		p.SetCookie("browser", kept)
		if asked(t, p, w.Dashboard(t), u) {
			t.Error("after two tabs at once the browser is not remembered any more")
		}
	})
}

// guard: the new password replaces the reported one, and only after every proof
func TestALO10_ANewPasswordAfterTheReport(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
		w.Person(t).Post(mail.NotMe, url.Values{})
		p := w.Person(t)
		second := p.ToCode(t, w.Dashboard(t), u)
		const path = "/signin/new-password"
		if pg := p.Post(path, form("password", "canary too early to be taken")); pg.Left != nil || gotSession(pg) {
			t.Fatal("a new password before the second step")
		}
		p.Get(rig.PathCode)
		atNewPassword(t, p.Code(second.Code))
		for _, bad := range []string{"short", u.Password, strings.Repeat("a", 300), "passwordpassword", u.Email} {
			if pg := p.Post(path, form("password", bad)); pg.Left != nil {
				t.Fatalf("taken as a new password: %.40q", bad)
			}
			atNewPassword(t, p.Page)
		}
		left(t, p.Post(path, form("password", "canary quite another phrase")))
		old := w.Person(t)
		old.Visit(w.Dashboard(t).Visit())
		old.Password(u.Email, u.Password).Expect(t, 401)
		u.Password = "canary quite another phrase"
		w.Person(t).SignIn(t, w.Dashboard(t), u)
	})
}
