package walk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/web"
)

const (
	officeScene  = 80 // steps with the same people
	perHome      = 6  // people of a company
	vendorPhrase = "canary first operator of all"
	setUpToken   = `enter this token[^:]*:\s+(\S{20,})`
)

// changesOfLength are what a walk of some length must have seen.
var changesOfLength = []string{
	"owner changes users", "owner changes tenants", "owner changes brands", "owner changes authenticators",
	"admin changes users", "admin changes tenants", "operator changes users", "operator changes tenants",
	"operator changes clients",
}

// TestRandomAdministration lets the roles of two companies and the vendor's staff press whatever their pages offer, and
// send what the pages of others offer, too. After each step it compares all rows that could have been changed with
// what the role may do, by an account of its own of who may do what. A failure names its seed.
//
// guard: access.Check, in the transaction that changes something
func TestRandomAdministration(t *testing.T) {
	number := *seed
	if number == 0 {
		number = uint64(time.Now().UnixNano())
	}
	list := slices.DeleteFunc(inventory(t), func(r web.Route) bool {
		ours := strings.HasPrefix(r.Pattern, "/company") || strings.HasPrefix(r.Pattern, "/desk")
		return !ours || r.Method == http.MethodHead
	})
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		o := &office{t: t, w: w, tables: tables(t, w), came: map[string]int{}}
		o.hire()
		for n := range max(1, *steps/3/officeScene) {
			o.play(number, n, list)
		}
		for _, what := range slices.Sorted(maps.Keys(o.came)) {
			t.Logf("%5d %s", o.came[what], what)
		}
		for _, what := range changesOfLength {
			if o.came[what] == 0 && *steps >= 10000 {
				t.Errorf("seed %d: in %d steps there was no %s", number, *steps, what)
			}
		}
	})
}

// hire sets the installation up and adds someone of support.
func (o *office) hire() {
	t, w := o.t, o.w
	p := w.Person(t)
	operator := &rig.User{Email: "vera@vendor.example.test", Password: vendorPhrase}
	p.Get("/setup").Expect(t, 200)
	p.Post("/setup", url.Values{"token": {w.A.Printed(t, setUpToken)}, "company": {"Vendor"}, "name": {"Vera Vendor"},
		"email": {operator.Email}, "password": {operator.Password}}).Expect(t, 200)
	vendor := w.Texts(t, `SELECT tenant_id FROM tenants WHERE kind = 'vendor'`)[0]
	support := &rig.User{Email: "sam@vendor.example.test", Password: "canary second battery support"}
	if out, err := w.TryCLI(support.Password+"\n", "user", "create", "--tenant", vendor, "--name", "Sam Support",
		"--email", support.Email, "--role", "support", "--password-stdin"); err != nil {
		t.Fatalf("create support: %v %s", err, out)
	}
	for _, u := range []*rig.User{operator, support} {
		o.staff = append(o.staff, o.official(u, vendor))
	}
	o.apps = []string{w.Dashboard(t).ID, w.PhoneApp(t).ID}
}

func (o *office) official(u *rig.User, of string) *official {
	id := o.w.Texts(o.t, `SELECT id FROM users WHERE email = $1`, u.Email)[0]
	return &official{User: u, id: id, of: of, person: o.w.Person(o.t)}
}

// play takes the steps of a scene with fresh companies.
func (o *office) play(seed uint64, scene int, list []web.Route) {
	dice := rand.New(rand.NewPCG(seed, uint64(scene)))
	o.people, o.homes = nil, nil
	for range 2 {
		c := o.w.NewTenant(o.t, "--mandate", "default_off", "--switch", "on")
		o.homes = append(o.homes, c)
		for i, u := range c.Crowd(o.t, perHome) {
			a := o.official(u, c.ID)
			role := []string{"owner", "owner", "admin", "supervisor", "agent", "agent"}[i]
			o.w.Tamper(o.t, `UPDATE users SET role = $1 WHERE tenant_id = $2 AND id = $3`, role, c.ID, a.id)
			o.people = append(o.people, a)
		}
	}
	var log []string
	for n := range officeScene {
		if why := o.step(dice, list, &log); why != "" {
			o.t.Fatalf("seed %d, scene %d, step %d: %s\nagain: -run TestRandomAdministration/%s -seed %d\nlast steps:\n%s",
				seed, scene, n, why, o.w.Engine, seed, strings.Join(log[max(0, len(log)-5):], "\n"))
		}
	}
}

// someone acts, rather those who may do much.
func (o *office) someone(dice *rand.Rand) *official {
	actors := slices.Concat(o.people, o.staff, o.staff, o.staff)
	for i, one := range o.people {
		if i%perHome < 3 {
			actors = append(actors, one, one, one)
		}
	}
	return actors[dice.IntN(len(actors))]
}

