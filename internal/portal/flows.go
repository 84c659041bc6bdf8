package portal

import (
	"net/http"
	"slices"

	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// A browser may have several sign-ins under way, one for each tab. Its cookie holds a secret for
// each of them, newest first; every form and every address of a sign-in names the one that it is
// about. So a code typed in one tab costs no try of the sign-in in another.

// flowsOf are the sign-ins that this browser has under way, newest first.
func (p *Portal) flowsOf(r *http.Request) []secret.Reference {
	return pages.References(p.Web.Cookie(r, "flow"))
}

// namedFlow is the sign-in that a form or an address names.
func namedFlow(r *http.Request) (id string, named bool) {
	values := r.PostForm
	if r.Method != http.MethodPost {
		values = r.URL.Query()
	}
	return values.Get("flow"), values.Has("flow")
}

// flowOf is the half-signed-in state that a request is about: the one that it names, if this
// browser began it. A request that names none is about the newest.
func (p *Portal) flowOf(r *http.Request) (secret.Reference, error) {
	held := p.flowsOf(r)
	if id, named := namedFlow(r); named {
		held = slices.DeleteFunc(held, func(ref secret.Reference) bool { return ref.ID != id })
	}
	if len(held) == 0 {
		return secret.Reference{}, errOver
	}
	return held[0], nil
}

// keepFlow adds a sign-in that has just begun to those of the browser.
func (p *Portal) keepFlow(w http.ResponseWriter, r *http.Request, ref *secret.Reference) {
	if ref != nil {
		web.ForCompany(r.Context(), ref.Tenant)
		p.Web.SetCookie(w, "flow", pages.WithReference(p.Web.Cookie(r, "flow"), *ref), p.SignIn.Limits.FlowLife)
	}
}

// dropFlow takes a sign-in that is over out of the browser's cookie; the others go on.
func (p *Portal) dropFlow(w http.ResponseWriter, r *http.Request, id string) {
	held := p.flowsOf(r)
	left := slices.DeleteFunc(slices.Clone(held), func(ref secret.Reference) bool { return ref.ID == id })
	switch {
	case len(left) == 0:
		p.Web.ClearCookie(w, "flow")
	case len(left) < len(held):
		p.Web.SetCookie(w, "flow", pages.JoinReferences(left), p.SignIn.Limits.FlowLife)
	}
}

// flowHandler serves a page or a form of one sign-in.
type flowHandler func(w http.ResponseWriter, r *http.Request, ref secret.Reference) error

// withFlow finds the sign-in that a request is about. Where this browser has none, or it is no
// more, the answer is that this sign-in has ended.
func (p *Portal) withFlow(h flowHandler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ref, err := p.flowOf(r)
		if err == nil {
			err = h(w, r, ref)
		}
		if fault.Is(err, fault.NotFound) {
			return p.drawGone(w, r)
		}
		return err
	}
}

// drawGone answers a page of a sign-in that this browser does not have, or no longer.
func (p *Portal) drawGone(w http.ResponseWriter, r *http.Request) error {
	reason := flow.Expired
	id, named := namedFlow(r)
	held := p.flowsOf(r)
	if named && len(held) > 0 && !slices.ContainsFunc(held, func(ref secret.Reference) bool { return ref.ID == id }) {
		reason = replacedHere
	}
	return p.drawOver(w, r, signin.Over{Reason: reason, FlowID: id})
}

// replacedHere: the browser has begun other sign-ins since, and no longer holds this one.
const replacedHere = "replaced"
