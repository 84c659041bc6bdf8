package acceptance

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: challenge.Spend closed_at = 0
func TestATK018_SequentialReuse(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		flow := p.Cookie("flow")
		left(t, p.Code(mail.Code))
		thief := w.Person(t)
		thief.SetCookie("flow", flow)
		if pg := thief.Code(mail.Code); gotSession(pg) || pg.Left != nil || thief.SignedIn() {
			t.Error("the same flow and code work twice")
		}
		again := w.Person(t)
		second := again.ToCode(t, w.Dashboard(t), u)
		if second.Code != mail.Code {
			again.Code(mail.Code).Expect(t, 401)
		}
		if n := sessions(t, w, u); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// guard: challenge.Spend and activeFlow.close are guarded updates
func TestATK019_ParallelReuseAcrossReplicas(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range *rounds {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			b := p.Twin()
			if w.Engine == "postgres" { // SQLite is for a single node
				b.Via(w.Replica(t))
			}
			shots := make([]rig.Shot, 100)
			for i := range shots {
				shots[i] = rig.Shot{Person: []*rig.Person{p, b}[i%2], Path: rig.PathCode, Form: form("code", mail.Code)}
			}
			pages := rig.Volley(t, shots)
			winners := slices.DeleteFunc(slices.Clone(pages), func(pg *rig.Page) bool { return !gotSession(pg) })
			if len(winners) != 1 || sessions(t, w, u) != 1 {
				t.Errorf("%d answers with a session, %d sessions; %v", len(winners), sessions(t, w, u),
					rig.Count(pages))
			}
			if n := len(signInEvents(t, w, u)); n != 1 {
				t.Errorf("%d events of a sign-in", n)
			}
		}
	})
}

// signInEvents returns the audit events that tell of a session of an account.
func signInEvents(t *testing.T, w *rig.World, u *rig.User) []string {
	t.Helper()
	return w.Texts(t, `SELECT a.action FROM audit_events a
		JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		WHERE u.email = $1 AND a.action = 'signin.completed'`, u.Email)
}

// guard: Challenge.Open compares ExpiresAt
func TestATK020_ExpiryEdgesAndAClockSetBack(t *testing.T) {
	rig.EachFresh(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		start := time.Hour
		w.SetClock(t, start)
		for _, byLink := range []bool{false, true} {
			early, late := w.Person(t), w.Person(t)
			u, v := w.Covered(t).User(t), w.Covered(t).User(t)
			first, second := early.ToCode(t, w.Dashboard(t), u), late.ToCode(t, w.Dashboard(t), v)
			w.SetClock(t, start+595*time.Second)
			left(t, answer(early, first, byLink))
			w.SetClock(t, start+601*time.Second)
			if pg := answer(late, second, byLink); pg.Left != nil {
				t.Errorf("works after 601 seconds, link %v", byLink)
			}
			w.SetClock(t, start)
			if pg := answer(late, second, byLink); pg.Left != nil {
				t.Errorf("an answer that came too late works after the clock went back, link %v", byLink)
			}
			denied(t, w, v, "expiry")
			start += 3 * time.Hour
			w.SetClock(t, start)
		}
	})
}

// answer uses the code, or the link as its page would be used.
func answer(p *rig.Person, m rig.Mail, byLink bool) *rig.Page {
	if byLink {
		return p.Post(m.Link, url.Values{})
	}
	return p.Code(m.Code)
}

// guard: challenge.Replace closes the open one
func TestATK021_OlderCodeAfterANewOne(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		first := p.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 31*time.Second)
		p.NewCode()
		second := w.Sink.Mail(t, u.Email, 2)
		before := judged(t, w, u)
		p.Code(first.Code).Expect(t, 401)
		if judged(t, w, u) != before+1 {
			t.Error("the older code was not counted")
		}
		if pg := p.Twin().Post(first.Link, url.Values{}); pg.Left != nil || gotSession(pg) {
			t.Error("the older link works")
		}
		left(t, p.Code(second.Code))
	})
}

// guard: the code's MAC is bound to tenant, flow and user
func TestATK022_SomeoneElsesCode(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		a, b := w.Person(t), w.Person(t)
		mine, theirs := a.ToCode(t, w.Dashboard(t), u), b.ToCode(t, w.Dashboard(t), v)
		a.Code(theirs.Code).Expect(t, 401)
		b.Code(mine.Code).Expect(t, 401)
		if pg := a.Post(theirs.Link, url.Values{}); gotSession(pg) {
			t.Error("someone else's link works")
		}
		left(t, a.Code(mine.Code))
		left(t, b.Code(theirs.Code))
	})
}

// guard: a step-up is a flow of its own
func TestATK023_CrossPurpose(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		signin, stepup := w.Person(t), w.Person(t)
		forSignIn := signin.ToCode(t, w.Dashboard(t), u)
		visit := w.PhoneApp(t).Visit()
		stepup.Visit(visit)
		w.PhoneApp(t).Finish(t, visit, stepup.Password(u.Email, u.Password))
		stepup.Visit(w.Dashboard(t).Visit())
		atCode(t, stepup.StepUp())
		forStepUp := otherCode(t, w, u, stepup, 2, forSignIn.Code)
		stepup.Code(forSignIn.Code).Expect(t, 401)
		signin.Code(forStepUp.Code).Expect(t, 401)
		left(t, stepup.Code(forStepUp.Code))
		left(t, signin.Code(forSignIn.Code))
	})
}

