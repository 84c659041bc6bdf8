package walk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/acceptance/rig"
)

// right is the level of an answer that is right for a flow, and what spends it; 0 where it
// is not.
func (k *stage) right(f *half, a answer, fits func(*letter) bool) (level int, spend func()) {
	if !f.open(a.began) {
		return 0, nil
	}
	if l := f.current(a.began); l != nil && (l.via == nil || l.via.works()) && fits(l) {
		if spend = func() { l.dead = true }; l.via != nil {
			return byDevice, spend
		}
		return byMail, spend
	}
	if sig := k.signed[a.form.Get("assertion")]; sig != nil && !sig.spent && sig.works() && sig.who == f.who &&
		sig.flow == a.before.flow {
		return byPasskey, func() { sig.spent = true }
	}
	code := canonical(a.form.Get("code"))
	for _, d := range f.who.live("totp") {
		for step := max(d.last+1, a.began.Unix()/30-12); step <= k.w.Now().Unix()/30+12; step++ {
			if rig.TOTP(d.secret, step) == code {
				return byDevice, func() { d.last = step }
			}
		}
	}
	for _, d := range f.who.live("backup") {
		if used, known := d.codes[code]; known && !used {
			return byDevice, func() { d.codes[code] = true }
		}
	}
	return 0, nil
}

// seenPasskey: a passkey of an open account, asked for here, once.
func (k *stage) seenPasskey(a answer) {
	if a.session == "" && a.flow == "" {
		return
	}
	sig := k.signed[a.form.Get("assertion")]
	if sig == nil || sig.spent || !sig.works() || sig.flow != "" || sig.who.disabled || sig.who.of.suspended ||
		a.wish == nil {
		broken("a sign-in by a passkey that is not good: %+v", sig)
	}
	sig.spent = true
	k.came("right by a passkey alone")
	f := &half{who: sig.who, epoch: sig.who.epoch, wish: a.wish, proved: k.w.Now(), begun: k.w.Now(), given: byPasskey,
		shown: k.w.Now()}
	if a.flow != "" {
		k.begin(f, a)
	}
	if a.session != "" {
		k.alone(f, a, byPasskey)
	}
}

// seenSetUp: what is set up begins with a proof that is new and as strong as the account's
// strongest, ends in the same browser with its own first proof, and only then counts.
func (k *stage) seenSetUp(a answer) {
	path := a.url().Path
	base, rest, _ := strings.Cut(strings.TrimPrefix(path, "/profile/add/"), "/")
	inFlow := strings.HasPrefix(path, "/signin/set-up/")
	if inFlow {
		base, rest, _ = strings.Cut(strings.TrimPrefix(path, "/signin/set-up/"), "/")
	}
	holder := a.before.session
	if inFlow {
		holder = a.before.flow
	}
	next := location(a.pg)
	switch {
	case a.method == http.MethodGet:
		k.shows(a, base, holder)
	case rest == "" && next != nil && next.Path == path:
		k.began(a, base, holder, inFlow)
	case rest == "confirm":
		k.seenConfirmed(a, base, holder, inFlow)
		return
	}
	if a.session != "" || a.flow != "" || a.brows != "" {
		broken("%s gives a cookie away", path)
	}
}

