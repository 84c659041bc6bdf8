package acceptance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/acceptance/rig"
)

// kinds are the second steps that people set up by themselves.
var kinds = []string{"totp", "sms", "push", "passkey", "backup"}

// means is one method as its owner has it at hand.
type means struct {
	kind  string
	right func(t *testing.T, p *rig.Person) url.Values // answers the page that p looks at
	wrong url.Values
}

// hoard is someone with methods, signed in to their profile.
type hoard struct {
	*rig.User
	w     *rig.Armed
	owner *rig.Person
	means map[string]*means
	codes []string                    // of the newest sheet, unused first
	signs func(options string) string // by the passkey
}

// armed runs fn on both databases, in a world where every method can be set up.
func armed(t *testing.T, fn func(t *testing.T, w *rig.Armed)) {
	t.Helper()
	rig.EachArmed(t, fn)
}

// eachKind is armed, for each kind of method and someone who has it.
func eachKind(t *testing.T, fn func(t *testing.T, h *hoard, kind string)) {
	t.Helper()
	armed(t, func(t *testing.T, w *rig.Armed) {
		for _, kind := range kinds {
			t.Run(kind, func(t *testing.T) { fn(t, has(t, w, w.Covered(t), kind), kind) })
		}
	})
}

// has makes someone who has these kinds, and backup codes.
func has(t *testing.T, w *rig.Armed, c *rig.Tenant, with ...string) *hoard {
	t.Helper()
	h := &hoard{User: c.Crowd(t, 1)[0], w: w, owner: w.Person(t), means: map[string]*means{}}
	enter(t, h.owner, h.User, inProfile)
	mailed(t, w.World, h.owner, h.User, 1).Expect(t, 200, "Choose a sign-in method")
	if slices.Equal(with, []string{"backup"}) {
		with = []string{"totp", "backup"} // codes stand in for something
	}
	for _, kind := range with {
		if kind != "backup" {
			h.add(t, h.owner, inProfile, kind)
		}
	}
	h.add(t, h.owner, inProfile, "backup")
	return h
}

// add sets one more method up, in one of the places.
func (h *hoard) add(t *testing.T, p *rig.Person, base, kind string) {
	t.Helper()
	switch kind {
	case "totp":
		h.means[kind] = app(addApp(t, h.w.World, p, base, "Phone"))
	case "sms":
		h.means[kind] = h.telephone(t, p, base)
	case "push":
		h.means[kind] = h.receiver(t, p, base)
	case "passkey":
		h.means[kind] = h.key(t, p, base)
	case "backup":
		h.codes = addCodes(t, p, base)
		h.means[kind] = &means{kind, func(t *testing.T, _ *rig.Person) url.Values {
			code := h.codes[0]
			h.codes = h.codes[1:]
			return rig.Typed(code)
		}, rig.Typed("1-AAAA-AAAA-AAAAA")}
	}
	if p.Page.Status != 200 && p.Page.Left == nil {
		t.Fatalf("%s is not set up (status %d): %s", kind, p.Page.Status, rig.Quietly(p.Page.Text()))
	}
}

func app(g *gadget) *means {
	return &means{"totp", func(t *testing.T, _ *rig.Person) url.Values { return rig.Typed(g.code(t)) },
		rig.Typed(g.wrong())}
}

func (h *hoard) telephone(t *testing.T, p *rig.Person, base string) *means {
	t.Helper()
	typed, to := number(h.w.World)
	p.Post(base+"/sms", form("country", "DE", "number", typed)).Expect(t, 200, "Enter the code from the text message")
	p.Submit(base+"/sms/confirm", "code", h.text(t, to, p.Page))
	return &means{"sms", func(t *testing.T, p *rig.Person) url.Values { return rig.Typed(h.text(t, to, p.Page)) },
		rig.Typed("000000")}
}

// text is the code in the text that a page speaks of.
func (h *hoard) text(t *testing.T, to string, pg *rig.Page) (code string) {
	t.Helper()
	rig.Within(t, wait, "a text to "+to+" with the reference "+pg.Reference(), func() bool {
		all := h.w.Received(to)
		i := slices.IndexFunc(all, func(text carrier.Text) bool { return strings.Contains(text.Body, pg.Reference()) })
		if i >= 0 {
			code = rig.CodeIn(t, all[i])
		}
		return i >= 0
	})
	return code
}

