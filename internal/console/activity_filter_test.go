package console

import (
	"net/url"
	"testing"
	"time"

	"countersign/internal/company"
)

// TestAnAddressOrANetworkIsRead in whatever form people write one; anything else is a problem and no filter.
func TestAnAddressOrANetworkIsRead(t *testing.T) {
	for typed, want := range map[string]struct{ ip, network, problem string }{
		"":                       {},
		" 203.0.113.7 ":          {ip: "203.0.113.7"},
		"203.0.113.7/32":         {ip: "203.0.113.7"},
		"::ffff:203.0.113.7":     {ip: "203.0.113.7"},
		"2001:DB8:0::1":          {ip: "2001:db8::1"},
		"fe80::1%eth0":           {ip: "fe80::1"},
		"203.0.113.7/24":         {network: "203.0.113.0/24"},
		"0.0.0.0/0":              {network: "0.0.0.0/0"},
		"2001:db8:1:2::/48":      {network: "2001:db8:1::/48"},
		"::ffff:203.0.113.7/120": {network: "203.0.113.0/24"},
		"203.0.113.0/33":         {problem: "console.activity.network_bad"},
		"203.0.113":              {problem: "console.activity.network_bad"},
		"office":                 {problem: "console.activity.network_bad"},
		"203.0.113.0/24 office":  {problem: "console.activity.network_bad"},
	} {
		for _, name := range []string{"network", "ip"} {
			form, f := readActivityForm(url.Values{name: {typed}}), company.ActivityFilter{}
			form.addNetwork(&f)
			network := ""
			if f.Network.IsValid() {
				network = f.Network.String()
			}
			if f.IP != want.ip || network != want.network || form.Problems["network"] != want.problem {
				t.Errorf("%s=%q: %q, %q, %v", name, typed, f.IP, network, form.Problems)
			}
		}
	}
}

// TestDaysAreWholeDays of UTC, the last one included; dates win over a number of days.
func TestDaysAreWholeDays(t *testing.T) {
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	for query, want := range map[string]struct {
		since, until   time.Time
		field, problem string
	}{
		"":                                  {},
		"from=2026-11-03":                   {since: at(11, 3)},
		"until=2026-11-30":                  {until: at(12, 1)},
		"from=2026-11-03&until=2026-11-03":  {since: at(11, 3), until: at(11, 4)},
		"days=7&from=2026-11-03":            {since: at(11, 3)},
		"from=2026-11-04&until=2026-11-03":  {field: "until", problem: "console.activity.until_bad"},
		"from=2026-11-31":                   {field: "from", problem: "activation.bad_date"},
		"from=2026-11-03&until=yesterday":   {field: "until", problem: "activation.bad_date"},
		"from=yesterday&until=2026-11-03":   {field: "from", problem: "activation.bad_date"},
		"until=0001-01-01":                  {until: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)},
		"from=0001-01-02&until=0001-01-01":  {field: "until", problem: "console.activity.until_bad"},
		"from=%002026-11-03":                {field: "from", problem: "activation.bad_date"},
		"from=2026-11-03T00:00:00Z&until=x": {field: "from", problem: "activation.bad_date"},
	} {
		q, _ := url.ParseQuery(query)
		form, f := readActivityForm(q), company.ActivityFilter{}
		form.addDates(&f)
		if form.Problems[want.field] != want.problem || want.problem == "" && len(form.Problems) > 0 {
			t.Errorf("%s: %v", query, form.Problems)
		}
		if want.problem == "" && (!f.Since.Equal(want.since) || !f.Until.Equal(want.until)) {
			t.Errorf("%s: from %s to %s", query, f.Since, f.Until)
		}
		if form.kept.Get("days") != "" && form.kept.Get("from") != "" {
			t.Errorf("%s: days and dates are kept", query)
		}
	}
}

// TestEveryFilterIsKept by the links to further pages.
func TestEveryFilterIsKept(t *testing.T) {
	const asked = "actor=a&app=p&by=other&from=2026-11-01&kind=people&network=192.0.2.0%2F24&place=Rome&q=x" +
		"&request=R&result=ok&until=2026-11-02&user=u"
	q, err := url.ParseQuery(asked + "&before=B1&lang=de")
	if err != nil {
		t.Fatal(err)
	}
	form := readActivityForm(q)
	if got := form.address(""); got != "/company/activity?"+asked {
		t.Error(got)
	}
	next, err := url.Parse(form.address("B2"))
	if err != nil || next.Query().Get("before") != "B2" || next.Query().Get("place") != "Rome" {
		t.Error(next, err)
	}
	if form := readActivityForm(url.Values{"ip": {"192.0.2.1"}, "days": {"7"}, "by": {"nobody"}}); !form.More() ||
		form.address("") != "/company/activity?days=7&network=192.0.2.1" {
		t.Error(form.address(""))
	}
	if readActivityForm(url.Values{"user": {"u"}, "actor": {"a"}, "days": {"7"}, "q": {"x"}}).More() {
		t.Error("more filters are open for none of them")
	}
}