// shows learns what a page shows to anyone who sets something up: a secret, or that anything has
// begun, in the browser in which it began only.
func (k *stage) shows(a answer, kind, holder string) {
	path := strings.TrimSuffix(strings.TrimSuffix(a.pg.URL.Path, "/codes.txt"), "/confirm")
	f, _ := a.pg.Form(path + "/confirm")
	draft := f.Values.Get("draft") // empty where a passkey could be begun
	secret, _ := a.pg.Scanned()
	sheet := a.pg.Printed()
	secrets := len(secret) > 0 || len(sheet) > 0 || strings.HasPrefix(a.pg.Header.Get("Content-Type"), "text/plain")
	var u *setUp
	for _, one := range k.setUps {
		if one.kind == kind && one.holder == holder && slices.Contains(a.before.begun, one.ref) &&
			(draft == "" || draft == idOf(one.ref)) {
			u = one
		}
	}
	if u == nil && (secrets || draft != "") {
		broken("a set-up of %s is shown in a browser in which it did not begin", kind)
	}
	if secrets && !a.began.Before(u.begun.Add(15*time.Minute)) {
		broken("a secret is shown %s after its set-up began", a.began.Sub(u.begun))
	}
	if draft == "" {
		return
	}
	u.id, u.secret, u.sheet = draft, secret, sheet
	if u.kind == "passkey" && u.key == nil {
		u.key = rig.NewKey()
	}
	if u.codes = map[string]bool{}; len(sheet) > 0 {
		for _, code := range sheet {
			u.codes[canonical(code)] = false
		}
	}
}

func (k *stage) began(a answer, kind, holder string, inFlow bool) {
	d := k.made
	if k.made = nil; d == nil || d.kind != kind {
		d = &device{kind: kind, by: a.tab.owner, thief: a.tab.attacker}
	}
	if inFlow {
		f := k.flowOf(holder)
		d.who, d.flow = k.maySetUp(f, a.began), f
	} else {
		s := k.holder(holder)
		if s == nil || !s.enough(nil, a.began, true) || a.began.Sub(s.proved) > 300*time.Second ||
			s.worth(a.began, true) < s.who.protection() {
			broken("a set-up of %s begins in a session that is not new or not strong enough: %s", kind,
				k.describe(s, a.began))
		}
		if s.who.waits(a.began) && s.worth(a.began, true) < byDevice {
			broken("a set-up of %s begins in a session a short time after a reset by mail: %s", kind,
				k.describe(s, a.began))
		}
		d.who, d.flow = s.who, s.flow
	}
	if a.begun == "" { // what was shown before is shown again
		if !slices.ContainsFunc(k.setUps, func(u *setUp) bool {
			return u.kind == kind && u.holder == holder && slices.Contains(a.before.begun, u.ref)
		}) {
			broken("a set-up of %s begins, and any browser may finish it", kind)
		}
		return
	}
	k.setUps = append(k.setUps, &setUp{device: d, holder: holder, ref: a.begun, begun: k.w.Now()})
	k.came("begun: " + kind)
}

// maySetUp is whose set-up a sign-in may wait for.
func (k *stage) maySetUp(f *half, now time.Time) *account {
	if f == nil || !f.open(now) {
		broken("a set-up in a sign-in that is not open: %s", k.describeFlow(f, now))
	}
	given, need := f.given, byMail
	if f.base != nil && f.begun.Sub(f.base.proved) <= 300*time.Second {
		given = max(given, f.base.level)
	}
	if need = f.who.protection(); !f.who.resetAt.IsZero() && now.Before(f.who.resetAt.Add(24*time.Hour)) {
		need = byMail // people let them, with a proof of the mailbox
	}
	if f.who.waits(now) {
		need = byDevice
	}
	if given < need {
		broken("a set-up in a sign-in that has shown level %d of %d: %s", given, need, k.describeFlow(f, now))
	}
	return f.who
}