func (h *hoard) receiver(t *testing.T, p *rig.Person, base string) *means {
	t.Helper()
	b := h.w.Push.Subscribe()
	b.Key = keyOn(p.Get(base + "/push"))
	p.Submit(base+"/push", "subscription", b.JSON()).Expect(t, 200)
	p.Submit(base+"/push/confirm", "code", arrived(t, b.Wait(t, 1)).Code, "name", "Tablet")
	return &means{"push", func(t *testing.T, p *rig.Person) (out url.Values) {
		want := p.Page.Reference()
		rig.Within(t, wait, "a push with the reference "+want, func() bool {
			for _, one := range b.Got() {
				if s := arrived(t, one); s.Reference == want {
					out = rig.Typed(s.Code)
				}
			}
			return out != nil
		})
		return out
	}, rig.Typed("000000")}
}

func (h *hoard) key(t *testing.T, p *rig.Person, base string) *means {
	t.Helper()
	k := rig.NewKey()
	options := p.Post(base+"/passkey", url.Values{}).PasskeyOptions("create")
	p.Submit(base+"/passkey/confirm", "assertion", k.Create(options), "name", "Laptop")
	h.signs = k.Get
	return &means{"passkey", func(t *testing.T,
		p *rig.Person) url.Values {
		return rig.Signed(k.Get(p.Page.PasskeyOptions("get")))
	}, rig.Signed(`{"id":"nothing"}`)}
}

// begin brings a new browser to the second step by a kind.
func (h *hoard) begin(t *testing.T, kind string) *rig.Person {
	t.Helper()
	return h.beginIn(t, h.w.Person(t), kind)
}

func (h *hoard) beginIn(t *testing.T, p *rig.Person, kind string) *rig.Person {
	t.Helper()
	p.SetCookie("method", kind) // what it used last
	p.Visit(h.w.Dashboard(t).Visit())
	p.Password(h.Email, h.Password)
	if kind == "backup" {
		p.Post("/signin/other", form("kind", kind))
	}
	if _, ok := p.Page.Form(rig.PathCode); !ok {
		t.Fatalf("not asked for %s (status %d): %s", kind, p.Page.Status, rig.Quietly(p.Page.Text()))
	}
	return p
}

// wins fails unless an answer signs in.
func wins(t *testing.T, p *rig.Person, answer url.Values) {
	t.Helper()
	if pg := p.Post(rig.PathCode, answer); pg.Left == nil && pg.LinkSaying("Continue") == "" {
		t.Fatalf("the right answer is refused (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
	}
}

// loses reports it when an answer opens anything.
func loses(t *testing.T, p *rig.Person, answer url.Values, what string) {
	t.Helper()
	before := p.Cookie("session")
	if pg := p.Post(rig.PathCode, answer); pg.Left != nil || gotSession(pg) || pg.LinkSaying("Continue") != "" ||
		pg.Status >= 500 || p.Cookie("session") != before {
		t.Errorf("%s: status %d: %s", what, pg.Status, rig.Quietly(pg.Text()))
	}
}

// noSession reports it when fn leaves more sessions of the account than there were.
func (h *hoard) noSession(t *testing.T, what string, fn func()) {
	t.Helper()
	before := sessions(t, h.w.World, h.User)
	fn()
	if n := sessions(t, h.w.World, h.User) - before; n != 0 {
		t.Errorf("%s: %d sessions", what, n)
	}
}

// wrongs counts the second steps that were compared and were wrong.
func (h *hoard) wrongs(t *testing.T) int64 {
	t.Helper()
	return h.w.Number(t, `SELECT count(*) FROM audit_events e JOIN directory d ON d.tenant_id = e.tenant_id
		AND d.user_id = e.user_id
		WHERE d.email_key = $1 AND e.action = 'signin.second_factor' AND e.result = 'failed'`, h.Email)
}

// bound are the ids of an account's methods of a kind.
func (h *hoard) bound(t *testing.T, kind string) []string {
	t.Helper()
	return h.w.Texts(t, `SELECT a.id FROM authenticators a JOIN directory d ON d.tenant_id = a.tenant_id
		AND d.user_id = a.user_id WHERE d.email_key = $1 AND a.kind = $2`, h.Email, kind)
}

// remove takes a method away in the owner's profile.
func (h *hoard) remove(t *testing.T, id string) {
	t.Helper()
	at := "/profile/methods/" + id + "/remove"
	h.owner.Get(at)
	h.owner.Submit(at).Expect(t, 200, "Removed")
}

// rest lets the time pass in which messages are counted.
func (h *hoard) rest(t *testing.T) {
	t.Helper()
	h.w.Advance(t, 61*time.Minute)
}
