package acceptance

import (
	"math"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: an unknown account walks the same way with a dummy hash
func TestATK111_SameAnswerBeforeThePasswordIsRight(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		disabled, suspended := w.Covered(t).User(t), w.NewTenant(t, "--mandate", "mandatory")
		frozen := suspended.User(t)
		disabled.Set(t, "--disable")
		w.CLI(t, "tenant", "set", suspended.ID, "--suspend")
		accounts := map[string]string{
			"unknown": w.Unique("nobody") + "@people.example.test", "covered": w.Covered(t).User(t).Email,
			"no second step": w.Open(t).User(t).Email,
			"disabled":       disabled.Email, "suspended": frozen.Email, "not an address": "nobody", "odd": "x@y",
			"empty host": "x@",
		}
		var first *rig.Page
		for name, email := range accounts {
			p := w.Person(t)
			pg := p.Send(p.Request(http.MethodPost, rig.PathPassword,
				form("email", email, "password", "a wrong password of some length")))
			pg.Body = strings.ReplaceAll(pg.Body, email, "ADDRESS")
			if first == nil {
				first = pg
			}
			if pg.Status != first.Status || pg.Shape() != first.Shape() || headerNames(pg) != headerNames(first) {
				t.Errorf("%s answers otherwise: %d, %s; %d, %s", name, pg.Status, headerNames(pg), first.Status,
					headerNames(first))
			}
			if len(pg.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s sets a cookie", name)
			}
		}
		// and with the right one, for those who may not come in
		for _, email := range []string{disabled.Email, frozen.Email} {
			p := w.Person(t)
			right := map[string]string{disabled.Email: disabled.Password, frozen.Email: frozen.Password}[email]
			pg := p.Send(p.Request(http.MethodPost, rig.PathPassword, form("email", email, "password", right)))
			if pg.Status != 401 || gotSession(pg) {
				t.Errorf("a closed account with the right password: %d", pg.Status)
			}
		}
	})
}

func headerNames(pg *rig.Page) string {
	var names []string
	for name := range pg.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// guard: password.Pool hashes for unknown accounts too. A quick look for every commit, which
// a busy machine can deceive once and not four times in the same way; the night takes more
// samples (-rounds) and looks closer.
func TestATK112_Timing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		looks, limit, middle := 4, 15.0, 4 // a busy machine only ever adds: the lower quartile is the quieter look
		if *rounds >= 10 {
			looks, limit, middle = 1, 2.0, 2
		}
		longer := 0 // +1 for each look at which known accounts took longer, -1 for the other way
		for range looks {
			known, unknown := timesOfAccounts(t, w, 12**rounds)
			a, b := quantile(known, middle), quantile(unknown, middle)
			t.Logf("1/%d quantiles: known %.1f ms, unknown %.1f ms", middle, a, b)
			switch gap := a - b; {
			case math.Abs(gap) <= limit || *rounds < 10 && math.Abs(gap) <= 0.4*a:
				return
			case gap > 0:
				longer++
			default:
				longer--
			}
		}
		if longer == looks || longer == -looks {
			t.Errorf("unknown accounts answer apart from known ones, at each of %d looks", looks)
		}
	})
}

// timesOfAccounts are the milliseconds of wrong passwords, of accounts that exist and that
// do not.
func timesOfAccounts(t *testing.T, w *rig.World, samples int) (known, unknown []float64) {
	var p, q *rig.Person
	var u *rig.User
	for i := range samples {
		if i%3 == 0 { // a fresh account and fresh sources, before their delays begin
			u, p, q = w.Covered(t).UserAtFullCost(t), w.Person(t), w.Person(t)
		}
		stranger := w.Unique("nobody") + "@people.example.test"
		if i%2 == 0 { // neither is always the first
			known = append(known, timeWrong(p, u.Email))
			unknown = append(unknown, timeWrong(q, stranger))
		} else {
			unknown = append(unknown, timeWrong(q, stranger))
			known = append(known, timeWrong(p, u.Email))
		}
	}
	return known, unknown
}

