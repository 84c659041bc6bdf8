package acceptance

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// sixteen are the same request sixteen times, by turns over two programs.
func (h *hoard) sixteen(t *testing.T, p *rig.Person, answer url.Values) []rig.Shot {
	t.Helper()
	there := p.Twin().Via(h.w.Other(t))
	shots := make([]rig.Shot, 16)
	for i := range shots {
		shots[i] = rig.Shot{Person: []*rig.Person{p, there}[i%2], Path: rig.PathCode, Form: answer}
	}
	return shots
}

// oneOf fails unless exactly one of the pages and one new session came of a race.
func (h *hoard) oneOf(t *testing.T, pages []*rig.Page, before int64) {
	t.Helper()
	won := slices.DeleteFunc(slices.Clone(pages), func(pg *rig.Page) bool { return !gotSession(pg) })
	if n := sessions(t, h.w.World, h.User) - before; len(won) != 1 || n != 1 {
		t.Errorf("%d answers with a session, %d sessions; %v", len(won), n, rig.Count(pages))
	}
	if slices.ContainsFunc(pages, func(pg *rig.Page) bool { return pg.Status >= 500 && pg.Status != 503 }) {
		t.Errorf("statuses %v", rig.Count(pages))
	}
}

// guard: activeFlow.close is a guarded update, for every kind of second step
func TestATK019_EveryMethodSixteenTimesAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		for range *rounds {
			p := h.begin(t, kind)
			answer, before := h.means[kind].right(t, p), sessions(t, h.w.World, h.User)
			h.oneOf(t, rig.Volley(t, h.sixteen(t, p, answer)), before)
			h.rest(t)
		}
	})
}

// guard: the register of steps, and the code's row, are guarded updates over all flows
func TestATK019_TestATK033_OneCodeInEightSignInsAtOnce(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		for _, kind := range []string{"totp", "backup"} {
			h := has(t, w, w.Covered(t), kind)
			var shots []rig.Shot
			for i := range 8 {
				p := h.begin(t, kind)
				if i%2 == 1 {
					p.Via(w.Other(t))
				}
				shots = append(shots, rig.Shot{Person: p, Path: rig.PathCode})
			}
			answer, before := h.means[kind].right(t, shots[0].Person), sessions(t, w.World, h.User)
			for i := range shots {
				shots[i].Form = answer
			}
			h.oneOf(t, rig.Volley(t, shots), before)
			if kind != "backup" {
				continue
			}
			if n := w.Number(t, `SELECT count(*) FROM backup_codes c
				JOIN authenticators a ON a.tenant_id = c.tenant_id AND a.id = c.authenticator_id
				JOIN directory d ON d.tenant_id = a.tenant_id AND d.user_id = a.user_id
					WHERE d.email_key = $1 AND c.used_at = 0`, h.Email); n != 9 {
				t.Errorf("%d codes are left of 10", n)
			}
			h.rest(t)
			next := h.begin(t, kind)
			wins(t, next, h.means[kind].right(t, next))
		}
	})
}

// guard: as above; an ended flow answers nothing
func TestATK018_EveryMethodOnceAndNeverAgain(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		flow, answer := p.Cookie("flow"), h.means[kind].right(t, p)
		wins(t, p, answer)
		h.noSession(t, "again", func() {
			thief := h.w.Person(t).Via(h.w.Other(t))
			thief.SetCookie("flow", flow)
			loses(t, thief, answer, "the same sign-in again")
			loses(t, h.begin(t, kind), answer, "another sign-in")
		})
	})
}

// guard: a try is reserved before any comparison, fast or slow
func TestATK002_GuessingEveryMethodAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		right := h.means[kind].right(t, p)
		shots := append(h.sixteen(t, p, h.means[kind].wrong), h.sixteen(t, p, h.means[kind].wrong)...)
		h.noSession(t, "guessing", func() {
			rig.Volley(t, shots)
			if n := h.wrongs(t); n != 5 {
				t.Errorf("%d answers were compared, not 5", n)
			}
			loses(t, p, right, "the right answer after the guesses")
		})
	})
}

