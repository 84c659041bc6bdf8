package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/acceptance/carrier"
	"countersign/acceptance/rig"
	"countersign/internal/message/push/pushtest"
)

// The levels, as the walk counts them.
const (
	byPassword = 1 + iota
	byMail
	byDevice
	byPasskey
)

// levelOf is what an acr value says; 0 for none.
func levelOf(acr string) int {
	return 1 + slices.Index([]string{rig.Level1, rig.Level1e, "urn:countersign:acr:2", "phr"}, acr)
}

// device is something that someone set up, and keeps.
type device struct {
	id, kind string
	who      *account
	by       *account // who set it up; all attackers are one
	thief    bool
	flow     *half // that it was set up in
	gone     bool
	bound    time.Time
	disputed bool // set up in a sign-in that was reported: it proves nothing, and goes on protecting
	disabled bool // after wrong answers: it proves nothing either, and goes on protecting

	secret  []byte   // of an app
	last    int64    // the newest step that was accepted
	key     *rig.Key // of a passkey
	number  string   // of a telephone
	browser *pushtest.Browser
	codes   map[string]bool // of a sheet; true = used
	sheet   []string
}

func (d *device) level() int {
	if d.kind == "passkey" {
		return byPasskey
	}
	return byDevice
}

// setUp is a set-up that was begun, until its first proof.
type setUp struct {
	*device
	holder string // the cookie of the session or of the flow
	ref    string // what the browser in which it began holds
	begun  time.Time
}

// live lists what an account may sign in with, of a kind or of any.
func (a *account) live(kind string) (out []*device) {
	for _, d := range a.devices {
		if d.works() && (kind == "" || d.kind == kind) {
			out = append(out, d)
		}
	}
	return out
}

// tried lists what someone may try: mostly what works, now and then what does not any more.
func (a *account) tried(s step) []*device {
	if s.C%3 == 0 {
		return slices.Clone(a.devices)
	}
	return a.live("")
}

func (d *device) works() bool { return !d.gone && !d.disputed && !d.disabled }

// strong reports whether a mailbox is not enough any more: there is a second factor, whether
// it works or not, or people took the last one away.
func (a *account) strong() bool {
	return !a.resetAt.IsZero() ||
		slices.ContainsFunc(a.devices, func(d *device) bool { return !d.gone && d.kind != "backup" })
}

// disputed reports whether something was set up in a sign-in that was reported.
func (a *account) disputed() bool {
	return slices.ContainsFunc(a.devices, func(d *device) bool { return !d.gone && d.disputed })
}

// protection is the level of the account itself (the second oracle): what every session needs
// where a second step applies, and every change of the account. A passkey raises it no further.
func (a *account) protection() int {
	if a.strong() {
		return byDevice
	}
	return byMail
}

// need is the level that is enough for an account and an app, without a memory.
func (a *account) need(w *wish) int {
	need := max(byPassword, levelOf(w.acr))
	if a.of.required(w.app) || need >= byMail {
		need = max(need, a.protection())
	}
	return need
}

// holds reports whether a browser has a device at hand.
func (b *tab) holds(d *device) bool { return d.thief == b.attacker && (b.attacker || d.by == b.owner) }

var methodKinds = []string{"totp", "passkey", "backup", "sms", "push"}

// prove answers what the page asks for, as far as this browser's owner can.
func (k *stage) prove(b *tab, s step) {
	f := k.flowOf(b.cookies().flow)
	if f == nil || b.page == nil {
		return
	}
	if _, asks := b.page.Form(rig.PathCode); !asks {
		return
	}
	mine := slices.DeleteFunc(f.who.tried(s), func(d *device) bool { return !b.holds(d) })
	of := func(kind string) *device {
		return pick(slices.DeleteFunc(slices.Clone(mine), func(d *device) bool { return d.kind != kind }), s.A)
	}
	form := url.Values{}
	if s.B%4 == 0 {
		form.Set("remember", "on")
	}
	options := b.page.PasskeyOptions("get")
	switch d := of("passkey"); {
	case options != "" && d != nil:
		form.Set("assertion", k.sign(d, options, b.cookies().flow))
	case b.page.Says("Open your authenticator app") && of("totp") != nil:
		d := of("totp")
		if step := k.w.Now().Unix() / 30; step <= d.last && s.C%2 == 0 {
			k.w.Advance(k.t, time.Duration(d.last+1-step)*30*time.Second)
		}
		form.Set("code", rig.TOTP(d.secret, k.w.Now().Unix()/30))
	case b.page.Says("Use a backup code") && of("backup") != nil:
		form.Set("code", pick(of("backup").sheet, s.C))
	default:
		if l := k.mail(b, 0, true); l != nil {
			form.Set("code", l.Code)
		}
	}
	k.walk(request{tab: b, method: http.MethodPost, target: rig.PathCode, form: form})
}

