package acceptance

import (
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// adaptive returns someone of a company that asks only where a sign-in is unusual, and their browser, in which they
// have signed in once with a code and left the box as it was.
func adaptive(t *testing.T, w *rig.World) (*rig.User, *rig.Person) {
	t.Helper()
	u := w.NewTenant(t, "--mandate", "mandatory", "--choice", "adaptive").User(t)
	p := from(w.Person(t), rig.LisbonIP)
	p.Visit(w.Dashboard(t).Visit())
	pg := atCode(t, p.Password(u.Email, u.Password))
	pg.Expect(t, 200, "this sign-in is unusual", "not confirmed a sign-in in this browser")
	if _, ticked := pg.Input("remember")["checked"]; !ticked {
		t.Fatal("the box is not ticked")
	}
	left(t, p.CodeRemembered(w.Sink.Code(t, u.Email, 1).Code))
	signOut(p)
	return u, p
}

// from gives a person an address whose place is known, behind the proxy that the program trusts.
func from(p *rig.Person, ip string) *rig.Person {
	p.From(rig.TrustedProxy).Extra.Set("X-Forwarded-For", ip)
	return p
}

// askedWith signs in with the password and returns the page where a code is asked for; nil where none is.
func askedWith(t *testing.T, p *rig.Person, w *rig.World, u *rig.User) *rig.Page {
	t.Helper()
	p.Visit(w.Dashboard(t).Visit())
	pg := p.Password(u.Email, u.Password)
	if pg.Left != nil {
		signOut(p)
		return nil
	}
	return atCode(t, pg)
}

// mustBeAsked is askedWith for a sign-in that is unusual.
func mustBeAsked(t *testing.T, p *rig.Person, w *rig.World, u *rig.User) *rig.Page {
	t.Helper()
	pg := askedWith(t, p, w, u)
	if pg == nil {
		t.Fatal("an unusual sign-in is not asked")
	}
	return pg
}

// guard: judgeUnusual
func TestAIR19_OnlyUnusualSignInsAreAsked(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u, p := adaptive(t, w)
		for range 3 {
			w.Advance(t, 24*time.Hour)
			if askedWith(t, p, w, u) != nil {
				t.Fatal("a usual sign-in is asked")
			}
		}
		mustBeAsked(t, w.Person(t), w, u).Expect(t, 200, "not confirmed a sign-in in this browser")

		w.Advance(t, time.Minute)
		pg := mustBeAsked(t, from(p.Twin(), rig.TokyoIP), w, u)
		pg.Expect(t, 200, "from this country", "too far away")
		pg = mustBeAsked(t, from(p.Twin(), rig.AzoresIP), w, u)
		if pg.Expect(t, 200, "too far away"); pg.Says("from this country") {
			t.Error("Portugal is a new country")
		}
		w.Advance(t, 12*time.Hour)
		if askedWith(t, from(p, rig.AzoresIP), w, u) != nil {
			t.Error("a journey within the country that takes half a day is unusual")
		}
	})
}

// guard: FailuresOf
func TestAIR19_ManyFailuresAreUnusual(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u, p := adaptive(t, w)
		stranger := from(w.Person(t), rig.TokyoIP)
		for n := range 5 {
			if n == 4 && askedWith(t, p, w, u) != nil {
				t.Error("four wrong passwords are many")
			}
			w.Advance(t, 10*time.Minute)
			stranger.Visit(w.Dashboard(t).Visit())
			atPassword(t, stranger.Password(u.Email, "not the password at all"))
		}
		mustBeAsked(t, p, w, u).Expect(t, 200, "Several wrong passwords or codes")
		left(t, p.CodeRemembered(w.Sink.Code(t, u.Email, 2).Code))
		signOut(p)
		if askedWith(t, p, w, u) != nil {
			t.Error("asked although the owner has confirmed a sign-in since")
		}
	})
}

// The person who has the code decides about the browser: the box may be unticked, and then the next sign-in is asked. A
// copied token does no more than it does elsewhere, and no other way gets around the second step.
func TestAIR19_WhatDoesNotCount(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u, p := adaptive(t, w)
		shared := w.Person(t)
		askedWith(t, shared, w, u)
		left(t, shared.Code(w.Sink.Code(t, u.Email, 2).Code))
		signOut(shared)
		w.Advance(t, time.Minute)
		if askedWith(t, shared, w, u) == nil {
			t.Error("a browser is remembered against the person's wish")
		}
		if pg := askedWith(t, from(p.Twin(), "192.0.2.77"), w, u); pg == nil {
			t.Error("an address of no known place counts as the usual country")
		}
		w.Advance(t, 31*24*time.Hour)
		if askedWith(t, p, w, u) == nil {
			t.Error("a browser is remembered for more than thirty days")
		}
		w.CLI(t, "tenant", "set", u.Tenant.ID, "--remember-days", "0")
		if askedWith(t, p, w, u) == nil {
			t.Error("a browser is remembered where none may be")
		}
	})
}

// guard: access.SetChoice on the security page
func TestAIR19_TheOwnerChoosesIt(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_on")
		owner, admin := member(t, w, c, "Owner", "owner"), member(t, w, c, "Admin", "admin")
		p := w.Person(t)
		administer(t, w, p, owner, "/company/security").Expect(t, 200, "When to ask", "Only when a sign-in is unusual")
		p.Post("/company/security/ask", url.Values{"choice": {"adaptive"}}).Expect(t, 200,
			"Saved. It applies from the next sign-in.")
		other := w.Person(t)
		administer(t, w, other, admin, "/company/security")
		was := w.CLI(t, "tenant", "show", c.ID)
		for _, choice := range []string{"", "optional", "adaptive", "often"} {
			if pg := other.Post("/company/security/ask", url.Values{"choice": {choice}}); pg.Status < 400 {
				t.Errorf("an admin sets %q: status %d", choice, pg.Status)
			}
		}
		if now := w.CLI(t, "tenant", "show", c.ID); now != was {
			t.Errorf("an admin changed the choice:\n%s", now)
		}
		w.Sink.About(t, admin.Email, "lowered its")
	})
}
