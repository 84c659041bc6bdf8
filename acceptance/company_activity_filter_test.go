package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// filtered is an administrator who looks for something in the activity.
type filtered struct {
	t *testing.T
	p *rig.Person
}

var (
	logOfPage = regexp.MustCompile(`(?s)<ul class="rows log">(.*?)</ul>`)
	requestOf = regexp.MustCompile(`href="/company/activity\?request=([A-Z2-7]{26})"`)
)

// rows are the events of the page of a query.
func (f filtered) rows(query string) (all []string) {
	f.t.Helper()
	log := logOfPage.FindStringSubmatch(f.p.Get(pathActivity+"?"+query).Expect(f.t, 200).Body)
	if log == nil {
		return nil
	}
	return strings.Split(log[1], "<li>")[1:]
}

// finds fails unless a query finds events and each of them says all words.
func (f filtered) finds(query string, words ...string) []string {
	f.t.Helper()
	all := f.rows(query)
	if len(all) == 0 {
		f.t.Errorf("%s finds nothing", query)
	}
	for _, row := range all {
		for _, w := range words {
			if !strings.Contains(row, w) {
				f.t.Errorf("%s finds an event without %q: %s", query, w, row)
			}
		}
	}
	return all
}

func (f filtered) findsNothing(query string) {
	f.t.Helper()
	if all := f.rows(query); len(all) > 0 {
		f.t.Errorf("%s finds %d events: %s", query, len(all), all[0])
	}
	f.p.Page.Expect(f.t, 200, "No activity matches.")
}

// TestAIR3_ActivityIsFilteredByActorAppNetworkPlaceDatesAndRequest: each filter by itself and several together, what is
// wrong is said at its field and nothing is searched, and no filter reaches into another company.
func TestAIR3_ActivityIsFilteredByActorAppNetworkPlaceDatesAndRequest(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, there := w.NewTenant(t, "--mandate", "mandatory"), w.Covered(t)
		owner, agent := member(t, w, c, "Olga", "owner"), member(t, w, c, "Agnes", "agent")
		stranger := there.User(t)
		from(w.Person(t), rig.LisbonIP).SignIn(t, w.Dashboard(t), agent)
		from(w.Person(t), rig.AzoresIP).SignIn(t, w.Dashboard(t), stranger)
		far := from(w.Person(t), rig.TokyoIP)
		far.Visit(w.Console(t).Visit())
		far.Password(agent.Email, "not her password")
		p := w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		p.Post(pathUsers+"/"+userID(t, w, agent)+"/role", url.Values{"role": {"supervisor"}}).Expect(t, 200)
		f := filtered{t, p}
		eachFilter(f, userID(t, w, owner), userID(t, w, agent))
		f.findsNothing("actor=" + userID(t, w, stranger))
		f.findsNothing("user=" + userID(t, w, stranger))
		f.findsNothing("network=198.51.100.208/28") // where only the stranger has been
		saysWhatIsWrong(f)
		if q := w.Person(t); q.Get(pathActivity+"?network=bad").URL.Path == pathActivity {
			t.Error("the filters are shown to no one in particular")
		}
	})
}

func eachFilter(f filtered, owner, agent string) {
	f.t.Helper()
	now := time.Now().UTC()
	from, until := now.AddDate(0, 0, -1).Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)
	days := "from=" + from + "&until=" + until
	f.finds("app=console", "The console", rig.TokyoIP)
	f.finds("network=203.0.113.0/24", rig.LisbonIP)
	f.finds("network="+rig.TokyoIP, "Tokyo")
	f.finds("ip="+rig.TokyoIP, "Tokyo") // as older links have it
	f.finds("place=LISB", "Lisbon, Portugal")
	f.finds("by=server", "by your provider, on the server")
	f.finds(days + "&kind=sign_ins")
	f.finds("actor="+agent, "Agnes")
	changed := f.finds("by=other", "Role changed", ">by Olga</a>", "actor="+owner)
	f.p.Page.Expect(f.t, 200)
	f.finds("actor="+owner+"&user="+agent, "Role changed")
	f.p.Page.Expect(f.t, 200, "Agnes · Done by Olga")
	f.finds("q=agnes&by=other", "Role changed")
	for _, row := range f.finds("by=self&user=" + agent) {
		if strings.Contains(row, ">by ") || strings.Contains(row, "by your provider") {
			f.t.Errorf("someone else did it: %s", row)
		}
	}
	if id := requestOf.FindStringSubmatch(changed[0]); id == nil {
		f.t.Error("the request is no link")
	} else {
		f.finds("request="+strings.ToLower(id[1]), id[1])
		f.findsNothing("by=server&request=" + id[1])
	}
	all := f.finds("app=console&network=198.51.100.0/24&by=self&place=tokyo&result=failed&kind=sign_ins&q=agnes&"+
		days+"&user="+agent, "Failed", "Agnes")
	if len(all) != 1 {
		f.t.Errorf("%d events match everything", len(all))
	}
	for _, query := range []string{
		"app=console&place=lisbon", "network=192.0.2.0/24", "place=atlantis", "app=nowhere", "place=%25",
		"from=2999-01-01", "until=2000-01-01", "request=" + strings.Repeat("A", 26), "by=server&actor=" + agent,
		"network=203.0.113.0/24&result=refused",
	} {
		f.findsNothing(query)
	}
	pageByPage(f)
}

// pageByPage: links to further pages keep what is asked for, and so does the form.
func pageByPage(f filtered) {
	f.t.Helper()
	const query = "app=dashboard&by=self&from=2020-01-02&network=203.0.113.0%2F24&place=lisbon"
	f.finds(query)
	form, _ := f.p.Page.Form(pathActivity)
	for name, want := range map[string]string{"from": "2020-01-02", "network": "203.0.113.0/24", "place": "lisbon"} {
		if form.Values.Get(name) != want {
			f.t.Errorf("%s=%s in the form", name, form.Values.Get(name))
		}
	}
	f.p.Get(pathActivity+"?before=ZZZ&"+query).Expect(f.t, 200)
	if link := f.p.Page.LinkSaying("Newest"); link != pathActivity+"?"+query {
		f.t.Errorf("the link to the newest: %s", link)
	}
}

func saysWhatIsWrong(f filtered) {
	f.t.Helper()
	for query, want := range map[string]struct{ field, says string }{
		"network=203.0.113.0/33":           {"network", "Enter an IP address or a network"},
		"network=the office":               {"network", "Enter an IP address or a network"},
		"ip=203.0.113":                     {"network", "Enter an IP address or a network"},
		"from=2026-11-05&until=2026-11-04": {"until", "not before the first day"},
		"from=soon":                        {"from", "Enter a date."},
		"request=ABC1":                     {"request", "Enter the whole request ID"},
	} {
		pg := f.p.Get(pathActivity+"?place=Lisbon&"+strings.ReplaceAll(query, " ", "+")).
			Expect(f.t, 422, "We didn’t search", want.says)
		field := pg.Input(want.field)
		_, typed, _ := strings.Cut(query[strings.LastIndex(query, "&")+1:], "=")
		if field["aria-invalid"] != "true" || field["value"] != typed ||
			!strings.Contains(field["aria-describedby"], want.field+"-wrong") {
			f.t.Errorf("%s: the field %v", query, field)
		}
		if pg.Input("place")["value"] != "Lisbon" || !strings.Contains(pg.Body, `<details class="more" open>`) {
			f.t.Errorf("%s: what was typed is lost", query)
		}
		if logOfPage.MatchString(pg.Body) || pg.Says("No activity matches.") {
			f.t.Errorf("%s: something was searched", query)
		}
	}
}