// guard: one budget for the account, whatever is asked for
func TestATK004_TestATK005_SwitchingGrowsNoBudget(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), kinds...)
		inOne := int64(0)
		h.noSession(t, "switching", func() {
			for flow := range 4 {
				p := h.begin(t, kinds[flow])
				for range 3 {
					for _, kind := range kinds {
						p.Post("/signin/other", form("kind", kind))
						p.Post(rig.PathCode, h.means[kind].wrong)
						p.Post(rig.PathCode, h.means[kind].wrong)
						w.Advance(t, 10*time.Second)
					}
				}
				if inOne = max(inOne, h.wrongs(t)); flow == 0 && inOne > 10 {
					t.Errorf("%d wrong answers within three minutes", inOne)
				}
				h.rest(t)
			}
			for range 12 {
				p := h.begin(t, "totp")
				for range 5 {
					p.Post(rig.PathCode, h.means["totp"].wrong)
					w.Advance(t, 3*time.Minute)
				}
				h.rest(t)
			}
		})
		if n := h.wrongs(t); n != 30 {
			t.Errorf("%d wrong answers within a day, over five methods", n)
		}
		last := h.begin(t, "backup")
		loses(t, last, h.means["backup"].right(t, last), "a right answer when the day's budget is spent")
	})
}

// guard: signin.limitMethodChoices, and what is asked for already is not asked for again
func TestATK170_TurningBackAndForthWritesLittle(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp", "passkey")
		p := h.begin(t, "totp")
		challenges := func() int64 {
			return w.Number(t, `SELECT count(*) FROM challenges c JOIN directory d ON d.tenant_id = c.tenant_id
				AND d.user_id = c.user_id WHERE d.email_key = $1`, h.Email)
		}
		before := challenges()
		for range 20 {
			p.Post("/signin/other", form("kind", "totp")).Expect(t, 200)
		}
		if n := challenges() - before; n != 0 {
			t.Errorf("%d challenges for what was asked for already", n)
		}
		for i := range 100 {
			p.Post("/signin/other", form("kind", []string{"passkey", "totp"}[i%2]))
		}
		if n := challenges() - before; n != 40 {
			t.Errorf("%d challenges in one sign-in", n)
		}
		if pg := p.Post("/signin/other", form("kind", "passkey")); pg.Status != 429 ||
			pg.Header.Get("Retry-After") == "" {
			t.Errorf("status %d", pg.Status)
		}
		p.Get(rig.PathCode)
		wins(t, p, h.means["totp"].right(t, p)) // what is asked for can still be answered
	})
}

// guard: each verifier looks among the methods of the flow's own account, and binds what it
// sends to the flow
func TestATK022_TestATK025_AnotherPersonsAndAnotherFlowsAnswer(t *testing.T) {
	eachKind(t, func(t *testing.T, mine *hoard, kind string) {
		theirs := has(t, mine.w, mine.w.Covered(t), kind)
		a, b, second := mine.begin(t, kind), theirs.begin(t, kind), mine.begin(t, kind)
		forA, forB, forSecond := mine.means[kind].right(t, a), theirs.means[kind].right(t, b),
			mine.means[kind].right(t, second)
		mine.noSession(t, "someone else's answer", func() {
			loses(t, a, forB, "someone else's answer")
			if kind != "sms" && kind != "push" { // nothing is sent to them for this page
				loses(t, a, theirs.means[kind].right(t, a), "someone else's answer to this page")
			}
		})
		if kind != "totp" && kind != "backup" { // those are good in any sign-in of their owner, once
			mine.noSession(t, "another flow's answer", func() { loses(t, second, forA, "another flow's answer") })
		}
		wins(t, b, forB)
		wins(t, second, forSecond)
	})
}

// guard: purposes are bound into codes, and a draft is no method
func TestATK023_TestATK094_WhatSetsUpDoesNotSignInAndBack(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		next := &hoard{User: h.User, w: h.w, owner: h.owner, means: map[string]*means{}}
		p := h.begin(t, kind)
		pending := next.pending(t, kind)
		h.noSession(t, "what is being set up", func() { loses(t, p, pending.answer, "what is being set up signs in") })
		forSignIn := h.means[kind].right(t, p)
		if pg := h.owner.Submit(inProfile+"/"+kind+"/confirm", "code", forSignIn.Get("code"), "assertion",
			forSignIn.Get("assertion")); pg.Status != 422 {
			t.Errorf("what signs in binds: status %d", pg.Status)
		}
		if n := len(h.bound(t, kind)); n != 1 {
			t.Errorf("%d of the kind are bound", n)
		}
	})
}

