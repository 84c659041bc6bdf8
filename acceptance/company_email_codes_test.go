package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

func TestAIR1_PasswordAndCodeForTheCoveredApp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.SwitchedOn(t).User(t)
		tokens := w.Person(t).SignIn(t, w.Dashboard(t), u)
		if tokens.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
	})
}

// guard: policy.Evaluate lets exempt clients off
func TestAIR2_TheExemptPhoneAppIsNotAsked(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.SwitchedOn(t).User(t)
		p := w.Person(t)
		visit := w.PhoneApp(t).Visit()
		p.Visit(visit)
		tokens := w.PhoneApp(t).Finish(t, visit, p.Password(u.Email, u.Password))
		if tokens.Claims.ACR != rig.Level1 {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
		for _, m := range w.Sink.Mails(u.Email) {
			if m.Code != "" {
				t.Error("a code was sent")
			}
		}
	})
}

// guard: challenge codes have limits.code_length digits
func TestAIR6_SixDigitsOrEight(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		if mail := p.ToCode(t, w.Dashboard(t), u); len(mail.Code) != 6 {
			t.Errorf("code of %d digits", len(mail.Code))
		}
		field := p.Page.Input("code")
		if field["autocomplete"] != "one-time-code" || field["inputmode"] != "numeric" {
			t.Errorf("the code field: %v", field)
		}
	})
	rig.EachFresh(t, rig.Options{Config: "[limits]\ncode_length = 8\n"}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		if len(mail.Code) != 8 {
			t.Fatalf("code of %d digits", len(mail.Code))
		}
		p.Page.Expect(t, 200, "8-digit")
		left(t, p.Code(mail.Code))
	})
}

// guard: Challenge.Open compares ExpiresAt
func TestAIR7_CodesLiveTenMinutes(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		intime, late := w.Person(t), w.Person(t)
		mail := intime.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 10*time.Minute-5*time.Second)
		left(t, intime.Code(mail.Code))
		mail = late.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 10*time.Minute+time.Second)
		if pg := late.Code(mail.Code); pg.Left != nil || late.SignedIn() {
			t.Error("an expired code signs in")
		}
	})
}

func TestAIR9_WrongAndExpiredEachGetAClearError(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		p.Code(wrongCode(mail.Code, 1)).Expect(t, 401, "not the code in the newest email", "4 tries left")
		w.Advance(t, 10*time.Minute+time.Second)
		p.Code(mail.Code).Expect(t, 401, "It has expired", "Send a new code")
	})
}

// guard: flows.sends is raised by a guarded update
func TestAIR10_ThreeNewCodesThenFromTheBeginning(t *testing.T) { threeNewCodes(t) }

// guard: flows.sends is raised by a guarded update
func TestAIR14_TheSameLimitAtSignIn(t *testing.T) { threeNewCodes(t) }

func threeNewCodes(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		w.CLI(t, "installation", "set", "--support-email", "help@vendor.example.test")
		u := w.SwitchedOn(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		p.NewCode().Expect(t, 429, "request a new code yet")
		for n := 2; n <= 4; n++ {
			w.Advance(t, 31*time.Second)
			atCode(t, p.NewCode())
			w.Sink.Mail(t, u.Email, n)
		}
		w.Advance(t, 31*time.Second)
		over := p.NewCode()
		over.Expect(t, 410, "All new codes for this sign-in were used. Start again.")
		if !strings.Contains(over.Body, "help@vendor.example.test") {
			t.Errorf("the page does not say how to reach support: %s", rig.Quietly(over.Text()))
		}
		w.Drained(t)
		if n := len(w.Sink.Mails(u.Email)); n != 4 {
			t.Errorf("%d mails", n)
		}
	})
}

