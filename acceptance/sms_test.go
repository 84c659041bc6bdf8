package acceptance

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/acceptance/rig"
)

// texted opens a sign-in up to the page that waits for the code of a text.
func texted(t *testing.T, w *rig.Texting, u *rig.User) *rig.Person {
	t.Helper()
	p := w.Person(t)
	p.Visit(w.Dashboard(t).Visit())
	atCode(t, p.Password(u.Email, u.Password))
	return p
}

// told waits until the page tells a state of the message.
func told(t *testing.T, p *rig.Person, state string) {
	t.Helper()
	rig.Within(t, 10*time.Second, "the page tells "+state, func() bool { return delivery(p) == state })
}

// took reports how often a code of a text was right.
func took(t *testing.T, w *rig.Texting, u *rig.User) int64 {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM audit_events e
		JOIN directory d ON d.user_id = e.user_id AND d.tenant_id = e.tenant_id
		WHERE d.email_key = $1 AND e.action = 'signin.second_factor' AND e.result = 'ok' AND e.method = 'sms'`, u.Email)
}

func spent(t *testing.T, w *rig.Texting) int64 {
	t.Helper()
	return w.Number(t, `SELECT COALESCE(MAX(reserved), 0) FROM message_costs WHERE account = 'all'`)
}

// guard: a text is a second step like a mail, with its own host in the last line
func TestPAR5_ACodeByTextMessage(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u := w.Covered(t).User(t)
		to := u.Number(t)
		p := texted(t, w, u)
		text := w.Text(t, to, 1)
		if code := rig.CodeIn(t, text); !strings.HasPrefix(text.Body, code) || strings.Contains(text.Body, "http") {
			t.Error("the text is not what it should be") // and is not shown: it holds a code
		}
		if shown := p.Page.Text(); !strings.Contains(shown, "+49") || strings.Contains(shown, to[3:]) {
			t.Error("the page does not show the number masked")
		}
		told(t, p, "accepted")
		p.Code(wrongCode(rig.CodeIn(t, text), 0))
		if took(t, w, u) != 0 {
			t.Error("a wrong code was right")
		}
		p.Code(rig.CodeIn(t, text))
		if took(t, w, u) != 1 {
			t.Error("the right code was wrong")
		}
		w.Drained(t)
		if len(w.Sink.Codes(u.Email)) != 0 {
			t.Error("a code went to the mailbox as well")
		}
		for _, secret := range []string{rig.CodeIn(t, text), to, carrier.Token} {
			if strings.Contains(w.A.Log(), secret) {
				t.Error("a code, a number or the gateway's token is in the log")
			}
		}
	})
}

// guard: a report is believed by its signature and by the address that only its message has
func TestREL13_AForgedReportOfATextIsNotBelieved(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		to, other := u.Number(t), v.Number(t)
		p, q := texted(t, w, u), texted(t, w, v)
		text, stranger := w.Text(t, to, 1), w.Text(t, other, 1)
		told(t, p, "accepted")
		told(t, q, "accepted")
		post := func(at string, form url.Values, token string) int {
			status, err := w.Gateway.Report(at, form, token)
			if err != nil {
				t.Fatal(err)
			}
			return status
		}
		form := carrier.Report(text, "undelivered")
		end := text.ReportTo[len(text.ReportTo)-1]
		forged := text.ReportTo[:len(text.ReportTo)-1] + map[bool]string{true: "1", false: "0"}[end == '0']
		for name, status := range map[string]int{
			"unsigned": post(text.ReportTo, form, ""), "signed by another": post(text.ReportTo, form, "other"),
			"another address": post(forged, form, carrier.Token),
			"no address":      post(rig.PublicURL+"/sms/report/x", form, carrier.Token),
			"a mail's address": post(rig.PublicURL+"/sms/report/"+strings.Repeat("a", 26)+".b."+strings.Repeat("1", 18),
				form, carrier.Token),
		} {
			if status != 404 {
				t.Errorf("%s: %d", name, status)
			}
		}
		if delivery(p) != "accepted" {
			t.Errorf("a forged report made it %s", delivery(p))
		}
		for range 3 {
			if status := post(text.ReportTo, carrier.Report(text, "delivered"), carrier.Token); status != 204 {
				t.Errorf("a true report: %d", status)
			}
		}
		post(text.ReportTo, form, carrier.Token) // late, and overtaken
		told(t, p, "delivered")
		if delivery(q) != "accepted" {
			t.Errorf("the other's is %s", delivery(q))
		}
		post(stranger.ReportTo, carrier.Report(stranger, "undelivered"), carrier.Token)
		told(t, q, "bounced")
	})
}

// guard: what may have been taken is sent once more, with the same code, and never a third time
func TestREL13_AGatewayThatTakesAndDoesNotAnswer(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		once, always, reported := w.Covered(t).User(t), w.Covered(t).User(t), w.Covered(t).User(t)
		w.Behave(once.Number(t), carrier.Behaviour{Break: 1})
		toAlways, toReported := always.Number(t), reported.Number(t)
		w.Behave(toAlways, carrier.Behaviour{Fail: 99})
		w.Behave(toReported, carrier.Behaviour{Silent: 99, Report: "delivered", Early: true})
		p, q, r := texted(t, w, once), texted(t, w, always), texted(t, w, reported)
		told(t, p, "accepted")
		told(t, q, "failed")
		told(t, r, "delivered")
		w.Drained(t)
		if n := len(w.Received(toAlways)); n != 2 {
			t.Errorf("%d texts to a gateway that always fails", n)
		}
		if first, second := w.Text(t, toAlways, 1), w.Text(t, toAlways, 2); first.Body != second.Body {
			t.Error("the second text is another")
		}
		q.Code(rig.CodeIn(t, w.Text(t, toAlways, 2)))
		if took(t, w, always) != 1 {
			t.Error("the code that may have arrived is not good")
		}
		if n := len(w.Received(toReported)); n != 1 {
			t.Errorf("%d texts though the first had arrived", n)
		}
	})
}

// guard: a carrier's answers and receipts are matched with their messages, over reconnections
func TestREL13_ACarrierOverSMPP(t *testing.T) {
	rig.EachSMPP(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		to, other := u.Number(t), v.Number(t)
		w.Behave(to, carrier.Behaviour{Throttle: 1, Report: "delivered", Twice: true})
		p := texted(t, w, u)
		told(t, p, "delivered")
		p.Code(rig.CodeIn(t, w.Text(t, to, 1)))
		w.Drained(t)
		if took(t, w, u) != 1 || len(w.Received(to)) != 1 {
			t.Errorf("%d codes taken, %d texts", took(t, w, u), len(w.Received(to)))
		}
		w.Behave(other, carrier.Behaviour{Break: 1})
		q := texted(t, w, v)
		told(t, q, "accepted")
		w.Drained(t)
		if n := len(w.Received(other)); n != 2 {
			t.Errorf("%d texts", n)
		}
		w.SMSC.Receipt("99999999", "UNDELIV")
		w.SMSC.Receipt(w.Text(t, to, 1).Handle, "UNDELIV") // late: it was delivered
		w.SMSC.Receipt(w.Text(t, other, 2).Handle, "UNDELIV")
		told(t, q, "bounced")
		if n := w.Number(t, `SELECT count(*) FROM messages WHERE channel = 'sms' AND state = 'delivered'`); n != 1 {
			t.Errorf("%d texts are delivered", n)
		}
	})
}

// guard: money is reserved with the message, by a condition in the write
func TestSEC83_TheCeilingHoldsThroughAKill(t *testing.T) {
	const most = 5
	rig.EachGateway(t, rig.Rigged, most, func(t *testing.T, w *rig.Texting) {
		owner := w.Covered(t).Person(t, w.Unique("owner")+"@people.example.test", "Olive Owner", "owner")
		people := w.Covered(t).Crowd(t, 12)
		numbers := make([]string, len(people))
		for i, u := range people {
			numbers[i] = u.Number(t)
			w.Behave(numbers[i], carrier.Behaviour{Delay: 300 * time.Millisecond})
		}
		app := w.Dashboard(t)
		waits := w.Person(t)
		waits.Visit(app.Visit())
		waits.Password(people[0].Email, people[0].Password)
		w.Text(t, numbers[0], 1)
		w.A.Kill()                   // the gateway has taken the text and not answered yet
		w.Advance(t, 61*time.Second) // the dead program's claims on jobs are over
		w.Again(t)
		var wg sync.WaitGroup
		for _, u := range people {
			p := w.Person(t)
			p.Visit(app.Visit())
			form, _ := p.Page.Form(rig.PathPassword)
			form.Values.Set("email", u.Email)
			form.Values.Set("password", u.Password)
			request := p.Request("POST", rig.PathPassword, form.Values)
			wg.Go(func() {
				if pg, err := p.Try(request); err != nil || pg.Left != nil {
					t.Errorf("a password alone was enough, or: %v", err)
				}
			})
		}
		wg.Wait()
		rig.Within(t, 15*time.Second, "what was paid for is sent", func() bool {
			return w.Number(t, `SELECT count(*) FROM messages
				WHERE channel = 'sms' AND state IN ('queued', 'delayed')`) == 0
		})
		if n := w.Taken(); n != most {
			t.Errorf("%d texts were taken, and %d may be", n, most)
		}
		if got := spent(t, w); got != most*rig.TextPrice {
			t.Errorf("%d spent of %d", got, most*rig.TextPrice)
		}
		w.Sink.About(t, owner.Email, "spending limit")
		w.Drained(t)
		if n := len(w.Sink.Mails(owner.Email)); n != 1 {
			t.Errorf("%d mails to the owner", n)
		}
	})
}
