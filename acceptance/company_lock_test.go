package acceptance

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// ownDomain is an address at a domain that only its company uses.
func ownDomain(c *rig.Tenant, local string) string {
	return strings.ToLower(local + "@" + c.ID + ".example.test")
}

// wrongPasswords types wrong passwords in new browsers of one network until it has to wait, and returns how many were
// compared and what the page said.
func wrongPasswords(t *testing.T, w *rig.World, ip, address string) (n int, last *rig.Page) {
	t.Helper()
	for n = 0; n < 12; n++ {
		p := w.Person(t).From(ip)
		p.Get("/")
		if last = p.Password(address, "not the password at all"); last.Status == 429 {
			return n, last
		}
	}
	t.Fatalf("%s never has to wait", address)
	return n, last
}

func TestVOI14_TheCompanyDecidesWhenAccountsAreLocked(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner := c.Person(t, ownDomain(c, "olga"), "Olga", "owner")
		agent := c.Person(t, ownDomain(c, "agnes"), "Agnes", "agent")
		p := w.Person(t)
		administer(t, w, p, owner, pathDisable)
		p.Get(pathSecurity).Expect(t, 200, "Account lock", "Increasing waits", "Strangers can’t lock your users out")
		p.Post(pathSecurity+"/lock", url.Values{"after": {"3"}, "minutes": {"5"}}).
			Expect(t, 200, "Account lock saved", "After 3 wrong passwords or codes in an hour", "wait 5 min")
		p.Post(pathSecurity+"/lock", url.Values{"after": {"2"}, "minutes": {"5"}}).Expect(t, 422, "between 3 and 20")
		p.Post(pathSecurity+"/lock", url.Values{"after": {"15"}, "minutes": {"5"}}).Expect(t, 422, "provider")
		p.Get(pathActivity).Expect(t, 200, "Account lock changed")

		for ip, address := range map[string]string{
			"127.77.4.1": agent.Email,
			"127.77.4.2": ownDomain(c, "no-one"),
		} {
			n, page := wrongPasswords(t, w, ip, address)
			if page.Expect(t, 429, "5 minutes"); n != 3 {
				t.Errorf("%s: %d passwords were compared, not 3", address, n)
			}
		}
		// The right password waits, too, and other networks are no nearer to their limit.
		q := w.Person(t).From("127.77.4.1")
		q.Get("/")
		q.Password(agent.Email, agent.Password).Expect(t, 429)
		if q = w.Person(t); !administer(t, w, q, agent, "/").Says("Agnes") {
			t.Error("another network has to wait for one stranger's failures")
		}
		w.Advance(t, 5*time.Minute+time.Second)
		again := w.Person(t).From("127.77.4.1")
		again.Get("/")
		if page := again.Password(agent.Email, agent.Password); page.Status != 200 {
			t.Errorf("after the lock: status %d", page.Status)
		}
	})
}

func TestVOI14_AStrangerLocksNoOwnerOut(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--lock-after", "3", "--lock-minutes", "60")
		owner, p := c.Person(t, ownDomain(c, "olga"), "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathSecurity).Expect(t, 200, "wait 60 min")
		for i := range 5 {
			ip := fmt.Sprintf("127.77.5.%d", i+1)
			wrongPasswords(t, w, ip, owner.Email)
		}
		p.Post(rig.PathSignOut, url.Values{})
		if page := administer(t, w, p, owner, pathSecurity); page.Status != 200 {
			t.Errorf("the owner's own browser: status %d", page.Status)
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'signin.completed'`,
			c.ID); n != 2 {
			t.Errorf("%d sign-ins were completed, not 2", n)
		}
	})
}
