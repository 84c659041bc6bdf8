package walk

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/web"
)

// step is one move, described without anything that chance makes: numbers that choose among
// what there is at the time. The same steps take the same way in any world.
type step struct {
	Move    int
	Tab     int
	A, B, C uint32
}

func (s step) String() string {
	return fmt.Sprintf("%s tab=%d a=%d b=%d c=%d", moves[s.Move].name, s.Tab, s.A, s.B, s.C)
}

// move is something that can be done, and how often it is.
type move struct {
	name   string
	weight int
	do     func(k *stage, b *tab, s step)
}

var moves = []move{
	{"visit", 8, func(k *stage, b *tab, s step) { w, options := k.pickWish(s.A, s.B); k.visit(b, w, options) }},
	{"whole", 22, (*stage).whole},
	{"half", 8, (*stage).half},
	{"password", 6, (*stage).password},
	{"code", 8, func(k *stage, b *tab, s step) { k.answer(b, k.mail(b, s.A, true), s.C) }},
	{"any code", 6, func(k *stage, b *tab, s step) { k.answer(b, k.mail(b, s.A, false), s.C) }},
	{"guess", 5, func(k *stage, b *tab, s step) {
		k.post(b, rig.PathCode, "code", rig.Digits(int(s.A%1_000_000), 6))
	}},
	{"new code", 4, func(k *stage, b *tab, s step) { k.post(b, rig.PathNewCode) }},
	{"cancel", 1, func(k *stage, b *tab, s step) { k.post(b, rig.PathCancel) }},
	{"link", 8, (*stage).link},
	{"not me", 1, (*stage).notMeMove},
	{"forward", 3, (*stage).forward},
	{"steal", 4, (*stage).steal},
	{"plant", 7, (*stage).plant},
	{"forge", 3, (*stage).forge},
	{"step up", 5, func(k *stage, b *tab, s step) { k.post(b, rig.PathStepUp, "to", k.sealed(s.A)) }},
	{"resume", 3, func(k *stage, b *tab, s step) { k.get(b, "/authorize/resume?to="+url.QueryEscape(k.sealed(s.A))) }},
	{"sign out", 2, func(k *stage, b *tab, s step) { k.post(b, rig.PathSignOut) }},
	{"logout", 2, (*stage).logout},
	{"redeem", 8, (*stage).redeem},
	{"refresh", 5, (*stage).refresh},
	{"userinfo", 5, (*stage).userinfo},
	{"new password", 3, func(k *stage, b *tab, s step) {
		k.post(b, "/signin/new-password", "password", fmt.Sprintf("canary walked battery %d staple", s.A%1000))
	}},
	{"forgot", 2, (*stage).forgot},
	{"wait", 3, func(k *stage, b *tab, s step) { k.w.Advance(k.t, pick(waits, s.A)) }},
	{"operator", 3, (*stage).operator},
	{"methods by hand", 3, (*stage).byHand},
	{"poke", 20, (*stage).poke},
	{"prove", 8, (*stage).prove},
	{"other way", 4, (*stage).otherWay},
	{"passkey alone", 6, (*stage).alonePasskey},
	{"add a method", 16, (*stage).addMethod},
	{"copied session", 6, (*stage).copied},
	{"remove a method", 5, (*stage).removeMethod},
	{"change address", 5, (*stage).changeAddress},
	{"undo address", 2, (*stage).undoAddress},
}

var waits = []time.Duration{time.Second, 31 * time.Second, 31 * time.Second, 5 * time.Minute, 11 * time.Minute,
	61 * time.Minute, 61 * time.Minute, 3 * time.Hour, 25 * time.Hour, 8 * 24 * time.Hour}

func pick[T any](all []T, n uint32) (one T) {
	if len(all) > 0 {
		one = all[int(n)%len(all)]
	}
	return one
}

func (k *stage) get(b *tab, target string) *rig.Page {
	return k.walk(request{tab: b, method: http.MethodGet, target: target})
}

func (k *stage) post(b *tab, target string, pairs ...string) *rig.Page {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			form.Set(pairs[i], pairs[i+1])
		}
	}
	return k.walk(request{tab: b, method: http.MethodPost, target: target, form: form})
}

