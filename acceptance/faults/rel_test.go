package faults

import (
	"crypto/rand"
	"encoding/base64"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/auditor"
	"countersign/acceptance/rig"
	"countersign/internal/secret"
)

var loops = flag.Int("loops", 1, "how often each single fault is repeated")

// afterPassword brings someone up to the password and kills the program at the first point
// that a pattern matches. It returns the client, and the program is running again.
func (w *world) afterPassword(t *testing.T, point string) *client {
	t.Helper()
	c := w.client(t)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	w.order(t, "kill", 1, point)
	_ = c.password()
	if !w.awaitHit(patience) {
		t.Fatalf("the program never came by %s", point)
	}
	w.dead(t)
	w.done(t)
	w.audit(t, false)
	return c
}

// codesOf counts what is stored for an account.
func (w *world) codesOf(t *testing.T, u *rig.User) (challenges, messages int64) {
	t.Helper()
	const of = ` x JOIN users u ON u.tenant_id = x.tenant_id AND u.id = x.user_id WHERE u.email = $1`
	return w.Number(t, `SELECT count(*) FROM challenges`+of, u.Email), w.Number(t, `SELECT count(*)
		FROM messages`+of, u.Email)
}

func (w *world) sessionsOf(t *testing.T, u *rig.User) int64 {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE u.email = $1`, u.Email)
}

// guard: message and code are stored in one transaction, and jobs survive the process
func TestREL001_KilledBeforeTheMailLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range *loops {
			for _, point := range []string{`^committed\sfirststep\.Service\.CheckPassword`, `^commit\sjobs\.claim`,
				`^committed\sjobs\.claim`} {
				c := w.afterPassword(t, point)
				until := w.Number(t, `SELECT MAX(expires_at) FROM messages`)
				w.restart(t)
				m := w.Sink.Code(t, c.u.Email, 1)
				w.idle(t)
				if all := w.Sink.Codes(c.u.Email); len(all) != 1 {
					t.Errorf("%s: %d mails", point, len(all))
				}
				if n, _ := w.codesOf(t, c.u); n != 1 || w.Number(t, `SELECT MAX(expires_at) FROM challenges`) != until {
					t.Errorf("%s: %d codes, or its life began anew", point, n)
				}
				w.worksOnce(t, c, m)
			}
		}
	})
}

// guard: a Message-ID belongs to the message, and the code follows from what is sealed in it
func TestREL002_KilledAfterTheMailLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range *loops {
			for _, point := range []string{`^sent\s`, `^commit\smessage\.Courier\.settle`} {
				c := w.afterPassword(t, point)
				w.restart(t)
				m := w.Sink.Code(t, c.u.Email, 2)
				w.idle(t)
				first := w.Sink.Codes(c.u.Email)[0]
				if auditor.MessageID(first) != auditor.MessageID(m) || first.Code != m.Code || first.Link != m.Link {
					t.Errorf("%s: the duplicate differs", point)
				}
				if n, _ := w.codesOf(t, c.u); n != 1 {
					t.Errorf("%s: %d codes", point, n)
				}
				w.worksOnce(t, c, m)
			}
		}
	})
}

// worksOnce: in the flow that the browser holds, if it was ever told of it, the code signs
// in, and then nothing does.
func (w *world) worksOnce(t *testing.T, c *client, m rig.Mail) {
	t.Helper()
	if c.p.Cookie("flow") == "" {
		return // the answer to the password was lost: the code is of no use to anyone
	}
	if err := run(func() error { return c.get(rig.PathCode) }, func() error { return c.answer(m, false) }); err != nil {
		t.Error(err)
	}
	if err := c.post(rig.PathCode, "code", m.Code); err != nil {
		t.Error(err)
	}
	if n := w.sessionsOf(t, c.u); n != 1 {
		t.Errorf("%d sessions of one code", n)
	}
}

// guard: message and code are stored in one transaction
func TestREL003_NeitherOrBoth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for point, want := range map[string]int64{`^commit\sfirststep\.Service\.CheckPassword`: 0,
			`^committed\sfirststep\.Service\.CheckPassword`: 1} {
			for range *loops {
				c := w.afterPassword(t, point)
				if challenges, messages := w.codesOf(t, c.u); challenges != want || messages != want {
					t.Errorf("%s: %d codes and %d messages", point, challenges, messages)
				}
				w.restart(t)
				w.idle(t)
				if n := int64(len(w.Sink.Mails(c.u.Email))); n != want {
					t.Errorf("%s: %d mails", point, n)
				}
			}
		}
	})
}

// atCode brings someone to the code page with the mail in their hands.
func (w *world) atCode(t *testing.T) (*client, rig.Mail) {
	t.Helper()
	c := w.client(t)
	var m rig.Mail
	if err := run(func() error { return c.start() }, c.password,
		func() (err error) { m, err = c.mail(patience); return err }); err != nil {
		t.Fatal(err)
	}
	w.idle(t)
	return c, m
}

// guard: what spends the code, the session and its audit row are one transaction
func TestREL004_AllOrNothingOfARightAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := 0, 0
		for n := 1; ; n++ {
			c, m := w.atCode(t)
			w.order(t, "kill", n, "")
			played := c.answer(m, false)
			if !w.awaitHit(100*time.Millisecond) && !w.justHit(t) {
				if played != nil {
					t.Error(played)
				}
				break
			}
			w.dead(t)
			w.audit(t, false)
			w.restart(t)
			if w.sessionsOf(t, c.u) == 1 {
				after++
				continue
			}
			before++ // nothing was spent: in the same flow and life the code is good, once
			w.worksOnce(t, c, m)
		}
		if before == 0 || after == 0 {
			t.Errorf("%d times nothing and %d times everything was there", before, after)
		}
	})
}

// guard: a try is written down before anyone is told what came of it
func TestREL004_AWrongAnswerThatWasToldStaysCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, m := w.atCode(t)
		for left := 4; left >= 2; left-- {
			if err := c.wrong(m); err != nil {
				t.Fatal(err)
			}
			w.A.Kill()
			w.dead(t)
			w.audit(t, false) // the client was told, so the rows must know
			w.restart(t)
			if err := c.get(rig.PathCode); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := c.wrong(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.answer(m, false); err == nil {
			t.Error("the sixth answer was judged")
		}
	})
}

// unseen signs someone in and kills the program before it can say so.
func (w *world) unseen(t *testing.T) (*client, rig.Mail, string) {
	t.Helper()
	c, m := w.atCode(t)
	w.order(t, "kill", 1, `^committed\s`) // nothing else is going on
	if err := c.answer(m, false); err == nil {
		t.Fatal("the program said that it is done")
	}
	w.awaitHit(patience)
	w.dead(t)
	w.audit(t, false)
	w.restart(t)
	ids := w.Texts(t, `SELECT s.id FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		WHERE u.email = $1`, c.u.Email)
	if len(ids) != 1 {
		t.Fatalf("%d sessions", len(ids))
	}
	return c, m, ids[0]
}

// guard: the token of a session exists nowhere but in the answer that was lost; it idles out
func TestREL005_TheUnseenSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, m, id := w.unseen(t)
		company := c.u.Tenant.ID
		flow := strings.Split(c.p.Cookie("flow"), ".")
		for name, cookie := range map[string]string{
			"nothing": "", "the flow's token": company + "." + id + "." + flow[2],
			"the flow's cookie": strings.Join(flow, "."),
			"a guess":           company + "." + id + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
			"the id":            company + "." + id + "." + id,
			"the link's token":  company + "." + id + "." + m.Link[strings.LastIndexByte(m.Link, '.')+1:],
		} {
			if c.signedInWith(t, cookie) {
				t.Errorf("%s opens the session that no one was told of", name)
			}
		}
		if !strings.Contains(w.CLI(t, "audit", "list", "--tenant", company, "--action", "signin.completed"),
			"subject="+id) {
			t.Error("the session is not listed")
		}
		token := randomToken()
		// as if someone knew it
		w.Tamper(t, `UPDATE sessions SET token_hash = $1 WHERE id = $2`, secret.Hash(token), id)
		if !c.signedInWith(t, company+"."+id+"."+token) {
			t.Fatal("the test does not open the session of which it knows the token")
		}
		w.restart(t) // forgets when that was
		w.later(t, 61*time.Minute)
		if c.signedInWith(t, company+"."+id+"."+token) {
			t.Error("the session does not end by being idle")
		}
		w.goOn(t, c, "after an unseen session", nil)
	})
}

func randomToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// signedInWith tells whether a session's cookie opens the start page.
func (c *client) signedInWith(t *testing.T, cookie string) bool {
	t.Helper()
	p := c.w.Person(t).Via(c.w.via)
	if cookie != "" {
		p.SetCookie("session", cookie)
	}
	pg, err := p.Try(p.Request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	return pg.Status == http.StatusOK
}

// guard: a code is spent once, no matter who heard of it
func TestREL006_TheAnswerIsLostOnTheWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, how := range []string{"typed", "link"} {
			c, m := w.atCode(t)
			if how == "link" {
				if err := c.get(m.Link); err != nil {
					t.Fatal(err)
				}
			}
			w.wire.lose(true)
			lost := make(chan error, 1)
			go func() {
				if how == "link" {
					lost <- c.post(m.Link)
				} else {
					lost <- c.answer(m, false)
				}
			}()
			rig.Within(t, 10*time.Second, "the program signs the person in",
				func() bool { return w.sessionsOf(t, c.u) == 1 })
			w.wire.cut()
			if err := <-lost; err == nil {
				t.Fatal("the answer arrived")
			}
			w.wire.lose(false)
			w.sentAgain(t, c, how)
		}
		w.A.Kill()
		w.dead(t)
		w.audit(t, true)
	})
}

// sentAgain: the same answer once more signs no one in, the page says so in words, and from
// there the person gets in.
func (w *world) sentAgain(t *testing.T, c *client, how string) {
	t.Helper()
	for range 3 {
		if err := c.last(); err != nil {
			t.Fatalf("%s: sent again: %v", how, err)
		}
		if n := w.sessionsOf(t, c.u); n != 1 || c.p.Cookie("session") != "" {
			t.Fatalf("%s: sent again, the code gave %d sessions; cookie %t", how, n, c.p.Cookie("session") != "")
		}
	}
	words := map[string]string{"typed": "This sign-in is already finished", "link": "This link was already used"}[how]
	if c.page.Status != http.StatusGone || !c.page.Says(words) || c.page.LinkSaying("ign") == "" {
		t.Errorf("%s: the page does not say what happened and lead on: status %d %s", how, c.page.Status,
			rig.Quietly(c.page.Text()))
	}
	w.goOn(t, c, "an answer that was lost", nil)
}

// guard: session.Recall takes the token before one that no one has shown
func TestREL006_TheRenewalOfAMemoryIsLost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, m := w.atCode(t)
		if err := c.answer(m, true); err != nil {
			t.Fatal(err)
		}
		kept := c.p.Cookie("browser")
		for n := range int64(2) {
			if err := run(c.signOut, func() error { return c.start() }); err != nil {
				t.Fatal(err)
			}
			w.loseAnswer(t, c.password, "the program signs the person in",
				func() bool { return w.sessionsOf(t, c.u) == n+2 })
			if c.p.Cookie("browser") != kept {
				t.Fatal("the answer arrived")
			}
			w.later(t, 7*time.Second)
		}
		c.in(t, "the token that was shown before the answer was lost")
		w.later(t, 20*24*time.Hour)
		c.in(t, "the newest token")
		if c.p.Cookie("browser") == kept {
			t.Error("the memory was not renewed")
		}
		w.audit(t, true)
	})
}

// loseAnswer does a step whose answer never arrives, once it has had its effect.
func (w *world) loseAnswer(t *testing.T, step func() error, effect string, happened func() bool) {
	t.Helper()
	w.wire.lose(true)
	lost := make(chan error, 1)
	go func() { lost <- step() }()
	rig.Within(t, 10*time.Second, effect, happened)
	w.wire.cut()
	if err := <-lost; err == nil {
		t.Fatal("the answer arrived")
	}
	w.wire.lose(false)
}

// in signs out and in again with the password alone.
func (c *client) in(t *testing.T, with string) {
	t.Helper()
	if err := run(c.signOut, func() error { return c.start() },
		func() error { return c.must(c.password) }); err != nil {
		t.Fatalf("%s: %v", with, err)
	}
}
