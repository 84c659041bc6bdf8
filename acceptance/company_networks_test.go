package acceptance

import (
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"countersign/acceptance/rig"
)

const pathNetworks = pathSecurity + "/networks"

// office is the network of these companies; everyone else of a world is outside.
const office = "127.88.0.0/16"

func TestVOI15_PeopleSignInFromTheirCompanysNetworks(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner := c.Person(t, ownDomain(c, "olga"), "Olga", "owner")
		other := c.Person(t, ownDomain(c, "otto"), "Otto", "owner")
		agent := c.Person(t, ownDomain(c, "agnes"), "Agnes", "agent")
		administer(t, w, w.Person(t), other, "/") // from outside
		p := w.Person(t).From("127.88.0.1")
		administer(t, w, p, owner, pathDisable)
		p.Get(pathNetworks).Expect(t, 200, "Your address is 127.88.0.1")
		for networks, words := range map[string]string{
			"198.51.100.0/24":      "doesn’t include the address you’re using now",
			"127.88.0.0/99":        "This isn’t a network",
			"0.0.0.0/0":            "too large",
			office + "\n" + office: "on the list twice",
			manyNetworks():         "100 networks",
		} {
			p.Post(pathNetworks, url.Values{"networks": {networks}}).Expect(t, 422, words)
		}
		form := url.Values{"networks": {office + " Office <in> Lisbon\n2001:db8:7::/48"}}
		p.Post(pathNetworks, form).Expect(t, 200, "last signed in from outside these networks", other.Email)
		form.Set("sure", "yes")
		p.Post(pathNetworks, form).Expect(t, 200, "Allowed networks saved", office, "Office <in> Lisbon")
		p.Get(pathActivity).Expect(t, 200, "Allowed networks changed")

		// Only the right password learns of the rule.
		const refused = "sign in from this network"
		for address, password := range map[string]string{
			agent.Email:            "not the password at all",
			ownDomain(c, "no-one"): agent.Password,
		} {
			q := w.Person(t)
			q.Get("/")
			if page := q.Password(address, password); page.Status != 401 || page.Says(refused) {
				t.Errorf("%s: status %d tells of the rule", address, page.Status)
			}
		}
		outside := w.Person(t)
		outside.Get("/")
		if page := outside.Password(agent.Email, agent.Password).Expect(t, 410, refused, "VPN"); gotSession(page) {
			t.Error("a session was opened from outside")
		}
		if len(c.Events(t, "signin.denied", "network")) != 1 {
			t.Error("the refusal is not in the activity")
		}
		app := w.Dashboard(t)
		inside := w.Person(t).From("127.88.3.4")
		byPassword(t, inside, app, agent)
		visit := app.Visit()
		if page := inside.Visit(visit); page.Left == nil {
			t.Errorf("inside, the session opens the app: status %d", page.Status)
		}
		inside.From("127.40.0.9")
		if page := inside.Visit(app.Visit()); page.Left != nil {
			t.Error("a session from inside opens an app from outside")
		} else {
			page.Expect(t, 200)
			inside.Password(agent.Email, agent.Password).Expect(t, 410, refused)
		}

		w.CLI(t, "tenant", "set", c.ID, "--network-scope", "administrators")
		byPassword(t, w.Person(t), app, agent)
		elsewhere := w.Person(t)
		elsewhere.Get("/")
		elsewhere.Password(owner.Email, owner.Password).Expect(t, 410, refused)
		w.CLI(t, "tenant", "set", c.ID, "--network-scope", "apps")
		administer(t, w, w.Person(t), owner, "/").Expect(t, 200, "Olga")
		q := w.Person(t)
		q.Visit(app.Visit())
		q.Password(owner.Email, owner.Password).Expect(t, 410, refused)
		w.CLI(t, "tenant", "set", c.ID, "--network", "any", "--network-scope", "everyone")
		byPassword(t, w.Person(t), app, agent)
	})
}

// byPassword signs someone in to an app that asks for no more.
func byPassword(t *testing.T, p *rig.Person, app *rig.App, u *rig.User) {
	t.Helper()
	visit := app.Visit()
	p.Visit(visit)
	app.Finish(t, visit, p.Password(u.Email, u.Password))
}

// manyNetworks is more than a company may list.
func manyNetworks() string {
	var b strings.Builder
	for i := range 101 {
		b.WriteString("10." + rig.Digits(i, 1) + ".0.0/16\n")
	}
	return b.String()
}

// guard: limitInside
func TestVOI15_AShiftOfFiveHundredSignsInBehindOneAddress(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner := c.Person(t, ownDomain(c, "olga"), "Olga", "owner")
		w.CLI(t, "tenant", "set", c.ID, "--network", office)
		_, domain, _ := strings.Cut(owner.Email, "@")
		shift := make(chan int)
		crowd := c.CrowdAt(t, 500, domain)
		var refused, failed atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range shift {
					p := w.Person(t).From("127.88.7.7")
					p.Get("/")
					if i%5 == 0 { // a hundred of them mistype their password first
						refused.Add(oneIf(p.Password(crowd[i].Email, "a typing error of mine").Status == 429))
					}
					page := p.Password(crowd[i].Email, crowd[i].Password)
					refused.Add(oneIf(page.Status == 429))
					failed.Add(oneIf(page.Status != 200 || !p.SignedIn()))
				}
			})
		}
		for i := range crowd {
			shift <- i
		}
		close(shift)
		all.Wait()
		if refused.Load() > 0 || failed.Load() > 0 {
			t.Errorf("%d had to wait, %d are not signed in", refused.Load(), failed.Load())
		}
	})
}

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