// sign makes an assertion, and remembers what it is good for.
func (k *stage) sign(d *device, options, flow string) string {
	assertion := d.key.Get(options)
	k.signed[assertion] = &signature{d, flow, false}
	return assertion
}

type signature struct {
	*device
	flow  string // the cookie of the flow that asked; empty for a sign-in by passkey alone
	spent bool
}

// otherWay asks for another kind.
func (k *stage) otherWay(b *tab, s step) {
	k.post(b, "/signin/other", "kind", pick([]string{"totp", "passkey", "backup", "sms", "push", "email"}, s.A))
	if s.B%2 == 0 {
		k.prove(b, s)
	}
}

// held is what a browser has at hand, of anyone's.
func (k *stage) held(b *tab, kind string, s step) (out []*device) {
	for _, who := range k.people {
		out = append(out, slices.DeleteFunc(who.tried(s),
			func(d *device) bool { return !b.holds(d) || kind != "" && d.kind != kind })...)
	}
	return out
}

// alonePasskey signs in with a passkey and nothing else.
func (k *stage) alonePasskey(b *tab, s step) {
	d := pick(k.held(b, "passkey", s), s.A)
	pg := k.get(b, "/signin?other&to="+url.QueryEscape(k.sealed(s.C)))
	f, asks := pg.Form("/signin/passkey")
	if d == nil || !asks {
		return
	}
	f.Values.Set("assertion", k.sign(d, pg.PasskeyOptions("conditional"), ""))
	k.walk(request{tab: b, method: http.MethodPost, target: "/signin/passkey", form: f.Values})
	if s.B%5 == 0 { // and once more
		k.walk(request{tab: b, method: http.MethodPost, target: "/signin/passkey", form: f.Values})
	}
}

// toChange brings a browser to a page that asks for a new sign-in, as far as it gets.
func (k *stage) toChange(b *tab, target string, s step) *rig.Page {
	pg := k.get(b, target)
	if f, up := pg.Form(rig.PathStepUp); up {
		pg = k.post(b, rig.PathStepUp, "to", f.Values.Get("to"))
	} else if f, asks := pg.Form(rig.PathPassword); asks {
		who := k.who(b, s.B)
		pg = k.post(b, rig.PathPassword, "to", f.Values.Get("to"), "email", who.Email, "password", who.Password)
	}
	if _, asks := pg.Form(rig.PathCode); asks {
		k.prove(b, s)
	}
	return b.page
}

// addMethod sets something up: in the sign-in that waits for it, or in a session. Now and
// then the set-up is left, or the last step is taken without the first.
func (k *stage) addMethod(b *tab, s step) {
	base, kind := "/profile/add", pick(methodKinds, s.A)
	if f := k.flowOf(b.cookies().flow); f.open(k.w.Now()) && s.B%3 > 0 {
		base = "/signin/set-up"
		if b.page != nil && b.page.Says("backup codes") && s.C%2 == 0 {
			kind = "backup"
		}
	} else if s.B%6 > 0 {
		k.toChange(b, base, s)
	}
	if s.C%5 == 4 { // as anyone who has copied the session of someone that began
		k.get(b, base+"/"+kind)
	} else {
		k.begins(b, base, kind, s)
	}
	if s.C%7 > 0 {
		k.confirms(b, base, kind, s)
	}
}

