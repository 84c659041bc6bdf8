package pages

import (
	"net/http"
	"slices"

	"countersign/internal/secret"
)

// Whatever waits for a first proof (a set-up of a method, a change of address) opens only in
// the browser in which it began. A cookie given at its beginning shows that: who has copied the
// session's or the sign-in's cookie before does not have it. It holds several, newest first.

const begunCookie = "set-up"

// BegunHere is what began in this browser.
func (b *Base) BegunHere(r *http.Request) secret.Held {
	return References(b.Web.Cookie(r, begunCookie))
}

// KeepBegun adds what has just begun. The cookie lives as long as the longest of them may; what
// ends earlier ends by its row.
func (b *Base) KeepBegun(w http.ResponseWriter, r *http.Request, ref secret.Reference) {
	b.Web.SetCookie(w, begunCookie, WithReference(b.Web.Cookie(r, begunCookie), ref),
		max(b.SignIn.Limits.FlowLife, b.SignIn.Limits.CodeTTL))
}

// DropBegun takes out what is finished; the others go on.
func (b *Base) DropBegun(w http.ResponseWriter, r *http.Request, id string) {
	held := b.BegunHere(r)
	left := slices.DeleteFunc(slices.Clone(held), func(ref secret.Reference) bool { return ref.ID == id })
	switch {
	case len(left) == 0:
		b.Web.ClearCookie(w, begunCookie)
	case len(left) < len(held):
		b.Web.SetCookie(w, begunCookie, JoinReferences(left), max(b.SignIn.Limits.FlowLife, b.SignIn.Limits.CodeTTL))
	}
}
