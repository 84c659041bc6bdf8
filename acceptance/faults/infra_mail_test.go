package faults

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// throughHose starts worlds whose mail goes through a hose.
func throughHose(t *testing.T, o rig.Options, fn func(t *testing.T, w *rig.World, h *hose)) {
	t.Helper()
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := newHose(t, "127.0.0.1:1")
			_, port, _ := net.SplitHostPort(h.addr)
			own := o // each world has its own port; they run side by side
			own.Env = append(slices.Clone(o.Env), "COUNTERSIGN_SMTP_PORT="+port)
			w := fresh(t, engine, own)
			h.target.Store(&w.Sink.Addr)
			fn(t, w, h)
		})
	}
}

// asked brings someone to the code page, whether or not a mail comes.
func asked(t testing.TB, w *rig.World, u *rig.User) *begun {
	t.Helper()
	p := w.Person(t)
	if pg := password(t, w, p, u); pg.Input("code") == nil {
		t.Fatalf("not at the code page: status %d %s", pg.Status, rig.Quietly(pg.Text()))
	}
	return &begun{Person: p, u: u}
}

// state is what the page's live view says of the message.
func (b *begun) state(t testing.TB) string {
	t.Helper()
	req := b.Request(http.MethodGet, rig.PathDelivery, nil)
	req.Header.Set("Accept", "application/json")
	var v struct{ State string }
	pg := b.Send(req)
	if err := json.Unmarshal([]byte(pg.Body), &v); err != nil {
		t.Fatalf("status %d: %v: %s", pg.Status, err, rig.Quietly(pg.Body))
	}
	return v.State
}

func (b *begun) awaitState(t testing.TB, want string) {
	t.Helper()
	rig.Within(t, 30*time.Second, "the page tells "+want, func() bool { return b.state(t) == want })
}

// comes waits for the person's n-th mail and lets them in with it.
func (b *begun) comes(t testing.TB, w *rig.World, n int) {
	t.Helper()
	b.mail = w.Sink.Code(t, b.u.Email, n)
	in(t, b.right(), "with a late mail")
}

// guard: mail leaves outside the request, is tried again, and its state is told
func TestREL011_TheMailServerIsDown(t *testing.T) {
	throughHose(t, rig.Options{}, func(t *testing.T, w *rig.World, h *hose) {
		u := w.Covered(t).User(t)
		h.cut() // connection refused
		b := asked(t, w, u)
		b.awaitState(t, "delayed")
		if !strings.Contains(b.Get(rig.PathCode).Text(), "try") {
			t.Errorf("the page does not say that we go on trying: %s", rig.Quietly(b.Page.Text()))
		}
		h.join(t)
		b.comes(t, w, 1)
	})
}

// guard: a connection that says nothing ends at smtp.timeout and is tried again
func TestREL011_TheMailServerSaysNothing(t *testing.T) {
	throughHose(t, rig.Options{Env: []string{"COUNTERSIGN_SMTP_TIMEOUT=2s"}},
		func(t *testing.T, w *rig.World, h *hose) {
			other := begin(t, w, w.Covered(t).User(t))
			h.clogged.Store(true)
			b := asked(t, w, w.Covered(t).User(t))
			in(t, other.right(), "while the mail server says nothing")
			b.awaitState(t, "delayed")
			h.clogged.Store(false)
			b.comes(t, w, 1)
		})
}

// guard: the timeout is for the whole dialogue, not for each byte
func TestREL011_AByteAtATime(t *testing.T) {
	throughHose(t, rig.Options{Env: []string{"COUNTERSIGN_SMTP_TIMEOUT=2s"}},
		func(t *testing.T, w *rig.World, h *hose) {
			h.piece.Store(1)
			h.pause.Store(int64(50 * time.Millisecond))
			b := asked(t, w, w.Covered(t).User(t))
			b.awaitState(t, "delayed")
			h.pause.Store(0)
			h.piece.Store(0)
			b.comes(t, w, 1)
		})
}

// guard: 4xx is not for good, at any point of the dialogue; the same mail comes again
func TestREL011_NotNow(t *testing.T) {
	eachRelease(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		people := map[string]*begun{}
		for name, b := range map[string]rig.Behaviour{"421 at the recipient": {Busy: 2},
			"451 at the recipient": {Greylist: 2}, "451 after the text": {Defer: 2}} {
			u := w.Covered(t).User(t)
			w.Sink.Behave(u.Email, b)
			people[name] = asked(t, w, u)
		}
		for name, p := range people {
			p.comes(t, w, 1)
			if n := len(w.Sink.Codes(p.u.Email)); n != 1 {
				t.Errorf("%s: %d mails", name, n)
			}
		}
		rig.Within(t, 10*time.Second, "three messages are known to have left with the third attempt", func() bool {
			return w.Number(t, `SELECT count(*) FROM messages WHERE attempts = 3`) == 3
		})
	})
}