// pickWish makes what an app may ask for.
func (k *stage) pickWish(which, how uint32) (*wish, []string) {
	w := &wish{app: pick(k.apps, which)}
	options := pick([][]string{nil, nil, nil, {"prompt", "none"}, {"prompt", "login"}, {"max_age", "0"},
		{"acr_values", rig.Level1e}, {"acr_values", rig.Level1}, {"acr_values", "urn:countersign:acr:2"},
		{"acr_values", "phr"}, {"response_mode", "form_post"}}, how)
	if len(options) > 0 {
		switch options[0] {
		case "prompt", "max_age":
			if options[1] != "none" {
				w.fresh = k.w.Now()
			}
		case "acr_values":
			w.acr = options[1]
		}
	}
	return w, options
}

func (k *stage) visit(b *tab, w *wish, options []string) *rig.Page {
	v := w.app.Visit(options...)
	w.verifier = v.Verifier
	return k.walk(request{tab: b, method: http.MethodGet, target: strings.TrimPrefix(v.URL, rig.PublicURL), wish: w})
}

// who is someone whose password is tried here: people try their own, attackers anyone's.
func (k *stage) who(b *tab, n uint32) *account {
	if b.attacker {
		return pick(k.people, n)
	}
	return b.owner
}

func (k *stage) sealed(n uint32) string {
	return pick(append(slices.Clone(k.order), ""), n)
}

func (k *stage) password(b *tab, s step) {
	who := k.who(b, s.A)
	given := who.Password
	if s.C%5 == 0 {
		given = "not the password of anyone"
	}
	to := k.sealed(s.B)
	if f, asks := k.form(b, rig.PathPassword); asks && s.B%2 == 0 {
		to = f.Get("to")
	}
	k.post(b, rig.PathPassword, "to", to, "email", who.Email, "password", given)
}

// form is a form on the page that a browser shows.
func (k *stage) form(b *tab, path string) (url.Values, bool) {
	if b.page == nil {
		return nil, false
	}
	f, ok := b.page.Form(path)
	return f.Values, ok
}

// whole goes all the way to an app, as far as this browser's mail lets it.
func (k *stage) whole(b *tab, s step) {
	w, _ := k.pickWish(s.A, 0)
	pg := k.visit(b, w, nil)
	if _, up := pg.Form(rig.PathStepUp); up && s.B%2 == 0 {
		f, _ := pg.Form(rig.PathStepUp)
		k.post(b, rig.PathStepUp, "to", f.Values.Get("to"))
	} else if f, asks := pg.Form(rig.PathPassword); asks {
		k.post(b, rig.PathPassword, "to", f.Values.Get("to"), "email", b.owner.Email, "password", b.owner.Password)
	}
	k.prove(b, s)
	if f, asks := k.form(b, "/signin/new-password"); asks {
		f.Set("password", fmt.Sprintf("canary whole battery %d staple", s.C%1000))
		k.walk(request{tab: b, method: http.MethodPost, target: "/signin/new-password", form: f})
	}
}

// half stops at the second step, with a password that is known.
func (k *stage) half(b *tab, s step) {
	b.persons[0].SetCookie("session", "")
	w, options := k.pickWish(s.A, s.C)
	if f, asks := k.visit(b, w, options).Form(rig.PathPassword); asks {
		who := k.who(b, s.B)
		k.post(b, rig.PathPassword, "to", f.Values.Get("to"), "email", who.Email, "password", who.Password)
	}
}

// mail is a letter that this browser's owner can read: the newest for the sign-in under
// way here, or any.
func (k *stage) mail(b *tab, n uint32, newest bool) *letter {
	var mine []*letter
	for _, l := range k.letters {
		if l.via != nil {
			if b.holds(l.via) {
				mine = append(mine, l)
			}
			continue
		}
		if l.flow.who == b.owner || b.attacker && (slices.Contains(k.forwarded, l) || k.attackers(l.flow.who)) {
			mine = append(mine, l)
		}
	}
	if !newest {
		return pick(mine, n)
	}
	f := k.flowOf(b.cookies().flow)
	for _, l := range slices.Backward(mine) {
		if l.flow == f {
			return l
		}
	}
	return nil
}

func (k *stage) attackers(a *account) bool {
	return slices.ContainsFunc(k.tabs, func(b *tab) bool { return b.attacker && b.owner == a })
}

