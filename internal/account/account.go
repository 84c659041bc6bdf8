// Package account draws the pages of a person's own account: the overview, methods and their set-up in a session, the
// change of address and password, the own second step, activity, sessions, and the page that receives codes. Each
// handler finds who is signed in, calls one function of a journey and draws. It refuses to sign anyone in (portal does)
// and to open a transaction that writes.
package account

import (
	"countersign/internal/binding"
	"countersign/internal/enrollpages"
	"countersign/internal/message/push"
	"countersign/internal/pages"
	"countersign/internal/profile"
	"countersign/internal/web"
)

// Account serves the pages of a signed-in person.
type Account struct {
	*pages.Base
	Profile *profile.Service
	Binding *binding.Service
	Enroll  *enrollpages.Pages
	Push    *push.Identity // by which browsers know us; nil where there are no code receivers
}

// Mount adds the account's routes. This list is the account's whole surface.
func (a *Account) Mount(mux *web.Mux) {
	mux.Get("/", a.home)
	a.Enroll.Mount(mux, enrollpages.InSession, a.enrollment)
	a.mountProfile(mux)
	a.mountReceiver(mux)
	a.mountEmail(mux)
}
