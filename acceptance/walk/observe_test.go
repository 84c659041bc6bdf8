package walk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/acceptance/rig"
)

// observe notes what an answer means and holds it to what was proved. began is before the
// request, so that what was good then is not taken for a mistake.
func (k *stage) observe(r request, pg *rig.Page, before cookies, began time.Time) {
	if pg.Status >= 500 {
		broken("%s %s: status %d: %s", r.method, r.url().Path, pg.Status, rig.Quietly(pg.Text()))
	}
	k.strangers(r, pg, before)
	path := r.url().Path
	sess, cleared := given(pg, "session")
	flow, _ := given(pg, "flow")
	flow = begun(flow, before)
	mem, _ := given(pg, "browser")
	a := answer{r, pg, before, began, sess, flow, mem, k.given(r, pg, before)}
	k.seenPending(a)
	switch {
	case path == "/":
		k.seenHome(a)
	case path == rig.PathPassword:
		k.seenPassword(a)
	case path == rig.PathStepUp:
		k.seenStepUp(a)
	case path == rig.PathCode && r.method == http.MethodPost:
		k.seenAnswer(a, func(l *letter) bool {
			return len(r.form["code"]) == 1 &&
				canonical(r.form.Get("code")) == l.Code
		})
	case strings.HasPrefix(path, "/l/") && r.method == http.MethodPost:
		k.seenAnswer(a, func(l *letter) bool { return l.Link == path })
	case path == "/signin/new-password":
		k.seenNewPassword(a)
	case path == "/signin/passkey" && r.method == http.MethodPost:
		k.seenPasskey(a)
	case strings.HasPrefix(path, "/profile/add/"), strings.HasPrefix(path, "/signin/set-up/"):
		k.seenSetUp(a)
	case strings.HasPrefix(path, "/profile/methods/") && strings.HasSuffix(path, "/remove") &&
		r.method == http.MethodPost:
		k.seenRemoval(a)
	case strings.HasPrefix(path, "/profile/methods/") && strings.HasSuffix(path, "/restore") &&
		r.method == http.MethodPost:
		k.seenRestored(a)
	case path == emailPath && r.method == http.MethodPost:
		k.seenWish(a)
	case path == confirmPath && r.method == http.MethodPost:
		k.seenAddress(a)
	case strings.HasPrefix(path, "/undo/") && r.method == http.MethodPost && pg.Status == 200:
		k.seenUndo(path, began)
	// what was asked for is not asked for any more
	case (path == rig.PathNewCode || path == "/signin/other") && sess != "" && k.flowOf(before.flow).open(began):
		f := k.flowOf(before.flow)
		k.alone(f, a, f.known(began))
	case sess != "" || flow != "" || mem != "":
		broken("%s %s gives a cookie away", r.method, path)
	case path == rig.PathCancel && pg.Status == 200:
		if f := k.flowOf(before.flow); f != nil {
			f.over = true
		}
	case strings.HasPrefix(path, "/not-me/") && r.method == http.MethodPost && pg.Status == 200:
		k.seenNotMe(path, began)
	case strings.HasPrefix(path, "/authorize"):
		k.seenAuthorize(a)
	case path == "/token":
		k.seenToken(a)
	case path == "/userinfo":
		k.seenUserinfo(a)
	case cleared && (path == rig.PathSignOut || strings.HasPrefix(path, "/logout")):
		if s := k.holder(before.session); s != nil && !s.detached {
			s.endLine()
		}
	case path == "/setup" && pg.Status < 300 && r.method == http.MethodPost:
		broken("someone set the installation up without its token")
	}
	k.learn(r.tab, pg)
}

// answer is a request with what came back.
type answer struct {
	request
	pg                   *rig.Page
	before               cookies
	began                time.Time
	session, flow, brows string // cookies that were given
	begun                string // what opens the set-up or the change of address that began
}

// strangers fails when a page names someone whom the browser has not shown to be.
func (k *stage) strangers(r request, pg *rig.Page, before cookies) {
	own := []*account{k.hints[r.sealed()]}
	if strings.HasPrefix(r.url().Path, "/password") {
		own = append(own, k.reads)
	}
	var typed []string
	if s := k.holder(before.session); s != nil {
		if r.url().Path == "/profile/email" && r.method == http.MethodPost {
			s.who.typed = append(s.who.typed, r.form.Get("email"))
		}
		typed = s.who.typed
		own = append(own, s.who)
	}
	if f := k.flowOf(before.flow); f != nil {
		own = append(own, f.who)
	}
	for _, p := range k.papers { // an app asks about someone with a token, not with a cookie
		if r.url().Path == "/userinfo" || r.url().Path == "/token" {
			own = append(own, p.session.who)
		}
	}
	for _, who := range k.people {
		if !strings.Contains(pg.Body, who.Email) || strings.EqualFold(r.form.Get("email"), who.Email) ||
			strings.Contains(r.target, who.Email) || slices.Contains(typed, who.Email) {
			continue
		}
		mine := false
		for _, o := range own {
			mine = mine || o == who
		}
		if !mine {
			broken("%s names %s to %s", r.url().Path, who.Email, r.tab.name)
		}
	}
}

