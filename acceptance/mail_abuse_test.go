package acceptance

import (
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: sends are limited per account and per destination
func TestATK116_EmailBombing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		for i := range 14 {
			p := w.Person(t) // another source each time
			p.Visit(w.Dashboard(t).Visit())
			if pg := p.Password(u.Email, u.Password); pg.Status != 200 && i < 10 || pg.Status >= 500 {
				t.Fatalf("sign-in %d: status %d: %s", i+1, pg.Status, rig.Quietly(pg.Text()))
			}
			denied(t, w, u, "bombing")
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events a
			JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
				WHERE u.email = $1 AND a.action = 'signin.password'`, u.Email); n != 14 {
			t.Errorf("%d of 14 right passwords are in the audit", n)
		}
		w.Drained(t)
		if n := len(w.Sink.Mails(u.Email)); n != 10 {
			t.Errorf("%d mails within an hour", n)
		}
		for range 5 {
			w.Drained(t) // what waits when the clock jumps is too old to leave
			w.Advance(t, 61*time.Minute)
			for range 9 {
				p := w.Person(t)
				p.Visit(w.Dashboard(t).Visit())
				p.Password(u.Email, u.Password)
			}
		}
		w.Drained(t)
		if n := len(w.Sink.Mails(u.Email)); n != 30 {
			t.Errorf("%d mails within a day", n)
		}
	})
}

// guard: user.Create and email.Render refuse control characters; one recipient per mail
func TestATK120_MailHeaderInjection(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		for _, address := range []string{"a@x.test\r\nBcc: evil@evil.test", "a@x.test,evil@evil.test",
			"a@x.test\nSubject: x", "Pat <evil@evil.test>", `"a b"@x.test`, "a@x.test evil@evil.test",
			"a@x.test;evil@evil.test"} {
			if _, err := w.TryCLI("canary horse battery staple\n", "user", "create", "--tenant", c.ID, "--email",
				address, "--name", "Pat", "--role", "agent", "--password-stdin"); err == nil {
				t.Errorf("accepted as an address: %q", address)
			}
		}
		refused := func(name string) {
			if _, err := w.TryCLI("canary horse battery staple\n", "user", "create", "--tenant", c.ID, "--email",
				w.Unique("refused")+"@people.example.test", "--name", name, "--role", "agent",
				"--password-stdin"); err == nil {
				t.Errorf("accepted as a name: %q", name)
			}
		}
		refused("Pat\x07Bcc: evil@evil.test")
		refused("Pat\x1b[2J")
		for _, name := range []string{"Pat\r\nBcc: evil@evil.test", "=?utf-8?Q?=0D=0ABcc:_evil@evil.test?="} {
			u := c.Person(t, w.Unique("named")+"@people.example.test", name, "agent")
			mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
			if mail.Header.Get("Bcc") != "" || strings.Contains(strings.ToLower(string(mail.Raw)), "\r\nbcc:") {
				t.Errorf("%q made a header", name)
			}
		}
	})
}

// guard: html/template and the caps of email.Render
func TestATK121_HTMLAndLinkInjection(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "mandatory")
		owner := company.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
		names := []struct {
			text     string
			accepted bool // as the name of an account; browsers may call themselves anything
		}{
			{`<a href="https://evil.test">press</a>`, true},
			{`<img src=x onerror=alert(1)>`, true},
			{"{{.Code}} evil.test/login", true},
			{"Pat\u202egpj.exe\u200b", false},
			{strings.Repeat("long ", 2000), false},
		}
		for i, name := range names {
			email := w.Unique("odd") + "@people.example.test"
			create := func(name string) error {
				_, err := w.TryCLI("canary horse battery staple\n", "user", "create", "--tenant", company.ID, "--email",
					email, "--name", name, "--role", "agent", "--password-stdin")
				return err
			}
			if err := create(name.text); (err == nil) != name.accepted {
				t.Fatalf("%.40q as a name: %v", name.text, err)
			}
			if !name.accepted {
				if err := create("Pat"); err != nil {
					t.Fatal(err)
				}
			}
			u := &rig.User{Email: email, Password: "canary horse battery staple", Tenant: company}
			attacker := w.Person(t)
			attacker.UserAgent = name.text
			mail := attacker.ToCode(t, w.Dashboard(t), u)
			harmless(t, mail)
			w.Person(t).Get(mail.NotMe)
			w.Person(t).Post(mail.NotMe, form()).Expect(t, 200)
			harmless(t, w.Sink.Mail(t, owner.Email, i+1))
		}
	})
}

func harmless(t *testing.T, m rig.Mail) {
	t.Helper()
	for _, bad := range []string{"<a href=\"https://evil", "<img src=x", "onerror=alert(1)>", "\u202e", "\u200b",
		">evil.test/login<", "http://evil", "https://evil.test/login"} {
		if strings.Contains(m.HTML, bad) {
			t.Errorf("the mail holds %q", bad)
		}
	}
	if len(m.Raw) > 60<<10 {
		t.Errorf("a mail of %d bytes", len(m.Raw))
	}
	for _, link := range m.Links() {
		if !strings.HasPrefix(link, rig.PublicURL+"/") {
			t.Errorf("a link to %s", link)
		}
	}
	if strings.Contains(m.Text, "evil.test/login") {
		t.Error("the text part has an address that mail programs make a link of")
	}
}

// guard: web.clientIP believes only trusted proxies
func TestATK123_SpoofedIPInMail(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Extra.Set("X-Forwarded-For", rig.LisbonIP)
		mail := p.ToCode(t, w.Dashboard(t), u)
		if strings.Contains(mail.Text, rig.LisbonIP) || !strings.Contains(mail.Text, p.IP) {
			t.Errorf("the mail does not show the true peer %s: %s", p.IP, rig.Quietly(mail.Text))
		}
		behind := w.Person(t).From(rig.TrustedProxy)
		behind.Extra.Set("X-Forwarded-For", rig.LisbonIP+", 192.0.2.99")
		mail = behind.ToCode(t, w.Dashboard(t), u)
		if !strings.Contains(mail.Text, "192.0.2.99") || strings.Contains(mail.Text, rig.LisbonIP) {
			t.Errorf("not the hop that the proxy vouches for: %s", rig.Quietly(mail.Text))
		}
		for _, ip := range w.Texts(t, `SELECT DISTINCT a.ip FROM audit_events a
			JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id WHERE u.email = $1`, u.Email) {
			if ip != "" && ip != p.IP && ip != "192.0.2.99" {
				t.Errorf("the audit tells of %s", ip)
			}
		}
	})
}

// guard: email.Render keeps the code out of subject and preheader
func TestATK124_CodeOnTheLockScreen(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
		start := mail.Text[:min(len(mail.Text), 100)]
		for _, where := range []string{mail.Subject, start, mail.Header.Get("List-Id"),
			mail.Header.Get("X-Entity-Ref-Id")} {
			if strings.Contains(where, mail.Code) {
				t.Errorf("the code is in %q", where)
			}
		}
		if body := mail.HTML[strings.Index(mail.HTML,
			"<body"):]; strings.Contains(visible(body)[:min(100, len(visible(body)))], mail.Code) {
			t.Errorf("the code is in the preview: %s", visible(body)[:100])
		}
		if mail.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Error("not marked as generated: an absence notice would answer")
		}
	})
}

// visible takes the tags out.
func visible(markup string) string {
	var b strings.Builder
	depth := 0
	for _, r := range markup {
		switch {
		case r == '<':
			depth++
		case r == '>':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