// step lets someone do something, and judges it.
func (o *office) step(dice *rand.Rand, list []web.Route, log *[]string) (why string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case violation:
			why = string(v)
		default:
			panic(v)
		}
	}()
	a := o.someone(dice)
	route := list[dice.IntN(len(list))]
	desk := slices.Contains(o.staff, a)
	for dice.IntN(8) > 0 && (desk != strings.HasPrefix(route.Pattern, "/desk") || route.Method == http.MethodGet) {
		route = list[dice.IntN(len(list))]
	}
	target := o.fill(dice, route.Pattern, a)
	form := o.offered(dice, a, strings.TrimSuffix(target, "/end"))
	before := o.snapshot()
	method, values := route.Method, url.Values{}
	if form.Action != "" && dice.IntN(3) > 0 {
		method, target, values = http.MethodPost, form.Action, form.Values
		if dice.IntN(3) == 0 { // the form of one person's page, sent about another one
			target = o.fill(dice, route.Pattern, a)
		}
	}
	if method == http.MethodPost {
		o.write(dice, a, values)
	}
	*log = append(*log, fmt.Sprintf("  %s: %s %s %v", a.Email, method, target, values))
	req := a.person.Request(method, target, values)
	if method == http.MethodGet {
		req = a.person.Request(method, target, nil)
	}
	pg := a.person.Send(req)
	o.came[fmt.Sprintf("status %d", pg.Status)]++
	after := o.snapshot()
	o.reads(a, pg, target+" "+fmt.Sprint(values))
	o.judge(a, before, after)
	o.owned(before, after)
	return ""
}

// fill puts someone, a company or an app into the holes of a route.
func (o *office) fill(dice *rand.Rand, pattern string, a *official) string {
	whom := o.people[dice.IntN(len(o.people))]
	for dice.IntN(4) > 0 && whom.of != a.of && !slices.Contains(o.staff, a) {
		whom = o.people[dice.IntN(len(o.people))]
	}
	value := whom.id
	switch {
	case strings.HasPrefix(pattern, "/desk/companies"):
		value = whom.of
	case strings.HasPrefix(pattern, "/desk/apps"):
		value = o.apps[dice.IntN(len(o.apps))]
	}
	return fill(pattern, value)
}

// offered is a form of the page at an address, with what is needed to reach it.
func (o *office) offered(dice *rand.Rand, a *official, path string) rig.Form {
	pg := a.person.Get(path)
	if _, asks := pg.Form(rig.PathPassword); asks {
		pg = a.person.Password(a.Email, a.Password)
	}
	if _, more := pg.Form(rig.PathStepUp); more {
		pg = a.person.StepUp()
	}
	if _, asks := pg.Form(rig.PathCode); asks {
		reference := pg.Reference()
		code := ""
		rig.Within(o.t, 20*time.Second, "a message with the reference of the page", func() bool {
			for _, m := range o.w.Sink.Codes(a.Email) {
				if m.Reference == reference {
					code = m.Code
				}
			}
			return code != ""
		})
		a.person.Code(code)
		o.came["signed in"]++
		pg = a.person.Get(path)
	}
	o.reads(a, pg, path)
	forms := slices.DeleteFunc(pg.Forms(), func(f rig.Form) bool {
		return !strings.HasPrefix(f.Action, "/company") && !strings.HasPrefix(f.Action, "/desk")
	})
	if len(forms) == 0 {
		return rig.Form{}
	}
	return forms[dice.IntN(len(forms))]
}

// write fills a form in: with what fits it, or what someone would try.
func (o *office) write(dice *rand.Rand, a *official, values url.Values) {
	someone := o.people[dice.IntN(len(o.people))]
	some := map[string][]string{
		"role":    ranks,
		"company": {"Company " + a.of, "Company " + someone.of},
		"tenant":  {someone.of},
		"email":   {o.w.Unique("new") + "@people.example.test", someone.Email},
		"address": {o.w.Unique("new") + "@people.example.test", someone.Email},
		"name":    {"New Person"},
		"reason":  {"It was asked for", ""},
		"until":   {o.w.Now().AddDate(0, 0, 5).Format(time.DateOnly), "2099-01-01"},
		"from":    {o.w.Now().AddDate(0, 0, 3).Format(time.DateOnly)},
		"user":    {someone.id},
		"person":  {someone.id},
		"do":      {"save", "review", "confirm", "clear"},
		"mode":    {"mandatory", "default_on", "default_off"},
		"choice":  {"", "required", "optional", "adaptive"},
		"methods": {"email", "totp", "passkey", "all"},
		"days":    {"0", "7", "30", "90"},
		"roles":   {"", "owner admin", "owner admin agent", "agent"},
		"sure":    {"yes"},

		"choose_roles": {"yes"},
		"choose_apps":  {"yes"},
		"app":          {"dashboard", "phone", "no-such-app"},
	}
	for _, name := range slices.Sorted(maps.Keys(some)) {
		_, asked := values[name]
		if asked && (values.Get(name) == "" || dice.IntN(2) > 0) || dice.IntN(16) == 0 {
			values.Set(name, some[name][dice.IntN(len(some[name]))])
		}
	}
}