func timeWrong(p *rig.Person, email string) float64 {
	req := p.Request(http.MethodPost, rig.PathPassword,
		form("email", email, "password", "a wrong password of some length"))
	p.Get("/healthz") // opens the connection
	start := time.Now()
	if pg := p.Send(req); pg.Status != 401 {
		return 0 // not a comparison
	}
	return float64(time.Since(start).Microseconds()) / 1000
}

// quantile is the value below which one part in n lies.
func quantile(v []float64, n int) float64 {
	s := slices.Clone(v)
	sort.Float64s(s)
	return s[len(s)/n]
}

// guard: the address is masked by one function, after the password only
func TestATK114_MaskedDestination(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		short := w.Covered(t).Person(t, "a"+w.Unique("")+"@b.test", "Al", "agent")
		long := w.Covered(t).Person(t, w.Unique("a-very-long-mailbox-name-indeed-")+"@people.example.test",
			"Long", "agent")
		var stars []int
		for _, u := range []*rig.User{short, long} {
			p := w.Person(t)
			p.Visit(w.Dashboard(t).Visit())
			if wrong := p.Password(u.Email,
				"not the right password"); strings.Contains(strings.ReplaceAll(wrong.Text(), u.Email, ""), "•") ||
				strings.Contains(wrong.Text(), "***") {
				t.Error("a masked address before the password is right")
			}
			p.Password(u.Email, u.Password)
			text := atCode(t, p.Page).Text()
			if strings.Contains(text, u.Email) {
				t.Errorf("the whole address is shown: %s", rig.Quietly(text))
			}
			stars = append(stars, strings.Count(text, "•")+strings.Count(text, "*"))
		}
		if stars[0] != stars[1] || stars[0] == 0 {
			t.Errorf("the mask tells the length: %v", stars)
		}
	})
}

// guard: nothing lists companies
func TestATK115_TenantDiscovery(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		p := w.Person(t)
		for _, path := range []string{"/", "/signin", "/signin?company=" + c.ID, "/" + c.ID, "/companies",
			"/tenants/" + c.ID, "/.well-known/openid-configuration", "/signin?hd=example.test", "/setup", "/why"} {
			pg := p.Get(path)
			if strings.Contains(pg.Body, "Company "+c.ID) ||
				strings.Contains(strings.ReplaceAll(pg.Body, path, ""), `"`+c.ID+`"`) {
				t.Errorf("%s tells of a company", path)
			}
		}
		same, other := p.Get("/"+c.ID), p.Get("/no-such-company")
		same.Body, other.Body = strings.ReplaceAll(same.Body, c.ID, "x"),
			strings.ReplaceAll(other.Body, "no-such-company", "x")
		if same.Status != other.Status || same.Shape() != other.Shape() {
			t.Errorf("a company's name answers %d, an unknown one %d", same.Status, other.Status)
		}
	})
}

// guard: failures on existing accounts count against the source as well. Otherwise the
// moment of the refusal tells how many of the addresses tried exist.
func TestATK111_TheSourceBudgetIsNoOracle(t *testing.T) {
	rig.EachFresh(t, rig.Options{Config: "[limits]\nfailures_per_source = 10\n"}, func(t *testing.T, w *rig.World) {
		wrong := func(p *rig.Person, email string) int {
			return p.Send(p.Request(http.MethodPost, rig.PathPassword,
				form("email", email, "password", "a wrong password of some length"))).Status
		}
		var outcomes [2][]int
		one, other := w.Person(t), w.Person(t)
		for i := range 12 {
			outcomes[0] = append(outcomes[0], wrong(one, w.Unique("nobody")+"@people.example.test"))
			email := w.Unique("nobody") + "@people.example.test"
			if i%2 == 0 {
				email = w.Covered(t).User(t).Email
			}
			outcomes[1] = append(outcomes[1], wrong(other, email))
		}
		if !slices.Equal(outcomes[0], outcomes[1]) {
			t.Errorf("twelve unknown addresses answer %v, six of twelve known answer %v", outcomes[0], outcomes[1])
		}
	})
}