// guard: gate.CheckSession asks policy at every request
func TestAIR12_FromThatInstantEverySignInAndLiveSession(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "default_off")
		u := company.User(t)
		live := w.Person(t)
		app := w.Dashboard(t)
		visit := app.Visit()
		live.Visit(visit)
		before := app.Finish(t, visit, live.Password(u.Email, u.Password))
		if status, _, _ := app.UserInfo(t, before.Raw.AccessToken); status != 200 {
			t.Fatalf("userinfo before: %d", status)
		}
		w.CLI(t, "tenant", "set", company.ID, "--switch", "on")
		rig.Within(t, 5*time.Second, "the token is not enough", func() bool { // everywhere within five seconds
			status, _, _ := app.UserInfo(t, before.Raw.AccessToken)
			return status == 401
		})
		if status, www, _ := app.UserInfo(t, before.Raw.AccessToken); status != 401 ||
			!strings.Contains(www, "insufficient_user_authentication") {
			t.Errorf("userinfo after: %d %s", status, www)
		}
		if _, err := app.Refresh(before.Raw.RefreshToken); err == nil {
			t.Error("the session below the level still refreshes")
		}
		again := app.Visit()
		live.Visit(again).Expect(t, 200, "asks for more than your password")
		atCode(t, live.StepUp())
		after := app.Finish(t, again, live.Code(codeMail(t, w, u, 1).Code))
		if after.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", after.Claims.ACR)
		}
		fresh := w.Person(t)
		fresh.Visit(app.Visit())
		atCode(t, fresh.Password(u.Email, u.Password))
	})
}

func TestAIR13_PasswordThenCodeThenIn(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.SwitchedOn(t).User(t)
		p := w.Person(t)
		app := w.Dashboard(t)
		visit := app.Visit()
		p.Visit(visit)
		atPassword(t, p.Page)
		p.Password(u.Email, "not the password").Expect(t, 401)
		atCode(t, p.Password(u.Email, u.Password))
		mail := w.Sink.Mail(t, u.Email, 1)
		p.Code(wrongCode(mail.Code, 0)).Expect(t, 401, "Send a new code")
		if _, ok := p.Page.Form(rig.PathNewCode); !ok {
			t.Error("no way to ask for a new code")
		}
		app.Finish(t, visit, p.Code(mail.Code))
	})
}

// AIR-13's page also tells the truth about delivery.
func TestAIR13_TheCodePageTellsWhatHappenedToTheMail(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		accepted, bounced, greylisted, returned := w.Covered(t).User(t), w.Covered(t).User(t), w.Covered(t).User(t),
			w.Covered(t).User(t)
		w.Sink.Behave(bounced.Email, rig.Behaviour{Refuse: true})
		w.Sink.Behave(greylisted.Email, rig.Behaviour{Greylist: 1})
		w.Sink.Behave(returned.Email, rig.Behaviour{Bounce: "failed"})
		for _, c := range []struct {
			u    *rig.User
			want string
			say  string
		}{{accepted, "accepted", "Delivered to"}, {bounced, "bounced", "returned"}, {returned, "bounced", "returned"},
			{greylisted, "accepted", "Delivered to"}} {
			p := w.Person(t)
			p.Visit(w.Dashboard(t).Visit())
			atCode(t, p.Password(c.u.Email, c.u.Password))
			rig.Within(t, 12*time.Second, "state "+c.want, func() bool { return delivery(p) == c.want })
			p.Get(rig.PathCode).Expect(t, 200, c.say)
		}
	})
}

var stateField = regexp.MustCompile(`"state":\s*"(\w+)"`)

func delivery(p *rig.Person) string {
	found := stateField.FindStringSubmatch(p.Twin().Get(rig.PathDelivery).Body)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestAIR14_AnOlderCodeIsCalledOlder(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.SwitchedOn(t).User(t)
		p := w.Person(t)
		first := p.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 31*time.Second)
		p.Post(rig.PathNewCode, url.Values{})
		second := w.Sink.Mail(t, u.Email, 2)
		p.Code(first.Code).Expect(t, 401, "older code", second.Reference)
		left(t, p.Code(second.Code))
	})
}