// seenHome: our own page shows whose session this is, and with what it was opened.
func (k *stage) seenHome(a answer) {
	if _, mine := a.pg.Form(rig.PathSignOut); !mine {
		if a.before.session != "" {
			k.came("refused cookie")
		}
		return
	}
	s := k.holder(a.before.session)
	if s == nil || !s.enough(k.wishes[""], a.began, true) {
		broken("%s is signed in by a session that is not good: %s", a.tab.name, k.describe(s, a.began))
	}
	text := a.pg.Text()
	k.came("home")
	if !strings.Contains(text, s.who.Email) || !strings.Contains(text, "Company "+s.who.of.ID) {
		broken("the page of %s says: %s", s.who.Email, rig.Quietly(text))
	}
	if strings.Contains(text, "email confirmation") && s.worth(a.began, true) < 2 {
		broken("the page boasts of a step that was not shown: %s", k.describe(s, a.began))
	}
}

// seenPassword: only the right password begins anything, and only where it is enough does
// it open a session.
func (k *stage) seenPassword(a answer) {
	if a.session == "" && a.flow == "" {
		return
	}
	who := k.byEmail(a.form.Get("email"))
	if who == nil || a.form.Get("password") != who.Password || who.disabled || who.of.suspended || a.wish == nil {
		broken("a sign-in as %q begins with %q", a.form.Get("email"), a.form.Get("password"))
	}
	f := &half{who: who, epoch: who.epoch, wish: a.wish, proved: k.w.Now(), begun: k.w.Now()}
	if a.flow != "" {
		k.begin(f, a)
	}
	if a.session != "" {
		k.alone(f, a, 1)
	}
}

func (k *stage) begin(f *half, a answer) {
	if tenantOf(a.flow) != f.who.of.ID {
		broken("a sign-in of %s in %s", f.who.Email, tenantOf(a.flow))
	}
	f.id = idOf(a.flow)
	k.flows[a.flow] = f
	k.loot["flow"] = append(k.loot["flow"], k.found(a.tab, a.flow)...)
}

// found is what an attacker's own browser is given: all of them know it.
func (k *stage) found(b *tab, what string) []string {
	if b.attacker && what != "" {
		return []string{what}
	}
	return nil
}

// alone opens a session without a second step: rightly only where none is asked for, or
// where the browser's memory of one is good.
func (k *stage) alone(f *half, a answer, level int) {
	var shown *memory
	for text := range strings.SplitSeq(a.before.browser, "~") {
		if m := k.memories[idOf(text)]; m != nil && m.newest == text && m.who == f.who && m.good(f.wish.app, a.began) {
			shown = m
		}
	}
	required := f.who.of.required(f.wish.app)
	if need := f.who.need(f.wish); f.who.flagged || levelOf(f.wish.acr) > level || shown == nil && level < need {
		broken("%s is let in to %s with level %d where %d is needed", f.who.Email, f.wish.app.ID, level, need)
	}
	if !required {
		shown = nil
	}
	if shown != nil {
		for text := range strings.SplitSeq(a.brows, "~") {
			if idOf(text) == shown.id {
				shown.newest = text
			}
		}
	}
	f.over = true
	k.came(map[bool]string{true: "session by memory", false: "session by password"}[shown != nil])
	k.open(f, a, level, shown)
}

// open notes a session that has begun.
func (k *stage) open(f *half, a answer, level int, m *memory) {
	now := k.w.Now()
	s := &session{id: idOf(a.session), cookie: a.session, who: f.who, epoch: f.who.epoch, flow: f, level: level,
		proved: f.proved, begun: now, used: now, memory: m, base: f.base}
	if tenantOf(a.session) != f.who.of.ID {
		broken("a session of %s in %s", f.who.Email, tenantOf(a.session))
	}
	if f.base != nil {
		f.base.detached = true
	}
	if f.base != nil {
		k.came("session after a step-up")
	}
	if old := k.holder(a.before.session); old != nil && old != f.base && !old.ended && !old.detached {
		k.came("session taken over")
		if old.who == s.who {
			old.detached = true
			if s.base == nil {
				s.base = old
			}
		} else {
			old.endLine()
		}
	}
	k.sessions[s.id] = s
	if f.id == "" { // its notice may lead to "this wasn't me"
		for _, id := range k.w.Texts(k.t, `SELECT flow_id FROM sessions
			WHERE tenant_id = $1 AND id = $2`, f.who.of.ID, s.id) {
			f.id = id
		}
		k.flows["by id "+f.id] = f
	}
	k.loot["session"] = append(k.loot["session"], k.found(a.tab, a.session)...)
	k.loot["browser"] = append(k.loot["browser"], k.found(a.tab, a.brows)...)
}

// seenStepUp: the same journey, begun with what a living session stands for.
func (k *stage) seenStepUp(a answer) {
	if a.session == "" && a.flow == "" {
		return
	}
	s := k.holder(a.before.session)
	if s == nil || !s.lives(a.began, true) || s.who.flagged || a.wish == nil {
		broken("a step-up from a session that is not good: %s", k.describe(s, a.began))
	}
	f := &half{who: s.who, epoch: s.epoch, wish: a.wish, base: s, proved: s.proved, begun: k.w.Now()}
	if a.flow != "" {
		k.begin(f, a)
	}
	if a.session != "" {
		k.alone(f, a, f.known(a.began))
	}
}

