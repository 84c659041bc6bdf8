package acceptance

import (
	"flag"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var (
	steps = flag.Int("steps", 150, "how far the random walk goes on each database")
	seed  = flag.Uint64("seed", 0, "seed of the random walk; 0 = a new one")
)

// walker is an attacker who knows the victim's password, has an account and a mailbox of
// their own in the same company, two browsers, and no plan. Whatever they do: the victim
// must never have a session, because nobody ever opens the victim's mailbox.
type walker struct {
	t        *testing.T
	w        *rig.World
	dice     *rand.Rand
	victim   *rig.User
	mallory  *rig.User
	browsers []*rig.Person
	cookies  map[string][]string // what was ever seen, by name
	forms    []string            // sealed requests that were ever seen
	trail    []string
}

// guard: every one of them
func TestRandomWalkNeverGetsBeyondItsProofs(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		number := *seed
		if number == 0 {
			number = uint64(time.Now().UnixNano())
		}
		t.Logf("seed %d", number)
		company := w.Covered(t)
		k := &walker{
			t: t, w: w, dice: rand.New(rand.NewPCG(number, 1)), victim: company.User(t), mallory: company.User(t),
			browsers: []*rig.Person{w.Person(t), w.Person(t)}, cookies: map[string][]string{},
		}
		moves := []func(*rig.Person) string{
			k.visit, k.visit, k.password, k.password, k.whole, k.whole, k.whole, k.ownCode, k.guess, k.newCode, k.cancel, k.link, k.plant, k.plant,
			k.stepUp, k.resume, k.signOut, k.home, k.wait, k.redeem, k.newPassword, k.logout,
		}
		for range *steps {
			p := k.browsers[k.dice.IntN(len(k.browsers))]
			k.trail = append(k.trail, moves[k.dice.IntN(len(moves))](p))
			k.remember(p)
			k.check(p)
		}
		t.Logf("%d sessions of the attacker's own", sessions(t, w, k.mallory))
	})
}

// check is the oracle.
func (k *walker) check(p *rig.Person) {
	k.t.Helper()
	levels := k.w.Texts(k.t, `SELECT s.acr FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE u.email = $1`, k.victim.Email)
	if slices.Contains(levels, rig.Level1e) || len(levels) > 0 && !k.phone() {
		k.t.Fatalf("the victim has sessions %v after %v", levels, k.trail)
	}
	given := k.w.Number(k.t, `SELECT count(*) FROM authorization_codes c JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id WHERE u.email = $1 AND c.client_id <> 'phone'`, k.victim.Email)
	if given > 0 {
		k.t.Fatalf("a covered app was given a code for the victim after %v", k.trail)
	}
	if p.Page != nil && p.Page.Status >= 500 {
		k.t.Fatalf("status %d after %v: %s", p.Page.Status, k.trail, rig.Quietly(p.Page.Text()))
	}
}

// phone reports whether the walk went through the exempt app, where a password is enough.
func (k *walker) phone() bool { return slices.Contains(k.trail, "visit phone") }

// remember keeps every cookie and sealed request for later mischief.
func (k *walker) remember(p *rig.Person) {
	for _, name := range []string{"flow", "session", "browser"} {
		if v := p.Cookie(name); v != "" && !slices.Contains(k.cookies[name], v) {
			k.cookies[name] = append(k.cookies[name], v)
		}
	}
	if p.Page == nil {
		return
	}
	if f, ok := p.Page.Form(rig.PathPassword); ok && f.Values.Get("to") != "" {
		k.forms = append(k.forms, f.Values.Get("to"))
	}
}

func pick[T any](k *walker, all []T) (one T) {
	if len(all) > 0 {
		one = all[k.dice.IntN(len(all))]
	}
	return one
}

func (k *walker) app() *rig.App {
	return pick(k, []*rig.App{k.w.Dashboard(k.t), k.w.Console(k.t), k.w.Dashboard(k.t), k.w.PhoneApp(k.t)})
}