// pending is a set-up that has begun and has not been confirmed.
type pending struct{ answer url.Values }

func (h *hoard) pending(t *testing.T, kind string) pending {
	t.Helper()
	p := h.owner
	switch kind {
	case "totp":
		g := scan(t, h.w.World, p.Post(inProfile+"/totp", url.Values{}))
		return pending{rig.Typed(g.code(t))}
	case "sms":
		typed, to := number(h.w.World)
		p.Post(inProfile+"/sms", form("country", "DE", "number", typed)).Expect(t, 200)
		return pending{rig.Typed(h.text(t, to, p.Page))}
	case "push":
		b := h.w.Push.Subscribe()
		b.Key = keyOn(p.Get(inProfile + "/push"))
		p.Submit(inProfile+"/push", "subscription", b.JSON()).Expect(t, 200)
		return pending{rig.Typed(arrived(t, b.Wait(t, 1)).Code)}
	case "passkey":
		options := p.Post(inProfile+"/passkey", url.Values{}).PasskeyOptions("create")
		return pending{rig.Signed(rig.NewKey().Create(options))}
	}
	return pending{rig.Typed(p.Post(inProfile+"/backup", url.Values{}).Printed()[2])}
}

// guard: what a flow is bound to keeps a step-up's answer out of a sign-in, and back
func TestATK023_AStepUpsAnswerIsNotASignIns(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "sms", "push", "passkey")
		for _, kind := range []string{"sms", "push", "passkey"} {
			up := w.Person(t)
			up.SetCookie("method", kind)
			up.Visit(w.PhoneApp(t).Visit())
			left(t, up.Password(h.Email, h.Password))
			up.Visit(w.Dashboard(t).Visit())
			up.StepUp()
			forStepUp := h.means[kind].right(t, up)
			p := h.begin(t, kind)
			forSignIn := h.means[kind].right(t, p)
			h.noSession(t, kind, func() {
				loses(t, p, forStepUp, kind+" of a step-up at a sign-in")
				loses(t, up, forSignIn, kind+" of a sign-in at a step-up")
			})
			wins(t, up, forStepUp)
			wins(t, p, forSignIn)
			h.rest(t)
		}
	})
}

// guard: policy counts the proofs that the company still allows, and no others
func TestATK051_AMethodIsRuledOutInTheMiddle(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		for _, kind := range []string{"totp", "sms", "push", "passkey"} {
			company := w.NewTenant(t, "--mandate", "mandatory")
			h := has(t, w, company, kind)
			before, during, visit := w.Person(t), h.begin(t, kind), w.Dashboard(t).Visit()
			h.beginIn(t, before, kind)
			wins(t, before, h.means[kind].right(t, before))
			answer := h.means[kind].right(t, during)
			w.CLI(t, "tenant", "set", company.ID, "--methods", "email")
			h.noSession(t, kind, func() {
				during.Post(rig.PathCode, answer)
				if during.Page.Left != nil || during.SignedIn() {
					t.Errorf("%s signs in although the company has ruled it out", kind)
				}
			})
			if pg := before.Visit(visit); pg.Left != nil {
				t.Errorf("a session by %s is enough although the company has ruled it out", kind)
			}
			if kind == "passkey" {
				alone := w.Person(t)
				if pg := h.alone(t, alone); pg.Left != nil || alone.SignedIn() {
					t.Error("a passkey alone signs in although the company has ruled it out")
				}
			}
		}
	})
}

// alone signs in with the account's passkey and no password.
func (h *hoard) alone(t *testing.T, p *rig.Person) *rig.Page {
	t.Helper()
	pg := p.Visit(h.w.Dashboard(t).Visit())
	f, ok := pg.Form("/signin/passkey")
	if !ok {
		t.Fatal("no passkey is asked for")
	}
	f.Values.Set("assertion", h.signs(pg.PasskeyOptions("conditional")))
	return p.Post("/signin/passkey", f.Values)
}

// guard: activeFlow.endReason compares the security version
func TestATK053_EveryPendingMethodAfterAPasswordChange(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		answer := h.means[kind].right(t, p)
		h.owner.Get("/profile/password")
		h.owner.Submit("/profile/password", "current", h.Password, "password",
			"canary changed battery staple "+kind).Expect(t, 200, "Your password is changed")
		h.noSession(t, "an old password", func() { loses(t, p, answer, "a sign-in that began with the old password") })
	})
}