// seenAnswer: only what is right for this very sign-in finishes it.
func (k *stage) seenAnswer(a answer, fits func(*letter) bool) {
	f := k.flowOf(a.before.flow)
	level, spend := k.right(f, a, fits)
	if level > 0 && (a.pg.Status == 303 || a.session != "") {
		spend()
		f.given, f.shown = max(f.given, level), k.w.Now()
		k.came([]string{"", "", "right by mail", "right by a device", "right by a passkey"}[level])
	}
	if a.session == "" {
		if level == 0 && a.pg.Status == 401 {
			k.came("refused code")
		}
		if a.brows != "" || a.flow != "" {
			broken("an answer that opens nothing gives a cookie away")
		}
		return
	}
	if level == 0 || f.who.flagged || f.known(a.began) < f.who.need(f.wish) {
		broken("a session for an answer of level %d: %s", level, k.describeFlow(f, a.began))
	}
	k.came(map[bool]string{true: "session by link", false: "session by code"}[strings.HasPrefix(a.target, "/l/")])
	k.finish(f, a)
}

func (k *stage) finish(f *half, a answer) {
	var m *memory
	if a.brows != "" {
		days := f.who.of.rememberDays()
		if a.form.Get("remember") != "on" || days == 0 {
			broken("a browser is remembered that no one wished to")
		}
		k.came("browser remembered")
		newest, _, _ := strings.Cut(a.brows, "~")
		m = &memory{id: idOf(newest), newest: newest, who: f.who, epoch: f.who.epoch, app: f.wish.app, flow: f,
			proved: f.shown, until: f.shown.AddDate(0, 0, days)}
		k.memories[m.id] = m
	}
	f.over = true
	k.open(f, a, f.known(a.began), m)
}

// seenNewPassword: after every proof only, and then everything older has ended.
func (k *stage) seenNewPassword(a answer) {
	f := k.flowOf(a.before.flow)
	if a.session == "" && !k.replaced(f) {
		return
	}
	if f == nil || !f.open(a.began) || f.given == 0 || !f.who.flagged {
		broken("a new password that was not asked for: %s", k.describeFlow(f, a.began))
	}
	f.who.epoch++
	f.epoch, f.who.flagged, f.who.Password = f.who.epoch, false, a.form.Get("password")
	if a.session == "" { // a set-up comes before the session
		k.came("set-up after a new password")
		return
	}
	k.came("session after a new password")
	k.finish(f, a)
}

// replaced reports whether a flow that waited for a new password has got it, although no
// session came of it yet.
func (k *stage) replaced(f *half) bool {
	return f != nil && f.who.flagged &&
		len(k.w.Texts(k.t, `SELECT id FROM users WHERE id = $1 AND password_flagged_at = 0`, f.who.id)) == 1
}

// seenNotMe: everything that is open ends, the password is not believed, and what was set up
// in the sign-in proves nothing any more. It is not removed.
func (k *stage) seenNotMe(path string, now time.Time) {
	if !k.notMe[path] {
		return
	}
	for _, f := range k.flows {
		if f.id != idOf(tail(path)) || !now.Before(f.begun.Add(30*24*time.Hour-time.Second)) {
			continue
		}
		delete(k.notMe, path)
		k.came("sign-in disowned")
		f.over, f.who.flagged = true, true
		for _, s := range k.sessions {
			s.ended = s.ended || s.flow == f
		}
		for _, m := range k.memories {
			m.ended = m.ended || m.flow == f
		}
		for _, d := range f.who.devices {
			d.disputed = d.disputed || d.flow == f && now.Before(d.bound.Add(72*time.Hour))
		}
		k.goesBack(f.who, f, now)
		f.who.epoch++
	}
}

// seenAuthorize: an app gets a code only for a session that is enough for what it asked.
func (k *stage) seenAuthorize(a answer) {
	code := ""
	if a.pg.Left != nil {
		code = a.pg.Left.Query().Get("code")
	} else if f := a.pg.Forms(); len(f) > 0 {
		for _, one := range f {
			if one.Values.Get("code") != "" {
				code = one.Values.Get("code")
			}
		}
	}
	if code == "" {
		return
	}
	s := k.holder(a.before.session)
	if a.wish == nil || !s.enough(a.wish, a.began, true) {
		broken("a code for a session that is not enough: %s", k.describe(s, a.began))
	}
	if a.pg.Left != nil && !strings.HasPrefix(a.pg.Left.String(), a.wish.app.Redirect) {
		broken("a code for %s leaves for %s", a.wish.app.ID, a.pg.Left.Host)
	}
	k.came("code for an app")
	k.papers = append(k.papers, &paper{code: code, wish: a.wish, session: s, issued: k.w.Now()})
}

func (k *stage) came(what string) { k.routes.came[what]++ }