func (k *walker) visit(p *rig.Person) string {
	app := k.app()
	options := pick(k, [][]string{nil, nil, {"prompt", "none"}, {"prompt", "login"}, {"max_age", "0"}, {"acr_values", rig.Level1e}, {"acr_values", rig.Level1}, {"response_mode", "form_post"}})
	p.Visit(app.Visit(options...))
	return "visit " + app.ID
}

func (k *walker) password(p *rig.Person) string {
	u := pick(k, []*rig.User{k.victim, k.mallory})
	p.Post(rig.PathPassword, form("to", pick(k, append(k.forms, "")), "email", u.Email, "password", u.Password))
	return "password of " + u.Email
}

func (k *walker) ownCode(p *rig.Person) string {
	mails := k.w.Sink.Codes(k.mallory.Email)
	if len(mails) == 0 {
		return "no mail"
	}
	p.Post(rig.PathCode, form("code", mails[len(mails)-1].Code, "remember", pick(k, []string{"", "on"})))
	return "own code"
}

// whole goes the whole way with the attacker's own account, and ticks the box.
func (k *walker) whole(p *rig.Person) string {
	n := len(k.w.Sink.Codes(k.mallory.Email))
	p.Post(rig.PathPassword, form("to", pick(k, append(k.forms, "")), "email", k.mallory.Email, "password", k.mallory.Password))
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end) && len(k.w.Sink.Codes(k.mallory.Email)) == n; {
		time.Sleep(5 * time.Millisecond)
	}
	k.remember(p)
	return "whole " + k.ownCode(p)
}

func (k *walker) guess(p *rig.Person) string {
	p.Code(rig.Digits(k.dice.IntN(1000000), 6))
	return "guess"
}

func (k *walker) newCode(p *rig.Person) string { p.NewCode(); return "new code" }

func (k *walker) cancel(p *rig.Person) string {
	p.Post(rig.PathCancel, url.Values{})
	return "cancel"
}

func (k *walker) link(p *rig.Person) string {
	link := pick(k, k.w.Sink.Codes(k.mallory.Email)).Link
	if link == "" {
		return "no link"
	}
	p.Get(link)
	p.Post(link, form("remember", "on"))
	return "own link"
}

// plant puts a cookie seen earlier, of any kind, into any jar and under any name.
func (k *walker) plant(p *rig.Person) string {
	names := []string{"flow", "session", "browser"}
	from, to := pick(k, names), pick(k, names)
	p.SetCookie(to, pick(k, k.cookies[from]))
	return "plant " + from + " as " + to
}

func (k *walker) stepUp(p *rig.Person) string {
	p.Post(rig.PathStepUp, form("to", pick(k, append(k.forms, ""))))
	return "step up"
}

func (k *walker) resume(p *rig.Person) string {
	p.Get("/authorize/resume?to=" + url.QueryEscape(pick(k, k.forms)))
	return "resume"
}

func (k *walker) signOut(p *rig.Person) string { signOut(p); return "sign out" }

func (k *walker) home(p *rig.Person) string { p.Get("/"); return "home" }

func (k *walker) wait(*rig.Person) string {
	k.w.Advance(k.t, pick(k, []time.Duration{time.Second, 31 * time.Second, 11 * time.Minute, time.Hour}))
	return "wait"
}

// redeem uses a code that the browser brought to an app, rightly or not.
func (k *walker) redeem(p *rig.Person) string {
	if p.Page == nil || p.Page.Left == nil || p.Page.Left.Query().Get("code") == "" {
		return "nothing to redeem"
	}
	app := k.app()
	_, _ = app.Redeem(p.Page.Left.Query().Get("code"), "not-the-verifier-but-long-enough-to-be-one-of-them")
	return "redeem"
}

func (k *walker) newPassword(p *rig.Person) string {
	p.Send(p.Request(http.MethodPost, "/signin/new-password", form("password", "canary taken over by mallory")))
	return "new password"
}

func (k *walker) logout(p *rig.Person) string {
	p.Get("/logout?post_logout_redirect_uri=" + url.QueryEscape("https://evil.test/"))
	return "logout"
}