// seenConfirmed: the draft's id is the method's.
func (k *stage) seenConfirmed(a answer, kind, holder string, inFlow bool) {
	id := a.form.Get("draft")
	i := slices.IndexFunc(k.setUps, func(u *setUp) bool { return u.id == id && id != "" })
	bound := i >= 0 && a.pg.Status == 303 && len(k.w.Texts(k.t, `SELECT id FROM authenticators WHERE id = $1`, id)) == 1
	if !bound {
		if a.session != "" || a.brows != "" {
			broken("a session for a set-up that was not finished")
		}
		k.shows(a, kind, holder)
		return
	}
	u := k.setUps[i]
	if slices.Contains(u.who.devices, u.device) {
		broken("%s is set up twice", kind)
	}
	if u.holder != holder || u.kind != kind {
		broken("a set-up of %s is finished elsewhere", kind)
	}
	if !slices.Contains(a.before.begun, u.ref) {
		broken("a set-up of %s is finished in a browser in which it did not begin", kind)
	}
	if inFlow {
		k.maySetUp(k.flowOf(holder), a.began)
	} else if s := k.holder(holder); s == nil || !s.enough(nil, a.began, true) {
		broken("a set-up is finished in a session that is not good: %s", k.describe(s, a.began))
	}
	k.bind(u.device, a)
	switch f := k.flowOf(holder); {
	case inFlow && kind != "backup":
		f.given, f.shown = max(f.given, u.level()), k.w.Now()
		fallthrough
	case inFlow:
		if a.session != "" {
			k.finish(f, a)
		}
	case a.session != "":
		k.raised(k.holder(holder), u.device, a)
	}
}

func (k *stage) bind(d *device, a answer) {
	k.came("bound: " + d.kind)
	switch d.kind {
	case "totp": // the code that was typed is spent
		for step := a.began.Unix()/30 - 12; step <= k.w.Now().Unix()/30+12; step++ {
			if rig.TOTP(d.secret, step) == canonical(a.form.Get("code")) {
				d.last = step
			}
		}
	case "backup":
		for _, old := range d.who.live("backup") {
			old.gone = true
		}
	}
	d.bound = k.w.Now()
	d.who.devices = append(d.who.devices, d)
	if d.kind == "backup" {
		return
	}
	d.who.resetAt = time.Time{}
	for _, m := range k.memories {
		m.ended = m.ended || m.who == d.who
	}
}

// raised: a session also stands for what was just set up in it, and is no newer than before.
func (k *stage) raised(s *session, d *device, a answer) {
	if d.kind == "backup" {
		broken("backup codes raise a session")
	}
	s.detached = true
	k.sessions[idOf(a.session)] = &session{id: idOf(a.session), cookie: a.session, who: s.who, epoch: s.epoch,
		flow: s.flow, level: max(s.level, d.level()),
		proved: s.proved, begun: k.w.Now(), used: k.w.Now(), base: s}
	k.loot["session"] = append(k.loot["session"], k.found(a.tab, a.session)...)
	k.came("session raised")
}

// seenRestored: by its owner, with a new proof of something undisputed.
func (k *stage) seenRestored(a answer) {
	next := location(a.pg)
	if next == nil || next.Query().Get("done") != "restored" {
		return
	}
	id := strings.Split(a.url().Path, "/")[3]
	s := k.holder(a.before.session)
	for _, one := range k.people {
		for _, d := range one.devices {
			if d.id != id {
				continue
			}
			if s == nil || d.who != s.who || a.began.Sub(s.proved) > 300*time.Second ||
				s.worth(a.began, true) < s.who.protection() {
				broken("a method is restored by someone who may not: %s", k.describe(s, a.began))
			}
			d.disputed = false
		}
	}
}

// seenRemoval: by its owner, with a new proof; and everything else of the account ends.
func (k *stage) seenRemoval(a answer) {
	if a.session != "" || a.flow != "" || a.brows != "" {
		broken("a removal gives a cookie away")
	}
	next := location(a.pg)
	if next == nil || next.Query().Get("done") != "removed" {
		return
	}
	id := strings.Split(a.url().Path, "/")[3]
	s := k.holder(a.before.session)
	var d *device
	for _, one := range k.people {
		for _, mine := range one.devices {
			if mine.id == id {
				d = mine
			}
		}
	}
	if s == nil || d == nil || d.who != s.who || !s.enough(nil, a.began, true) ||
		a.began.Sub(s.proved) > 300*time.Second ||
		s.worth(a.began, true) < s.who.protection() {
		broken("a method is removed by someone who may not: %s", k.describe(s, a.began))
	}
	d.gone = true
	k.came("method removed")
	k.endOthers(s)
}
