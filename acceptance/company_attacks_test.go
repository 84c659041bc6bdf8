package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// switchedOn reports whether a company has its two-factor authentication on by its own switch.
func switchedOn(t *testing.T, w *rig.World, c *rig.Tenant) bool {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM tenants WHERE tenant_id = $1 AND switched_on_at > 0`, c.ID) == 1
}

// guard: Hold asks for a proof that is recent
func TestATK085_DisablingNeedsAFreshProof(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		form := url.Values{"company": {"Company " + c.ID}}
		administer(t, w, p, owner, pathDisable).Expect(t, 200)
		for _, age := range []time.Duration{301 * time.Second, 10 * time.Minute} {
			w.Advance(t, age)
			p.Post(pathDisable, form).Expect(t, 200, "Confirm it’s you")
			p.Get(pathDisable).Expect(t, 200, "Confirm it’s you")
			if !switchedOn(t, w, c) {
				t.Fatalf("a proof %v old switches it off", age)
			}
		}
		// A session of a password alone, which the switch would have to let in.
		w.CLI(t, "tenant", "set", c.ID, "--switch", "off")
		weak := w.Person(t)
		weak.Get(pathSecurity)
		weak.Password(owner.Email, owner.Password).Expect(t, 200, "Enable two-factor authentication")
		w.CLI(t, "tenant", "set", c.ID, "--switch", "on")
		weak.Post(pathDisable, form)
		if !switchedOn(t, w, c) {
			t.Error("a password alone switches it off")
		}
	})
}

// guard: access.Check gives the switch to owners of the company alone
func TestATK086_DisablingByOthersIsRefusedAndRecorded(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		form := url.Values{"company": {"Company " + c.ID}}
		for _, role := range []string{"admin", "supervisor", "agent"} {
			p := w.Person(t)
			administer(t, w, p, member(t, w, c, "Ada", role), "/profile/email")
			p.Post(pathDisable, form).Expect(t, 403)
		}
		stranger := w.Person(t)
		administer(t, w, stranger, member(t, w, w.NewTenant(t), "Otto", "owner"), pathDisable)
		for _, more := range []string{"tenant", "tenant_id", "id"} { // the company is that of the session
			foreign := url.Values{"company": form["company"], more: {c.ID}}
			stranger.Post(pathDisable, foreign)
		}
		if !switchedOn(t, w, c) {
			t.Fatal("someone else switched it off")
		}
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathActivity)
		refused := p.Get(pathActivity+"?kind=rules&result=refused").
			Expect(t, 200, "Refused", "Ada")
		if n := strings.Count(refused.Body, "tenant.switched"); n != 3 {
			t.Errorf("%d refused attempts are in the activity, want 3", n)
		}
	})
}

// guard: Post asks for proof that the request comes from our own page
func TestATK084_NoOtherSiteDisables(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		p := w.Person(t)
		administer(t, w, p, member(t, w, c, "Olga", "owner"), pathDisable)
		form := url.Values{"company": {"Company " + c.ID}}
		for name, forge := range map[string]func(h http.Header){
			"another site": func(h http.Header) {
				h.Set("Sec-Fetch-Site", "cross-site")
				h.Set("Origin", "https://evil.example.test")
			},
			"a sibling":   func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site") },
			"no origin":   func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Del("Origin") },
			"null origin": func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Set("Origin", "null") },
			"json": func(h http.Header) {
				h.Set("Content-Type", "text/plain")
			},
		} {
			req := p.Request(http.MethodPost, pathDisable, form)
			forge(req.Header)
			if pg := p.Send(req); pg.Status < 400 {
				t.Errorf("%s: status %d", name, pg.Status)
			}
		}
		p.Get(pathDisable + "?company=" + url.QueryEscape("Company "+c.ID))
		if !switchedOn(t, w, c) {
			t.Error("another site switched it off")
		}
	})
}

// guard: keepAnOwner holds the company's row
func TestATK088_TwoOwnersCannotDisableEachOtherAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range 5 {
			c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
			owners := []*rig.User{member(t, w, c, "Olga", "owner"), member(t, w, c, "Otto", "owner")}
			people := []*rig.Person{w.Person(t), w.Person(t)}
			for i, p := range people {
				administer(t, w, p, owners[i], pathDisable)
			}
			paths := []string{pathUsers + "/" + userID(t, w, owners[1]), pathUsers + "/" + userID(t, w, owners[0])}
			var both sync.WaitGroup
			for i, p := range people {
				req := p.Request(http.MethodPost, paths[i]+"/disable", url.Values{})
				both.Go(func() { _, _ = p.Try(req) })
			}
			both.Wait()
			open := w.Number(t, `SELECT count(*) FROM users
				WHERE tenant_id = $1 AND role = 'owner' AND disabled_at = 0`, c.ID)
			if open != 1 {
				t.Fatalf("%d owners are left", open)
			}
		}
	})
}

func TestVOI2_ANewCompanyStartsWithItOn(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_on")
		if tokens := w.Person(t).SignIn(t, w.Dashboard(t), c.User(t)); tokens.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathSecurity).Expect(t, 200, "turns it on by default")
	})
}

func TestVOI3_MakingItOptionalIsTheVendorsDecision(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathDisable)
		p.Post(pathDisable, url.Values{"company": {"Company " + c.ID}})
		p.Get(pathSecurity).Expect(t, 200, "You can’t turn it off")
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "default_on")
		p.Get(pathSecurity).Expect(t, 200, "turns it on by default", "Disable two-factor authentication")
		p.Post(pathDisable, url.Values{"company": {"Company " + c.ID}}).Expect(t, 200, "is off")
	})
}
