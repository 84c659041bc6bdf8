package walk

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"countersign/acceptance/rig"
)

// change is a change of an account's address that was confirmed.
type change struct {
	who  *account
	flow *half // the sign-in of the session in which it was made
	at   time.Time
	undo string // the path in the mail to the old address
}

// asked is an address that was asked for, until its code is typed.
type asked struct {
	to   string
	code string
	ref  string // what the browser in which it was asked for holds
}

const (
	emailPath   = "/profile/email"
	confirmPath = emailPath + "/confirm"
)

var undoLink = regexp.MustCompile(`/undo/[^\s<>"']+`)

// changeAddress gives an account another address, as far as this browser gets.
func (k *stage) changeAddress(b *tab, s step) {
	if s.B%5 > 0 {
		k.toChange(b, emailPath+"?again", s)
	}
	to := k.w.Unique("moved") + "@people.example.test"
	k.post(b, emailPath, "email", to)
	f, asks := k.form(b, confirmPath)
	if !asks {
		return
	}
	holder := k.holder(b.cookies().session)
	one := holder.who.asked[to]
	if one == nil {
		return // the page is about an earlier wish
	}
	one.code = k.w.Sink.Mail(k.t, to, 1).Code
	f.Set("code", one.code)
	if s.C%5 == 0 {
		f.Set("code", rig.Digits(int(s.A%1_000_000), 6))
	}
	k.walk(request{tab: b, method: http.MethodPost, target: confirmPath, form: f})
}

// undoAddress presses the link in the mail to an old address.
func (k *stage) undoAddress(b *tab, s step) {
	if c := pick(k.changes, s.A); c != nil {
		k.get(b, c.undo)
		k.post(b, c.undo)
	}
}

// seenWish: an address is asked for by its owner only, who has just shown what protects the
// account.
func (k *stage) seenWish(a answer) {
	if next := location(a.pg); next == nil || next.Path != emailPath {
		return
	}
	s := k.holder(a.before.session)
	if s == nil || !s.enough(nil, a.began, true) || a.began.Sub(s.proved) > 300*time.Second ||
		s.worth(a.began, true) < s.who.protection() {
		broken("an address is asked for by someone who may not: %s", k.describe(s, a.began))
	}
	if s.who.asked == nil {
		s.who.asked = map[string]*asked{}
	}
	to := a.form.Get("email")
	if a.begun == "" {
		broken("a change of address begins, and any browser may finish it")
	}
	s.who.asked[to] = &asked{to: to, ref: a.begun}
}

// seenAddress: the code that went to the new address makes it the account's, and everything
// else of the account ends.
func (k *stage) seenAddress(a answer) {
	next := location(a.pg)
	if next == nil || next.Query().Get("done") != "email" {
		return
	}
	s := k.holder(a.before.session)
	if s == nil || !s.lives(a.began, true) {
		broken("an address is changed by someone who may not: %s", k.describe(s, a.began))
	}
	var to *asked
	for _, one := range s.who.asked {
		if one.code != "" && one.code == canonical(a.form.Get("code")) {
			to = one
		}
	}
	if to == nil {
		broken("an address is changed without its code: %s", k.describe(s, a.began))
	}
	if !slices.Contains(a.before.begun, to.ref) {
		broken("an address is changed in a browser in which it was not asked for: %s", k.describe(s, a.began))
	}
	from := s.who.Email
	s.who.Email = to.to
	s.who.had, s.who.asked = append(s.who.had, from), nil
	k.came("address changed")
	k.endOthers(s)
	c := &change{who: s.who, flow: s.flow, at: k.w.Now()}
	rig.Within(k.t, 20*time.Second, "the old address is told", func() bool {
		for _, m := range slices.Backward(k.w.Sink.Mails(from)) {
			if c.undo = undoLink.FindString(m.Text); c.undo != "" {
				break
			}
		}
		return c.undo != ""
	})
	k.changes = append(k.changes, c)
}

// endOthers is what a change of the account ends: all but the session in which it is made.
func (k *stage) endOthers(s *session) {
	for _, other := range k.sessions {
		other.ended = other.ended || other.who == s.who && other != s
	}
	for _, m := range k.memories {
		m.ended = m.ended || m.who == s.who
	}
	for _, f := range k.flows {
		f.over = f.over || f.who == s.who && f != s.flow
	}
}

// seenUndo: what is open ends, the password is not believed, and nothing but an old address of
// the account comes back.
func (k *stage) seenUndo(path string, now time.Time) {
	for _, c := range k.changes {
		if c.undo != path || !now.Before(c.at.Add(72*time.Hour)) || !k.goesBack(c.who, c.flow, now) {
			continue
		}
		k.came("address undone")
		c.who.flagged = true
		c.who.epoch++
	}
}

// goesBack learns what a report or an undo did to an address and to the methods, and holds it
// to the rules: the address becomes one that the account had, and only what was set up within
// 72 hours is suspended. It reports whether the address changed.
func (k *stage) goesBack(who *account, f *half, now time.Time) bool {
	suspended := k.w.Texts(k.t, `SELECT id FROM authenticators
		WHERE tenant_id = $1 AND user_id = $2 AND suspended_at > 0`, who.of.ID, who.id)
	for _, d := range who.devices {
		is := slices.Contains(suspended, d.id)
		if is && !d.disputed && !now.Before(d.bound.Add(72*time.Hour)) {
			broken("a %s of %s is suspended", d.kind, now.Sub(d.bound))
		}
		if d.disputed && !is && !d.gone {
			broken("the suspension of a %s ended", d.kind)
		}
		d.disputed = is
	}
	address := k.w.Texts(k.t, `SELECT email FROM users WHERE tenant_id = $1 AND id = $2`, who.of.ID, who.id)[0]
	if address == who.Email {
		return false
	}
	if !slices.Contains(who.had, address) {
		broken("%s becomes %s, which it never had", who.Email, address)
	}
	who.had = append(who.had, who.Email)
	who.Email, who.asked = address, nil
	return true
}
