package acceptance

import (
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// begun opens a sign-in up to the code page and says how long the answer took.
func begun(t *testing.T, w *rig.World, u *rig.User) *rig.Person {
	t.Helper()
	p := w.Person(t)
	p.Visit(w.Dashboard(t).Visit())
	atCode(t, p.Password(u.Email, u.Password))
	return p
}

// guard: message and code are stored in one transaction; jobs survive the process
func TestREL1_KilledBeforeTheMailLeft(t *testing.T) {
	rig.EachFresh(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		w.Sink.Behave(u.Email, rig.Behaviour{Greylist: 1})
		p := begun(t, w, u)
		w.A.Kill()
		w.Advance(t, 61*time.Second) // the dead program's claim on the job is over
		w.Restart(t, rig.Options{})
		p.Via(w.A)
		left(t, p.Code(w.Sink.Code(t, u.Email, 1).Code))
		w.Drained(t)
		if n := len(w.Sink.Codes(u.Email)); n != 1 {
			t.Errorf("%d mails", n)
		}
	})
}

// guard: mail leaves outside the request
func TestREL11_ASlowMailServerDoesNotSlowAnyone(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		slow, grey, quick := w.Covered(t).User(t), w.Covered(t).User(t), w.Covered(t).User(t)
		w.Sink.Behave(slow.Email, rig.Behaviour{Delay: 4 * time.Second})
		w.Sink.Behave(grey.Email, rig.Behaviour{Greylist: 2})
		waits := begun(t, w, slow)
		if len(w.Sink.Mails(slow.Email)) > 0 {
			t.Error("the page waited for the mail server")
		}
		if s := delivery(waits); s != "queued" && s != "accepted" {
			t.Errorf("state %s", s)
		}
		retried := begun(t, w, grey)
		rig.Within(t, 5*time.Second, "delayed is told", func() bool { return delivery(retried) == "delayed" })
		retried.Get(rig.PathCode).Expect(t, 200, "asked us to wait")
		other := begun(t, w, quick)
		left(t, other.Code(w.Sink.Code(t, quick.Email, 1).Code))
		left(t, retried.Code(w.Sink.Code(t, grey.Email, 1).Code))
		left(t, waits.Code(w.Sink.Code(t, slow.Email, 1).Code))
	})
}

// guard: a Message-ID belongs to the message, not to the try
func TestREL12_ADuplicateIsTheSameMail(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		w.Sink.Behave(u.Email, rig.Behaviour{DropAfter: 1})
		p := begun(t, w, u)
		first, second := w.Sink.Code(t, u.Email, 1), w.Sink.Code(t, u.Email, 2)
		if first.Header.Get("Message-Id") != second.Header.Get("Message-Id") || first.Header.Get("Message-Id") == "" ||
			first.Code != second.Code {
			t.Errorf("the duplicate differs: %s %s", first.Header.Get("Message-Id"), second.Header.Get("Message-Id"))
		}
		if !strings.Contains(p.Page.Text(), first.Reference) {
			t.Errorf("the page does not show the reference %s", first.Reference)
		}
		left(t, p.Code(second.Code))
	})
}

// guard: bounces are believed by the MAC in their address
func TestREL13_AForgedBounceIsNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := begun(t, w, u)
		mail := w.Sink.Code(t, u.Email, 1)
		rig.Within(t, 5*time.Second, "accepted", func() bool { return delivery(p) == "accepted" })
		at := strings.LastIndex(mail.From, "@")
		if at < 0 || !strings.HasPrefix(mail.From, "bounces+") {
			t.Fatalf("the envelope sender is %s", mail.From)
		}
		digit := map[bool]string{true: "1", false: "0"}[mail.From[at-1] == '0']
		forged := mail.From[:at-1] + digit + mail.From[at:]
		for _, to := range []string{forged, "bounces+@bounces.example.test", "bounces@bounces.example.test",
			"bounces+x.y@bounces.example.test"} {
			if err := rig.Report(w.BounceAddr(), to, u.Email, "failed"); err == nil {
				t.Errorf("a report to %s is taken", to)
			}
		}
		if s := delivery(p); s != "accepted" {
			t.Errorf("a forged report changed the state to %s", s)
		}
		if err := rig.Report(w.BounceAddr(), mail.From, u.Email, "failed"); err != nil {
			t.Fatal(err)
		}
		rig.Within(t, 5*time.Second, "the true report is believed", func() bool { return delivery(p) == "bounced" })
	})
}

// guard: the dialogue with the mail server is encrypted and its certificate is checked
func TestREL11_NeverInTheClear(t *testing.T) {
	rig.EachFresh(t, rig.Options{Env: []string{"COUNTERSIGN_SMTP_CA_FILE="}}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := begun(t, w, u)
		rig.Within(t, 5*time.Second, "an untrusted mail server is a delay",
			func() bool { return delivery(p) == "delayed" })
		if n := len(w.Sink.Mails(u.Email)); n != 0 {
			t.Error("the mail went to a server that proved nothing")
		}
	})
}

// The explanation on the command line says what the sign-in does.
func TestPolicyExplain(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		for _, c := range []struct {
			app  *rig.App
			want string
		}{
			{w.Dashboard(t), "After the password they confirm with a code by email.\n"},
			{w.PhoneApp(t), "The password is enough.\n"},
		} {
			out := w.CLI(t, "policy", "explain", "--user", u.Email, "--client", c.app.ID)
			if !strings.HasPrefix(out, c.want) || !strings.Contains(out, "Required by") &&
				!strings.Contains(out, "exempt") {
				t.Errorf("%s: %s", c.app, out)
			}
		}
	})
}