// guard: flow.CloseAll; verifiers read the methods that are left
func TestATK110_AMethodIsRemovedInTheMiddle(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		other := "totp"
		if kind == "totp" || kind == "backup" {
			other = "passkey"
		}
		h.add(t, h.owner, inProfile, other)
		p := h.begin(t, kind)
		answer := h.means[kind].right(t, p)
		h.remove(t, h.bound(t, kind)[0])
		h.noSession(t, "a removed method", func() {
			loses(t, p.Via(h.w.Other(t)), answer, "a sign-in by a method that was removed")
		})
	})
}

// guard: flow.CloseAll
func TestATK110_WhatARemovedMethodHadShownIsForgotten(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		u := w.Covered(t).Crowd(t, 1)[0]
		h := &hoard{User: u, w: w, owner: w.Person(t), means: map[string]*means{}}
		enter(t, h.owner, u, inProfile)
		mailed(t, w.World, h.owner, u, 1)
		h.add(t, h.owner, inProfile, "totp") // and is lost, before there are codes
		thief := h.begin(t, "totp")
		thief.Post(rig.PathCode, h.means["totp"].right(t, thief)).Expect(t, 200, "backup codes")
		sheet := thief.Post(inFlow+"/backup", url.Values{}).Printed()
		h.remove(t, h.bound(t, "totp")[0])
		h.noSession(t, "the thief", func() {
			if pg := thief.Post(inFlow+"/backup/confirm", form("code", sheet[0])); pg.Left != nil || gotSession(pg) ||
				thief.SignedIn() {
				t.Errorf("the sign-in goes on after its method was removed: status %d", pg.Status)
			}
			for _, path := range []string{rig.PathCode, rig.PathNewCode, "/signin/other"} {
				if pg := thief.Post(path, form("kind", "email", "code", sheet[0])); pg.Left != nil || gotSession(pg) ||
					thief.SignedIn() {
					t.Errorf("the sign-in goes on at %s: status %d", path, pg.Status)
				}
			}
		})
		if len(h.bound(t, "backup")) != 0 {
			t.Error("the thief has backup codes")
		}
	})
}

// guard: binding and removal forget remembered browsers
func TestATK072_AMethodIsAddedOrRemoved(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp", "passkey")
		remember := func() *rig.Person {
			p := h.begin(t, "totp")
			left(t, p.Post(rig.PathCode, url.Values{"code": h.means["totp"].right(t, p)["code"], "remember": {"on"}}))
			signOut(p)
			if p.Cookie("browser") == "" {
				t.Fatal("the browser is not remembered")
			}
			return p
		}
		for what, change := range map[string]func(){
			"added":   func() { h.add(t, h.owner, inProfile, "push") },
			"removed": func() { h.remove(t, h.bound(t, "passkey")[0]) },
		} {
			p := remember()
			change()
			p.Visit(w.Dashboard(t).Visit())
			if pg := p.Password(h.Email, h.Password); pg.Left != nil {
				t.Errorf("a method was %s, and the browser is still remembered", what)
			}
		}
	})
}

// guard: the server keeps the state, whatever a page says of itself
func TestATK039_EveryMethodsPageIsBelievedNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p, visit := h.w.Person(t), h.w.Dashboard(t).Visit()
		p.SetCookie("method", kind)
		first := p.Visit(visit)
		to, _ := first.Form(rig.PathPassword)
		p.Password(h.Email, h.Password)
		h.noSession(t, "response manipulation", func() {
			for _, path := range []string{"/authorize/resume?to=" + url.QueryEscape(to.Values.Get("to")), visit.URL,
				"/", "/profile", inProfile, inFlow} {
				if pg := p.Twin().Get(path); pg.Left != nil || pg.Says("Choose a sign-in method") {
					t.Errorf("%.20s goes on to %v", path, pg.Left)
				}
			}
			for _, lie := range []url.Values{
				{"state": {"done"}, "proved": {kind}, "acr": {"phr"}},
				{"Compared": {`{"OK":true}`}, "compared": {`{"OK":true}`}, "code": {"1"}},
				{"LinkToken": {"x"}, "assertion": {"{}"}, "code": {""}}, {"kind": {"email"}, "code": {"000000"}},
			} {
				loses(t, p.Twin(), lie, "a lie")
			}
		})
	})
}
