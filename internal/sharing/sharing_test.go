package sharing_test

import (
	"testing"
	"time"

	"countersign/internal/geo"
	"countersign/internal/sharing"
)

// TestJudge is the whole rule: places, clocks and mailbox, each absent, weak or strong.
func TestJudge(t *testing.T) {
	const a, w, s = sharing.Absent, sharing.Weak, sharing.Strong
	rule := map[[3]sharing.Grade]sharing.Likelihood{
		{a, a, a}: sharing.None,
		{a, a, w}: sharing.Low, {a, w, a}: sharing.Low, {w, a, a}: sharing.Low,
		{a, w, w}: sharing.Low, {w, a, w}: sharing.Low, {w, w, a}: sharing.Low,
		{w, w, w}: sharing.Low,
		{a, a, s}: sharing.Likely, {a, s, a}: sharing.Likely, {s, a, a}: sharing.Likely,
		{a, w, s}: sharing.VeryLikely, {a, s, w}: sharing.VeryLikely, {w, a, s}: sharing.VeryLikely,
		{w, s, a}: sharing.VeryLikely, {s, a, w}: sharing.VeryLikely, {s, w, a}: sharing.VeryLikely,
		{w, w, s}: sharing.VeryLikely, {w, s, w}: sharing.VeryLikely, {s, w, w}: sharing.VeryLikely,
		{a, s, s}: sharing.VeryLikely, {s, a, s}: sharing.VeryLikely, {s, s, a}: sharing.VeryLikely,
		{w, s, s}: sharing.VeryLikely, {s, w, s}: sharing.VeryLikely, {s, s, w}: sharing.VeryLikely,
		{s, s, s}: sharing.VeryLikely,
	}
	if len(rule) != 27 {
		t.Fatalf("%d cases, want every combination", len(rule))
	}
	for g, want := range rule {
		if got := sharing.Judge(g[0], g[1], g[2]); got != want {
			t.Errorf("places %d, clocks %d, mailbox %d: %q, want %q", g[0], g[1], g[2], got, want)
		}
	}
}

var (
	lisbon = geo.Point{Latitude: 38.72, Longitude: -9.14, Radius: 20}
	porto  = geo.Point{Latitude: 41.15, Longitude: -8.61, Radius: 20}
	tokyo  = geo.Point{Latitude: 35.68, Longitude: 139.69, Radius: 20}
	start  = time.Date(2026, 10, 20, 8, 0, 0, 0, time.UTC)
)

// diary collects what an account did.
type diary struct{ sharing.Activity }

func use(after time.Duration, at geo.Point, browser string) sharing.Use {
	return sharing.Use{
		At:      start.Add(after),
		Browser: browser,
		Point:   at,
		Located: true,
	}
}

// signIn begins a session that is used for some time.
func (d *diary) signIn(after time.Duration, at geo.Point, browser string, used time.Duration) {
	u := use(after, at, browser)
	d.SignIns = append(d.SignIns, sharing.SignIn{Use: u, Until: u.At.Add(used)})
}

func (d *diary) code(after time.Duration, method, browser string, clock int) {
	d.Codes = append(d.Codes, sharing.Code{
		Use:    use(after, lisbon, browser),
		Method: method,
		ID:     "a1",
		Clock:  clock,
	})
}

const hour, day = time.Hour, 24 * time.Hour