// otherCode is the n-th mail with a code, which p waits for. Once in a million times it holds
// the same code as another sign-in: then p asks for a new one.
func otherCode(t *testing.T, w *rig.World, u *rig.User, p *rig.Person, n int, not string) rig.Mail {
	t.Helper()
	for {
		m := codeMail(t, w, u, n)
		if m.Code != not {
			return m
		}
		w.Advance(t, 31*time.Second)
		atCode(t, p.NewCode())
		n++
	}
}

// codeMail waits for the n-th mail with a code: others may come in between.
func codeMail(t *testing.T, w *rig.World, u *rig.User, n int) rig.Mail {
	t.Helper()
	return w.Sink.Code(t, u.Email, n)
}

// guard: a challenge is looked up by its flow
func TestATK025_CrossFlow(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one, two := w.Person(t), w.Person(t)
		first, second := one.ToCode(t, w.Dashboard(t), u), two.ToCode(t, w.Dashboard(t), u)
		if first.Code == second.Code {
			second = otherCode(t, w, u, two, 2, first.Code)
		}
		two.Code(first.Code).Expect(t, 401)
		if pg := two.Post(first.Link, url.Values{}); gotSession(pg) {
			t.Error("the link of another flow works")
		}
		left(t, two.Code(second.Code))
	})
}

// guard: flows are found by token_hash
func TestATK026_ForeignFlowReference(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		mine, victim := w.Person(t), w.Person(t)
		mine.ToCode(t, w.Dashboard(t), u)
		theirs := victim.ToCode(t, w.Dashboard(t), v)
		done := w.Person(t)
		done.SignInRemembered(t, w.Dashboard(t), w.Covered(t).User(t))
		ids := w.Texts(t, `SELECT f.id FROM flows f JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
			WHERE u.email = $1`, v.Email)
		own := mine.Cookie("flow")
		candidates := []string{
			done.Cookie("session"), done.Cookie("browser"), "1", "", "flow", "00000000-0000-0000-0000-000000000000",
			v.Tenant.ID + "." + ids[0] + ".AAAA", ids[0], swapID(own, ids[0]), own + "x", own[:len(own)-1],
		}
		for _, c := range candidates {
			p := w.Person(t)
			p.SetCookie("flow", c)
			for _, pg := range []*rig.Page{p.Code(theirs.Code), p.Get(rig.PathCode),
				p.Post(theirs.Link, url.Values{})} {
				if gotSession(pg) || pg.Left != nil || pg.Status >= 500 {
					t.Errorf("flow cookie %.12q…: status %d", c, pg.Status)
				}
			}
		}
		denied(t, w, v, "foreign flow references")
		left(t, victim.Code(theirs.Code))
	})
}

// swapID puts another id into a reference of the form tenant.id.token.
func swapID(ref, id string) string {
	parts := splitRef(ref)
	if len(parts) != 3 {
		return ref
	}
	return parts[0] + "." + id + "." + parts[2]
}

// guard: code and link close one challenge
func TestATK036_CodeAndLinkAreOne(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for _, linkFirst := range []bool{true, false} {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			flow := p.Cookie("flow")
			left(t, answer(p, mail, linkFirst))
			p.SetCookie("flow", flow)
			if pg := answer(p, mail, !linkFirst); gotSession(pg) {
				t.Errorf("both work, link first %v", linkFirst)
			}
			if n := sessions(t, w, u); n != 1 {
				t.Errorf("%d sessions", n)
			}
		}
		for range *rounds {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			var shots []rig.Shot
			for range 10 {
				shots = append(shots, rig.Shot{Person: p, Path: rig.PathCode, Form: form("code", mail.Code)},
					rig.Shot{Person: p, Path: mail.Link, Form: url.Values{}})
			}
			rig.Volley(t, shots)
			if n := sessions(t, w, u); n != 1 {
				t.Errorf("%d sessions from code and link at once", n)
			}
		}
	})
}

// guard: Keys.DerivedCode follows from a random token, without bias. Twenty thousand codes are
// drawn in the package's own test; here the ones that people really got must not be odd.
func TestATK037_CodesAndLinksLookRandom(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		seen, digits, prefixes := map[string]int{}, map[rune]float64{}, map[string]bool{}
		total := 0.0
		for _, m := range w.Sink.All() {
			if m.Code == "" {
				continue
			}
			seen[m.Code]++
			for _, d := range m.Code {
				digits[d]++
				total++
			}
			if token := lastPart(m.Link); len(token) < 43 || prefixes[token[:8]] {
				t.Errorf("link token is short or begins like another: %d characters", len(token))
			} else {
				prefixes[token[:8]] = true
			}
		}
		chi := 0.0
		for d := '0'; d <= '9'; d++ {
			chi += math.Pow(digits[d]-total/10, 2) / (total / 10)
		}
		if total > 100 && chi > 33.7 { // p < 0.0001 with 9 degrees of freedom
			t.Errorf("digits are not uniform: chi-square %.1f over %.0f digits: %v", chi, total, digits)
		}
		if repeated := len(w.Sink.All()) - len(seen); total > 100 && repeated > len(seen) {
			t.Errorf("codes repeat: %s", fmt.Sprint(repeated))
		}
	})
}
