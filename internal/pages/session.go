package pages

import (
	"net/http"
	"time"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/gate"
	"countersign/internal/grant"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// RequireSession finds who is signed in on our own pages. recent asks for a proof at the account's protection level
// that is recent. Anyone who lacks it is sent to show it and comes back to the same page; then ok is false and the
// answer is written.
func (b *Base) RequireSession(w http.ResponseWriter, r *http.Request, recent bool) (
	st gate.SessionCheck, ok bool, err error,
) {
	ask := gate.Ask{ClientID: client.PortalID, Recent: recent}
	st, err = b.Gate.CheckSession(r.Context(), b.Web.Cookie(r, "session"), ask)
	if err == nil && st.Enough {
		web.ForCompany(r.Context(), st.Tenant.ID)
	}
	if err != nil || st.Enough {
		return st, err == nil, err
	}
	return st, false, b.Web.Redirect(w, SignInPath(grant.Seal(b.Keys, b.missing(r, st))))
}

// missing asks for a sign-in that brings what a session lacks.
func (b *Base) missing(r *http.Request, st gate.SessionCheck) grant.Request {
	request := grant.Request{
		ClientID:  client.PortalID,
		IssuedAt:  b.DB.Now(),
		ReturnTo:  b.CurrentPage(r, st.User.ID),
		ACRValues: st.WantACR,
	}
	if st.MaxAge > 0 {
		seconds := int64(st.MaxAge / time.Second)
		request.MaxAge, request.LoginHint = &seconds, st.User.Email
	}
	return request
}

// Actor is the person of a session, as one who administers.
func (b *Base) Actor(r *http.Request, st gate.SessionCheck) access.Actor {
	return access.Actor{
		Kind:      access.Person,
		TenantID:  st.User.TenantID,
		UserID:    st.User.ID,
		SessionID: st.Session.ID,
		Role:      st.User.Role,
		Vendor:    st.Tenant.Kind == tenant.Vendor,
		Origin:    b.Visitor(r).Origin(),
	}
}

// Staff reports whether someone sees the pages of the vendor's staff, for the link to them.
func (b *Base) Staff(r *http.Request, st gate.SessionCheck) bool {
	return access.Check(b.Actor(r, st), access.ListCompanies, access.Target{}) == nil
}

// Administers reports whether someone sees the pages for administrators of their company, for the link to them.
func (b *Base) Administers(r *http.Request, st gate.SessionCheck) bool {
	a := b.Actor(r, st)
	return access.Check(a, access.ListPeople, access.Target{TenantID: a.TenantID}) == nil
}
