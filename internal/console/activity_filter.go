package console

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/company"
	"countersign/internal/pages"
)

// activityForm is what an address asks for.
type activityForm struct {
	Text, UserID, ActorID string
	By, App               string
	Network               string // an address or a network, as typed
	Place, RequestID      string
	From, Until           string            // days as a browser sends them
	Problems              map[string]string // catalogue keys, by the field that is wrong
	days                  string
	kept                  url.Values
}

// More reports whether any of the filters is set that are less often needed.
func (f activityForm) More() bool {
	return cmp.Or(f.By, f.App, f.Network, f.Place, f.RequestID, f.From, f.Until) != ""
}

// readActivityForm reads the address. Dates that are given win over days.
func readActivityForm(q url.Values) activityForm {
	form := activityForm{
		Text:      strings.TrimSpace(q.Get("q")),
		UserID:    q.Get("user"),
		ActorID:   q.Get("actor"),
		App:       q.Get("app"),
		Network:   strings.TrimSpace(cmp.Or(q.Get("network"), q.Get("ip"))),
		Place:     strings.TrimSpace(q.Get("place")),
		RequestID: strings.ToUpper(strings.TrimSpace(q.Get("request"))),
		From:      q.Get("from"),
		Until:     q.Get("until"),
		Problems:  map[string]string{},
		kept:      url.Values{},
	}
	if by := company.ActivityBy(q.Get("by")); byKeys[by] != "" {
		form.By = string(by)
	}
	if form.From == "" && form.Until == "" {
		form.days = q.Get("days")
	}
	for name, value := range map[string]string{
		"user": form.UserID, "actor": form.ActorID, "q": form.Text, "kind": q.Get("kind"), "result": q.Get("result"),
		"days": form.days, "by": form.By, "app": form.App, "network": form.Network, "place": form.Place,
		"request": form.RequestID, "from": form.From, "until": form.Until,
	} {
		if value != "" {
			form.kept.Set(name, value)
		}
	}
	return form
}

// address is that of the same question from another row on.
func (f activityForm) address(before string) string {
	kept := url.Values{}
	for name, value := range f.kept {
		kept[name] = value
	}
	if before != "" {
		kept.Set("before", before)
	}
	return "/company/activity?" + kept.Encode()
}

// filter is what the form asks for. Where it is wrong, Problems says so, and no rows are asked for: to leave a part out
// would show more than was asked for.
func (c *Console) filter(r *http.Request, form *activityForm) company.ActivityFilter {
	q := r.URL.Query()
	f := company.ActivityFilter{
		UserID:    form.UserID,
		ActorID:   form.ActorID,
		By:        company.ActivityBy(form.By),
		Group:     company.ActivityGroup(q.Get("kind")),
		App:       form.App,
		Place:     form.Place,
		RequestID: form.RequestID,
		Before:    q.Get("before"),
		Limit:     50,
	}
	for _, result := range results {
		if string(result) == q.Get("result") {
			f.Result = result
		}
	}
	for _, p := range periods {
		if p.days == form.days {
			f.Since = c.DB.Now().Add(-p.length)
		}
	}
	c.addText(r, form.Text, &f)
	form.addNetwork(&f)
	form.addDates(&f)
	if form.RequestID != "" && !company.IsRequestID(form.RequestID) {
		form.Problems["request"] = "console.activity.request_bad"
	}
	if len(form.Problems) > 0 {
		f.Limit = 0
	}
	return f
}

// addNetwork reads an address or a network. A network of one address is that address, which an index finds.
func (form *activityForm) addNetwork(f *company.ActivityFilter) {
	if form.Network == "" {
		return
	}
	if a, err := netip.ParseAddr(form.Network); err == nil {
		f.IP = a.Unmap().WithZone("").String()
		return
	}
	p, err := netip.ParsePrefix(form.Network)
	if err != nil {
		form.Problems["network"] = "console.activity.network_bad"
		return
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if p.IsSingleIP() {
		f.IP = p.Addr().String()
		return
	}
	f.Network = p.Masked()
}

// addDates reads the days, of which the last one is included.
func (form *activityForm) addDates(f *company.ActivityFilter) {
	from, until := form.day("from", form.From), form.day("until", form.Until)
	if form.From != "" {
		f.Since = from
	}
	if form.Until != "" {
		f.Until = until.Add(day)
	}
	if form.Problems["until"] == "" && form.Until != "" && until.Before(from) {
		form.Problems["until"] = "console.activity.until_bad"
	}
}

func (form *activityForm) day(field, text string) time.Time {
	at, err := pages.ReadDay(text)
	if err != nil {
		form.Problems[field] = "activation.bad_date"
	}
	return at
}

// maxActivityText is the longest text that is searched for, in bytes.
const maxActivityText = 400

// addText adds what a text means. One that is too long for any name finds nothing.
func (c *Console) addText(r *http.Request, text string, f *company.ActivityFilter) {
	if len(text) > maxActivityText {
		f.Limit = 0
	}
	if f.Text = text; text == "" {
		return
	}
	p, text := c.Web.Printer(r), strings.ToLower(text)
	for action, keys := range sentences() {
		named := func(key string) bool { return strings.Contains(strings.ToLower(p.T(key)), text) }
		if strings.Contains(string(action), text) || slices.ContainsFunc(keys, named) {
			f.TextActions = append(f.TextActions, action)
		}
	}
	slices.Sort(f.TextActions)
}

// appOption is an app to choose.
type appOption struct {
	ID, Name string
	Selected bool
}

// appOptions are the apps by their names, and one that is asked for and no longer there.
func appOptions(names map[string]string, chosen string) (out []appOption) {
	if chosen != "" && names[chosen] == "" {
		out = append(out, appOption{chosen, chosen, true})
	}
	for id, name := range names {
		out = append(out, appOption{id, name, id == chosen})
	}
	slices.SortFunc(out, func(a, b appOption) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return out
}