// guard: a code that is dead by the time is not delivered, and a new one is offered
func TestREL011_TooLateIsNotDelivered(t *testing.T) {
	throughHose(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World, h *hose) {
		u := w.Covered(t).User(t)
		w.Sink.Behave(u.Email, rig.Behaviour{Greylist: 1})
		b := asked(t, w, u)
		b.awaitState(t, "delayed")
		h.cut()
		w.Advance(t, 11*time.Minute)
		h.join(t)
		rig.Within(t, 20*time.Second, "the message is given up", func() bool {
			return w.Number(t, `SELECT count(*) FROM messages WHERE state = 'failed'`) == 1
		})
		if n := len(w.Sink.Codes(u.Email)); n != 0 {
			t.Errorf("%d dead codes were delivered", n)
		}
		w.SetClock(t, 0) // what is over stays over
		if n := w.Number(t, `SELECT count(*) FROM messages WHERE sealed IS NOT NULL`); n != 0 {
			t.Errorf("%d texts are kept", n)
		}
		in(t, begin(t, w, u).right(), "a new sign-in")
	})
}

// guard: refused for good is told at once and not tried again
func TestREL011_Refused(t *testing.T) {
	eachRelease(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		u, other := w.Covered(t).User(t), w.Covered(t).User(t)
		w.Sink.Behave(u.Email, rig.Behaviour{Refuse: true})
		b := asked(t, w, u)
		b.awaitState(t, "bounced")
		in(t, begin(t, w, other).right(), "someone whose mailbox exists")
		if n := w.Number(t, `SELECT attempts FROM messages WHERE state = 'bounced'`); n != 1 {
			t.Errorf("tried %d times", n)
		}
	})
}

// guard: only the newest code is good, whichever comes last; each names itself
func TestREL012_OutOfOrder(t *testing.T) {
	eachRelease(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		b := begin(t, w, u)
		older := b.mail
		w.Advance(t, 31*time.Second)
		pg := b.NewCode()
		newer := w.Sink.Code(t, u.Email, 2)
		if older.Reference == newer.Reference || older.Reference == "" || !pg.Says(newer.Reference) ||
			pg.Says(older.Reference) {
			t.Errorf("references %s and %s: %s", older.Reference, newer.Reference, rig.Quietly(pg.Text()))
		}
		if pg := b.Code(older.Code); older.Code != newer.Code && (pg.Left != nil || gotSession(pg)) {
			t.Error("an older code is good")
		}
		if pg := b.OpenLink(older.Link); gotSession(pg) {
			t.Error("an older link is good")
		}
		b.Get(rig.PathCode)
		in(t, b.Code(newer.Code), "with the newest code")
	})
}

// guard: what cannot be sent is set aside; errors hold no content
func TestREL025_APoisonedMessageIsAlone(t *testing.T) {
	throughHose(t, rig.Options{}, func(t *testing.T, w *rig.World, h *hose) {
		poisoned, other := w.Covered(t).User(t), w.Covered(t).User(t)
		h.cut()
		b := asked(t, w, poisoned)
		b.awaitState(t, "delayed")
		w.Tamper(t, `UPDATE messages SET sealed = $1 WHERE sealed IS NOT NULL`, []byte("this opens nothing"))
		w.Tamper(t,
			`INSERT INTO jobs (tenant_id, id, kind, args, attempts, run_at, claimed_until, done_at, failed_at, last_error) VALUES ('installation', 'poison', $1, 'not even JSON', 0, 0, 0, 0, 0, '')`,
			w.Texts(t, `SELECT kind FROM jobs LIMIT 1`)[0])
		h.join(t)
		in(t, begin(t, w, other).right(), "beside a poisoned message")
		b.awaitState(t, "failed")
		rig.Within(t, 15*time.Second, "the poisoned job is set aside", func() bool {
			return w.Number(t, `SELECT count(*) FROM jobs WHERE id = 'poison' AND failed_at > 0`) == 1
		})
		if n := w.Number(t, `SELECT count(*) FROM jobs WHERE done_at = 0 AND failed_at = 0`); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
		for _, said := range append(w.Texts(t, `SELECT last_error FROM jobs`), w.A.Log()) {
			for _, m := range w.Sink.All() {
				if m.Code != "" && strings.Contains(said, m.Code) || strings.Contains(said, poisoned.Email) {
					t.Errorf("an error tells content: %s", rig.Quietly(said))
				}
			}
		}
	})
}
