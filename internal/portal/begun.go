package portal

import (
	"net/http"
	"slices"

	"countersign/internal/secret"
)

// Whatever waits for a first proof (a set-up of a method, a change of address) opens only in
// the browser in which it began. A cookie given at its beginning shows that: who has copied the
// session's or the sign-in's cookie before does not have it. It holds several, newest first.

const begunCookie = "set-up"

// begunHere is what began in this browser.
func (p *Portal) begunHere(r *http.Request) secret.Held {
	return references(p.Web.Cookie(r, begunCookie))
}

// keepBegun adds what has just begun. The cookie lives as long as the longest of them may; what
// ends earlier ends by its row.
func (p *Portal) keepBegun(w http.ResponseWriter, r *http.Request, ref secret.Reference) {
	p.Web.SetCookie(w, begunCookie, withReference(p.Web.Cookie(r, begunCookie), ref), max(p.SignIn.Limits.FlowLife, p.SignIn.Limits.CodeTTL))
}

// dropBegun takes out what is finished; the others go on.
func (p *Portal) dropBegun(w http.ResponseWriter, r *http.Request, id string) {
	held := p.begunHere(r)
	left := slices.DeleteFunc(slices.Clone(held), func(ref secret.Reference) bool { return ref.ID == id })
	switch {
	case len(left) == 0:
		p.Web.ClearCookie(w, begunCookie)
	case len(left) < len(held):
		p.Web.SetCookie(w, begunCookie, joined(left), max(p.SignIn.Limits.FlowLife, p.SignIn.Limits.CodeTTL))
	}
}
