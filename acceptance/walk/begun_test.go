package walk

import (
	"net/http"
	"slices"
	"strings"

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
	begins := path == emailPath || strings.HasPrefix(path, "/profile/add/") || strings.HasPrefix(path, "/signin/set-up/")
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
	if asks && !slices.ContainsFunc(a.before.begun, func(ref string) bool { return k.begun[ref] && idOf(ref) == f.Values.Get("change") }) {
		broken("a change of address is shown in a browser in which it was not asked for")
	}
}
