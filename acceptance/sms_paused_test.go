package acceptance

import (
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// TestSEC83_UnansweredTextsArePaused: where hardly any code of a company's texts to a
// country is entered, no more are sent there, until they are an hour old or have been
// answered after all. Other companies and countries are not touched. guard: Meter.Paused
func TestSEC83_UnansweredTextsArePaused(t *testing.T) {
	rig.EachGateway(t, rig.Rigged, 1000, func(t *testing.T, w *rig.Texting) {
		pumped, other := w.NewTenant(t, "--mandate", "mandatory"), w.NewTenant(t, "--mandate", "mandatory")
		owner := pumped.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
		numbered := func(c *rig.Tenant) (*rig.User, string) {
			u := c.User(t)
			return u, u.Number(t)
		}
		var people []*rig.Person
		var numbers []string
		for range 20 {
			u, to := numbered(pumped)
			people, numbers = append(people, texted(t, w, u)), append(numbers, to)
		}
		w.Drained(t)
		if n := w.Taken(); n != 20 {
			t.Fatalf("%d texts", n)
		}
		late, _ := numbered(pumped)
		texted(t, w, late) // people are still typing: nothing is compared yet
		w.Drained(t)

		w.Advance(t, 3*time.Minute)
		refused := func(why string) {
			t.Helper()
			before := w.Taken()
			u, _ := numbered(pumped)
			p := w.Person(t)
			p.Visit(w.Dashboard(t).Visit())
			if pg := p.Password(u.Email,
				u.Password); !pg.Says(
				"Text messages to numbers in this country are paused at the moment. Use another method") {
				t.Errorf("%s: %d %s", why, pg.Status, rig.Quietly(pg.Text()))
			}
			w.Drained(t)
			if n := w.Taken() - before; n != 0 {
				t.Errorf("%s: %d texts", why, n)
			}
		}
		sent := func(why string, c *rig.Tenant) {
			t.Helper()
			before := w.Taken()
			u, _ := numbered(c)
			texted(t, w, u)
			w.Drained(t)
			if n := w.Taken() - before; n != 1 {
				t.Errorf("%s: %d texts", why, n)
			}
		}
		refused("21 texts, and no answer")
		typed, _ := number(w.World)
		adding := toAdding(t, w.World, pumped.User(t))
		adding.Post(addNumber, form("country", "DE", "number", typed)).Expect(t, 503,
			"Text messages to numbers in this country are paused")
		sent("another company", other)
		w.Sink.About(t, owner.Email, "Text messages to one country are paused")
		rig.Within(t, wait, "the pause is on record", func() bool {
			return w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'texts.paused'
				AND reason = 'DE'`, pumped.ID) == 1
		})
		if n := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'challenge.sent'
			AND result = 'refused' AND reason = 'paused'`, pumped.ID); n != 1 {
			t.Errorf("%d refused challenges are on record", n)
		}

		answer := func(i int) {
			t.Helper()
			people[i].Code(rig.CodeIn(t, w.Text(t, numbers[i], 1))).Expect(t, 200, "Your backup codes")
		}
		answer(0)
		answer(1)
		refused("two of 21 are less than a tenth")
		answer(2)
		sent("three of 21 are enough", pumped)
		w.Drained(t)
		if n := len(w.Sink.Mails(owner.Email)); n != 1 {
			t.Errorf("%d mails to the owner", n)
		}
	})
}

// TestSEC83_APauseEndsWithItsHour: nothing remembers a pause but the texts that caused it.
func TestSEC83_APauseEndsWithItsHour(t *testing.T) {
	rig.EachGateway(t, rig.Rigged, 1000, func(t *testing.T, w *rig.Texting) {
		c := w.Covered(t)
		for range 20 {
			u := c.User(t)
			u.Number(t)
			texted(t, w, u)
		}
		w.Advance(t, 3*time.Minute)
		u := c.User(t)
		u.Number(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		if pg := p.Password(u.Email, u.Password); !strings.Contains(pg.Text(), "paused at the moment") {
			t.Fatalf("not paused: %s", rig.Quietly(pg.Text()))
		}
		w.Advance(t, 60*time.Minute)
		texted(t, w, u)
		w.Drained(t)
		if n := w.Taken(); n != 21 {
			t.Errorf("%d texts", n)
		}
	})
}

// TestSEC83_OnePersonCannotPauseTheTextsOfOthers: two people of a company cause as many texts as they
// may, and enter no code. Their colleagues go on getting theirs. guard: Answers.ofOne
func TestSEC83_OnePersonCannotPauseTheTextsOfOthers(t *testing.T) {
	rig.EachGateway(t, rig.Rigged, 1000, func(t *testing.T, w *rig.Texting) {
		c := w.Covered(t)
		for range 2 {
			u := c.User(t)
			u.Number(t)
			for range 10 {
				texted(t, w, u)
			}
		}
		w.Drained(t)
		if n := w.Taken(); n != 20 {
			t.Fatalf("%d texts", n)
		}
		w.Advance(t, 3*time.Minute)
		u := c.User(t)
		to := u.Number(t)
		texted(t, w, u).Code(rig.CodeIn(t, w.Text(t, to, 1))).Expect(t, 200, "Your backup codes")
	})
}