// TestInnocentPatterns: what one person does is no evidence, or weak evidence.
func TestInnocentPatterns(t *testing.T) {
	for name, c := range map[string]struct {
		want sharing.Likelihood
		do   func(d *diary)
	}{
		"nothing": {sharing.None, func(*diary) {}},
		"a phone and a laptop in one place": {sharing.None, func(d *diary) {
			for n := range time.Duration(20) {
				d.signIn(n*day, lisbon, "Chrome, Windows", 30*day)
				d.signIn(n*day+time.Minute, lisbon, "Safari, iOS", 30*day)
			}
		}},
		"a VPN switched on and off once": {sharing.Low, func(d *diary) {
			d.signIn(0, lisbon, "Chrome, Windows", hour)
			d.signIn(2*hour, tokyo, "Chrome, Windows", hour)
			d.signIn(4*hour, lisbon, "Chrome, Windows", hour)
		}},
		"a VPN every day in one browser": {sharing.Low, func(d *diary) {
			for n := range time.Duration(20) {
				d.signIn(n*day, lisbon, "Chrome, Windows", hour)
				d.signIn(n*day+2*hour, tokyo, "Chrome, Windows", hour)
			}
		}},
		"one person with two browsers": {sharing.None, func(d *diary) {
			for n := range 20 {
				d.code(time.Duration(n)*hour, sharing.Mailbox, []string{"Firefox, Linux", "Chrome, Linux"}[n%2], 0)
			}
		}},
		"a flight with a new phone": {sharing.None, func(d *diary) {
			d.signIn(0, lisbon, "Safari, iOS", hour)
			d.signIn(15*hour, tokyo, "Chrome, Android", hour)
			d.signIn(40*hour, lisbon, "Safari, iOS", hour)
		}},
		"a laptop that travels and stays signed in": {sharing.Low, func(d *diary) {
			d.signIn(0, lisbon, "Chrome, Windows", 20*day)
			d.signIn(3*day, tokyo, "Safari, iOS", hour)
			d.signIn(5*day, tokyo, "Safari, iOS", hour)
		}},
		"a phone whose provider's exchange is elsewhere": {sharing.None, func(d *diary) {
			for n := range time.Duration(20) {
				d.signIn(n*day, lisbon, "Chrome, Windows", 30*day)
				d.signIn(n*day+time.Minute, porto, "Safari, iOS", 30*day)
			}
		}},
		"slow fingers": {sharing.None, func(d *diary) {
			for n := range 20 {
				d.code(time.Duration(n)*hour, sharing.App, "Firefox, Linux", -(n % 2))
			}
		}},
		"a clock that was set right": {sharing.None, func(d *diary) {
			for n, clock := range []int{2, 1, 2, 2, 0, 0, -1, 0} {
				d.code(time.Duration(n)*hour, sharing.App, "Firefox, Linux", clock)
			}
		}},
		"one slow answer of a clock that is early": {sharing.Low, func(d *diary) {
			for n, clock := range []int{1, 1, -1, 1, 0, 1} {
				d.code(time.Duration(n)*hour, sharing.App, "Firefox, Linux", clock)
			}
		}},
		"four browsers in a month": {sharing.Low, func(d *diary) {
			for n, browser := range []string{"Firefox, Linux", "Chrome, Linux", "Safari, iOS", "Edge, Windows"} {
				d.code(time.Duration(n)*3*day, sharing.Mailbox, browser, 0)
			}
		}},
		"places that are not known": {sharing.None, func(d *diary) {
			for n := range time.Duration(20) {
				d.signIn(n*hour, []geo.Point{lisbon, tokyo}[n%2], []string{"Firefox", "Chrome"}[n%2], day)
				d.SignIns[n].Located = false
			}
		}},
	} {
		d := &diary{}
		c.do(d)
		if r := sharing.Assess(d.Activity); r.Likelihood != c.want {
			t.Errorf("%s: %q, want %q: %+v", name, r.Likelihood, c.want, r)
		}
	}
}

// TestDaylightSaving: when clocks change, an hour is said twice. The instants of the uses decide.
func TestDaylightSaving(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	night := time.Date(2026, 10, 25, 0, 30, 0, 0, zone)
	d := &diary{}
	for n := range time.Duration(6) { // half past midnight to four, one hour twice
		at := night.Add(n * 40 * time.Minute).In(zone)
		d.signIn(0, lisbon, "Chrome, Windows", hour)
		d.SignIns[n].At, d.SignIns[n].Until = at, at.Add(hour)
		d.code(0, sharing.App, "Chrome, Windows", 0)
		d.Codes[n].At = at
	}
	if r := sharing.Assess(d.Activity); r.Likelihood != sharing.None {
		t.Errorf("%q: %+v", r.Likelihood, r)
	}
}

// TestSharedAccounts: what several people do is found, with the uses that show it.
func TestSharedAccounts(t *testing.T) {
	for name, c := range map[string]struct {
		want sharing.Likelihood
		do   func(d *diary)
		show func(r sharing.Report) int
	}{
		"two offices": {sharing.Likely, func(d *diary) {
			for n := range time.Duration(3) {
				d.signIn(n*day, lisbon, "Chrome, Windows", hour)
				d.signIn(n*day+2*hour, tokyo, "Safari, macOS", hour)
			}
		}, func(r sharing.Report) int { return len(r.Journeys) }},
		"two sessions by turns": {sharing.Likely, func(d *diary) {
			for n := range time.Duration(6) {
				d.signIn(n*day, lisbon, "Chrome, Windows", 2*day)
				d.signIn(n*day+11*hour, tokyo, "Chrome, Windows", 2*day)
			}
		}, func(r sharing.Report) int { return len(r.Overlaps) }},
		"two copies of an app's key": {sharing.Likely, func(d *diary) {
			for n := range 6 {
				d.code(time.Duration(n)*hour, sharing.App, "Firefox, Linux", []int{1, -1}[n%2])
			}
		}, func(r sharing.Report) int { return len(r.Clocks) }},
		"a team's mailbox": {sharing.Likely, func(d *diary) {
			for n, browser := range []string{"Firefox, Linux", "Chrome, Linux", "Safari, iOS", "Edge, Windows"} {
				d.code(time.Duration(n)*hour, sharing.Mailbox, browser, 0)
			}
		}, func(r sharing.Report) int { return len(r.Browsers) }},
		"a key and a mailbox": {sharing.VeryLikely, func(d *diary) {
			for n, browser := range []string{"Firefox, Linux", "Chrome, Linux", "Safari, iOS", "Edge, Windows"} {
				d.code(time.Duration(n)*hour, sharing.Mailbox, browser, 0)
				d.code(time.Duration(n)*hour+time.Minute, sharing.App, browser, []int{1, -1}[n%2])
				d.code(time.Duration(n)*hour+2*time.Minute, sharing.App, browser, []int{-1, 1}[n%2])
			}
		}, func(r sharing.Report) int { return len(r.Browsers) }},
	} {
		d := &diary{}
		c.do(d)
		if r := sharing.Assess(d.Activity); r.Likelihood != c.want || c.show(r) < 3 {
			t.Errorf("%s: %q, want %q: %+v", name, r.Likelihood, c.want, r)
		}
	}
}