func (k *stage) answer(b *tab, l *letter, how uint32) {
	if l == nil {
		return
	}
	code := l.Code
	if how%7 == 0 {
		code = " " + code[:3] + "-" + code[3:]
	}
	remember := ""
	if how%2 == 0 {
		remember = "on"
	}
	k.post(b, rig.PathCode, "code", code, "remember", remember)
}

func (k *stage) link(b *tab, s step) {
	l := k.mail(b, s.A, s.B%2 == 0)
	if l == nil {
		return
	}
	k.get(b, l.Link)
	if s.C%3 > 0 {
		k.post(b, l.Link, "remember", []string{"", "on"}[s.C%2])
	}
}

func (k *stage) notMeMove(b *tab, s step) {
	if l := k.mail(b, s.A, false); l != nil {
		k.get(b, l.NotMe)
		k.post(b, l.NotMe)
	}
}

// forward gives an attacker a mail that someone else received.
func (k *stage) forward(_ *tab, s step) {
	if l := pick(k.letters, uint32(len(k.letters))-1-s.A%3%max(uint32(len(k.letters)), 1)); l != nil && s.B%2 == 0 {
		k.forwarded = append(k.forwarded, l)
	}
}

// steal copies a cookie out of someone's browser.
func (k *stage) steal(_ *tab, s step) {
	name := pick(cookieNames, s.B)
	if v := pick(k.tabs, s.A).persons[0].Cookie(name); v != "" {
		k.loot[name] = append(k.loot[name], v)
	}
}

var cookieNames = []string{"flow", "session", "browser", "device", "set-up"}

// plant puts stolen cookies, of any kind, into an attacker's jar and under any name.
func (k *stage) plant(b *tab, s step) {
	if !b.attacker {
		return
	}
	from := pick(cookieNames, s.A)
	to := from
	if s.C%5 == 0 {
		to = pick(cookieNames, s.C)
	}
	if v := pick(k.loot[from], s.B); v != "" {
		b.persons[0].SetCookie(to, v)
		k.get(b, pick([]string{"/", rig.PathCode, "/signin", rig.PathDelivery}, s.C))
	}
}

// forge plants a cookie with another company, another row, another token or a changed bit.
func (k *stage) forge(b *tab, s step) {
	name := pick(cookieNames, s.A)
	v, _, _ := strings.Cut(pick(k.loot[name], s.B), "~")
	other := pick(k.loot[pick(cookieNames, s.C)], s.A)
	parts, others := strings.Split(v, "."), strings.Split(other, ".")
	if !b.attacker || len(parts) != 3 || len(others) != 3 {
		return
	}
	parts[s.C%3] = others[s.C%3]
	if s.C%4 == 0 {
		parts[0] = pick(k.companies, s.C).ID
	}
	if s.C%5 == 0 {
		parts[2] = parts[2][:10] + "AAAA" + parts[2][14:]
	}
	b.persons[0].SetCookie(name, strings.Join(parts, "."))
	k.get(b, pick([]string{"/", rig.PathCode, "/signin"}, s.B))
}

// pokes is how many routes one poke asks for.
const pokes = 2

// poke asks for the routes of the inventory in turn, with whatever is at hand.
func (k *stage) poke(b *tab, s step) {
	for n := range uint32(pokes) {
		k.pokeAt(b, s, pick(k.routes.list, s.A+n))
	}
}

func (k *stage) pokeAt(b *tab, s step, one web.Route) {
	value := "nothing"
	if l := k.mail(b, s.B, false); l != nil {
		value = tail(pick([]string{l.Link, l.NotMe}, s.C))
		if strings.HasPrefix(one.Pattern, "/not-me") && s.C%16 > 0 { // said rarely: everything ends with it
			value = tail(l.Link)
		}
	}
	r := request{tab: b, method: one.Method, target: fill(one.Pattern, value)}
	if isForm(one) {
		r.form = url.Values{"to": {k.sealed(s.C)}, "email": {k.who(b, s.B).Email},
			"password": {"not the password of anyone"}, "code": {rig.Digits(int(s.B%1_000_000), 6)},
			"lang": {"en"}, "back": {"/why"}, "token": {"nothing"}, "company": {"Nobody"}, "name": {"Nobody"},
			"hint": {"nothing"}}
	} else if s.C%2 == 0 {
		r.target += "?to=" + url.QueryEscape(k.sealed(s.B))
	}
	k.walk(r)
}