func (k *stage) begins(b *tab, base, kind string, s step) {
	form, d := url.Values{}, &device{kind: kind, by: b.owner, thief: b.attacker}
	switch kind {
	case "sms":
		d.number = k.house.number()
		form = url.Values{"country": {"DE"}, "number": {"0" + strings.TrimPrefix(d.number, "+49")}}
	case "push":
		d.browser = k.house.armed.Push.Subscribe()
		form.Set("subscription", d.browser.JSON())
	}
	k.made = d
	k.walk(request{tab: b, method: http.MethodPost, target: base + "/" + kind, form: form})
}

func (k *stage) confirms(b *tab, base, kind string, s step) {
	if b.page == nil {
		return
	}
	f, asks := b.page.Form(base + "/" + kind + "/confirm")
	u := k.pending(b, base, kind)
	if !asks {
		f.Values = url.Values{"draft": {"nothing"}}
	}
	if f.Values.Get("draft") == "nothing" && u != nil && u.id != "" && kind != "passkey" &&
		!slices.Contains(u.who.devices, u.device) {
		f.Values.Set("draft", u.id)
	}
	code := rig.Digits(int(s.A%1_000_000), 6)
	if d := u; d != nil && s.B%9 > 0 {
		switch kind {
		case "totp":
			code = rig.TOTP(d.secret, k.w.Now().Unix()/30)
		case "passkey":
			if options := b.page.PasskeyOptions("create"); options != "" && d.key != nil {
				f.Values.Set("assertion", d.key.Create(options))
			}
		case "backup":
			code = pick(d.sheet, s.C)
		case "sms":
			code = k.texted(d.number, b.page.Reference())
		case "push":
			code = k.pushed(d.browser)
		}
	}
	f.Values.Set("code", code)
	k.walk(request{tab: b, method: http.MethodPost, target: base + "/" + kind + "/confirm", form: f.Values})
}

// holderOf is the cookie that a set-up in one of the places belongs to.
func holderOf(c cookies, base string) string {
	if strings.HasPrefix(base, "/signin/") {
		return c.flow
	}
	return c.session
}

// pending is the newest set-up of a kind that this browser has begun.
func (k *stage) pending(b *tab, base, kind string) *setUp {
	for _, u := range slices.Backward(k.setUps) {
		if u.holder == holderOf(b.cookies(), base) && u.kind == kind {
			return u
		}
	}
	return nil
}

// texted is the code of the text that a page speaks of.
func (k *stage) texted(number, reference string) (code string) {
	rig.Within(k.t, 20*time.Second, "a text with the reference of the page", func() bool {
		all := k.house.armed.Received(number)
		i := slices.IndexFunc(all, func(t carrier.Text) bool { return strings.Contains(t.Body, reference) })
		if i >= 0 {
			code = rig.CodeIn(k.t, all[i])
		}
		return i >= 0
	})
	return code
}

// removeMethod takes something away, from one's own profile or by anyone's id.
func (k *stage) removeMethod(b *tab, s step) {
	d := pick(k.held(b, "", s), s.B)
	if s.A%4 == 0 {
		d = pick(k.who(b, s.A).live(""), s.B)
	}
	if d == nil {
		return
	}
	at := "/profile/methods/" + d.id + "/remove"
	if s.C%4 > 0 {
		k.toChange(b, at, s)
	}
	k.post(b, at)
}

// number is a mobile number that no one else here has.
func (h *house) number() string {
	h.numbers++
	return fmt.Sprintf("+49151%08d", 30_000_000+1_000*h.numbers) // each in a range of its own
}

// shownOn is the code that a receiver shows for a reference, or the newest of a set-up.
func shownOn(b *pushtest.Browser, reference string) (code string) {
	for _, one := range b.Got() {
		var s struct{ Code, Reference string }
		if json.Unmarshal(one.Plain, &s) == nil && s.Reference == reference {
			code = s.Code
		}
	}
	return code
}

func (k *stage) pushed(b *pushtest.Browser) (code string) {
	rig.Within(k.t, 20*time.Second, "a push of a set-up", func() bool {
		code = shownOn(b, "")
		return code != ""
	})
	return code
}
