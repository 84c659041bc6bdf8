package walk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/acceptance/rig"
)

// given is what an answer gives a browser to open what has just begun, if it gives any. It does
// so only where something begins.
func (k *stage) given(r request, pg *rig.Page, before cookies) string {
	value, _ := given(pg, "set-up")
	newest, _, _ := strings.Cut(value, "~")
	if newest == "" || slices.Contains(before.begun, newest) {
		return ""
	}
	path := r.url().Path
	begins := path == emailPath || strings.HasPrefix(path, "/profile/add/") ||
		strings.HasPrefix(path, "/signin/set-up/")
	if k.begun[newest] || r.method != http.MethodPost || !begins || strings.HasSuffix(path, "/confirm") {
		broken("%s %s gives away what opens a set-up", r.method, path)
	}
	k.begun[newest] = true
	k.loot["set-up"] = append(k.loot["set-up"], k.found(r.tab, newest)...)
	return newest
}

// seenPending: a change of address is shown in the browser in which it was asked for only.
func (k *stage) seenPending(a answer) {
	f, asks := a.pg.Form(confirmPath)
	if asks && !slices.ContainsFunc(a.before.begun,
		func(ref string) bool { return k.begun[ref] && idOf(ref) == f.Values.Get("change") }) {
		broken("a change of address is shown in a browser in which it was not asked for")
	}
}

// copied looks at a set-up that someone has begun, and answers for it, with a copy of the cookie
// of its session or sign-in and nothing else of that browser.
func (k *stage) copied(b *tab, s step) {
	open := slices.DeleteFunc(slices.Clone(k.setUps), func(u *setUp) bool {
		return slices.Contains(u.who.devices, u.device) || !k.w.Now().Before(u.begun.Add(15*time.Minute))
	})
	u := pick(open, s.A)
	if !b.attacker || u == nil {
		return
	}
	name, base := "session", "/profile/add"
	if k.flowOf(u.holder) != nil {
		name, base = "flow", "/signin/set-up"
	}
	b.persons[0].SetCookie(name, u.holder)
	k.get(b, base+"/"+u.kind)
	k.confirms(b, base, u.kind, s)
}