// among picks one of the people that are as asked; nil where none is.
func (k *stage) among(n uint32, fits func(*account) bool) *account {
	return pick(slices.DeleteFunc(slices.Clone(k.people), func(a *account) bool { return !fits(a) }), n)
}

// reset takes everything away from someone whom an administrator has identified.
func (k *stage) reset(who *account) {
	if who == nil || !who.resetAt.IsZero() {
		return
	}
	k.w.CLI(k.t, "user", "methods", "reset", who.Email)
	for _, d := range who.devices {
		d.gone = true
	}
	who.epoch++
	who.mailedAt = time.Time{}
	k.came("methods reset")
	if len(k.w.Texts(k.t, `SELECT id FROM users WHERE released_at = 0 AND id = $1`, who.id)) == 1 {
		who.resetAt = k.w.Now()
	} else {
		who.resetAt = time.Time{} // the company allows nothing that could be set up
	}
}

// restore lets what was disputed be used again.
func (k *stage) restore(who *account) {
	if who == nil {
		return
	}
	for _, d := range who.devices {
		if d.disputed && !d.gone {
			k.w.CLI(k.t, "user", "methods", "restore", who.Email, d.id)
			d.disputed = false
			k.came("method restored")
		}
	}
}

// byHand is what befalls methods other than by their owner.
func (k *stage) byHand(_ *tab, s step) {
	k.touch()
	switch s.B % 4 {
	case 0:
		k.reset(k.among(s.A, (*account).strong))
	case 1:
		k.restore(k.among(s.A, (*account).disputed))
	default:
		k.disable(k.among(s.A, (*account).strong), s.C)
	}
}

// disable leaves a method as a hundred wrong answers in a row leave it.
func (k *stage) disable(who *account, n uint32) {
	if who == nil {
		return
	}
	if d := pick(who.live(""), n); d != nil {
		k.w.Tamper(k.t, `UPDATE authenticators SET disabled_at = $1
			WHERE tenant_id = $2 AND id = $3`, k.w.Now().UnixMicro(), who.of.ID, d.id)
		d.disabled = true
		k.came("method disabled")
	}
}

// enableMethods is what an account's return brings back: methods that are not disputed too.
func (a *account) enableMethods() {
	for _, d := range a.devices {
		d.disabled = d.disabled && d.disputed
	}
}

// operator changes the rules by the command line.
func (k *stage) operator(_ *tab, s step) {
	c, a, who := pick(k.companies, s.A), pick(k.apps, s.A), pick(k.people, s.A)
	k.touch()
	k.came("operator")
	set := func(flags ...string) { k.w.CLI(k.t, append([]string{"tenant", "set", c.ID}, flags...)...) }
	switch s.B % 12 {
	case 0:
		set("--switch", "on")
		c.on = true
	case 1:
		set("--switch", "off")
		c.on = false
	case 2:
		set("--mandate", "mandatory")
		c.mandatory = true
	case 3:
		set("--mandate", "default_off")
		c.mandatory = false
	case 4:
		c.days = []int{-1, 0, 7, 30}[s.C%4]
		set(fmt.Sprintf("--remember-days=%d", c.days))
	case 5:
		k.w.CLI(k.t, "client", "exempt", a.ID, "--until", "forever")
		a.exempt = true
	case 6:
		k.w.CLI(k.t, "client", "require-2fa", a.ID)
		a.exempt = false
	case 7:
		who.disabled = !who.disabled
		k.w.CLI(k.t, "user", "set", who.Email, map[bool]string{true: "--disable", false: "--enable"}[who.disabled])
		if !who.disabled {
			who.enableMethods()
		}
	case 8:
		who.NewPassword(k.t)
		who.epoch, who.flagged = who.epoch+1, false
	case 9:
		c.suspended = !c.suspended
		set(map[bool]string{true: "--suspend", false: "--resume"}[c.suspended])
	case 10:
		set("--methods", pick([]string{"all", "all", "totp,passkey", "email", "passkey,email"}, s.C))
	case 11:
		set("--set-up-by", k.w.Now().Add(time.Duration(1+s.C%80)*24*time.Hour).UTC().Format(time.RFC3339))
	}
}
