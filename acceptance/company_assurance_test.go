package acceptance

import (
	"net/url"
	"testing"

	"countersign/acceptance/rig"
)

// TestWeakestWayInTheConsole: an owner reads what a session means for each app and role, and is shown a weaker way
// before a change opens it.
func TestWeakestWayInTheConsole(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner := member(t, w, c, "Owner", "owner")
		w.CLI(t, "tenant", "set", c.ID, "--switch", "on", "--remember-days", "0")
		p := w.Person(t)
		administer(t, w, p, owner, pathSecurity+"/assurance").
			Expect(t, 200, "What a sign-in means", "Password and mailbox", "Someone who reads the user’s mailbox")
		administer(t, w, p, owner, pathSecurity+"/methods") // a recent proof

		p.Post(pathSecurity+"/days", url.Values{"days": {"7"}}).
			Expect(t, 200, "This opens a weaker way to sign in", "In a remembered browser", "Password only")
		p.Submit(pathSecurity + "/days")
		p.Get(pathSecurity+"/assurance").Expect(t, 200, "Password only", "In a remembered browser")
	})
}
