package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/web"
)

func (c *Console) mountActivity(mux *web.Mux) {
	mux.Get("/company/activity", c.signedIn(c.showActivity))
	mux.Post("/company/activity/export", c.withRecentProof(c.exportActivity))
}

// activityPage is what happened in a company.
type activityPage struct {
	frame
	Rows     []activityRow
	Results  []option
	Kinds    []option
	Days     []option
	Person   string // the name of the person whose activity is shown; empty = everyone's
	PersonID string
	IP       string
	Text     string
	Many     bool      // more people match the text than are searched for
	BackAt   time.Time // how far back the search has come; zero: all the way
	Further  string    // address of the search that goes on from there
	Filtered bool
	Older    string // address of older rows; empty = there are none
	Newest   string
	Export   bool // the reader may export it
}

func (activityPage) View() web.View { return web.View{Template: "console/activity"} }

// activityRow is one thing that happened.
type activityRow struct {
	What          string // catalogue key
	Action        string // as the log names it
	Outcome       string // catalogue key
	Tone          string
	Person        string
	PersonID      string
	Actor         string // who did it, where that is someone else
	ByServer      bool   // the vendor did it, on the server
	Method        string // catalogue key; empty = none
	App           string
	IP, Place     string
	Browser       string
	Reason        string
	RequestID, ID string
	At            time.Time
}

var results = []audit.Result{audit.OK, audit.Failed, audit.Refused}

const day = 24 * time.Hour

// periods are how far back the list can be cut off.
var periods = []struct {
	days   string // as an address says it
	length time.Duration
	key    string
}{
	{"1", day, "console.activity.days_1"},
	{"7", 7 * day, "console.activity.days_7"},
	{"30", 30 * day, "console.activity.days_30"},
}

// filterOf reads what is asked for from the address.
func (c *Console) filterOf(q url.Values) company.ActivityFilter {
	f := company.ActivityFilter{
		UserID: q.Get("user"),
		Group:  company.ActivityGroup(q.Get("kind")),
		IP:     q.Get("ip"),
		Before: q.Get("before"),
		Limit:  50,
	}
	for _, result := range results {
		if string(result) == q.Get("result") {
			f.Result = result
		}
	}
	for _, p := range periods {
		if p.days == q.Get("days") {
			f.Since = c.DB.Now().Add(-p.length)
		}
	}
	return f
}

// maxActivityText is the longest text that is searched for, in bytes.
const maxActivityText = 400

// addText adds what the address searches for.
func (c *Console) addText(r *http.Request, f *company.ActivityFilter) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	if text == "" || len(text) > maxActivityText {
		return
	}
	f.Text = text
	p, text := c.Web.Printer(r), strings.ToLower(text)
	for action, keys := range sentences() {
		named := func(key string) bool { return strings.Contains(strings.ToLower(p.T(key)), text) }
		if strings.Contains(string(action), text) || slices.ContainsFunc(keys, named) {
			f.TextActions = append(f.TextActions, action)
		}
	}
	slices.Sort(f.TextActions)
}

// sentences are the catalogue keys that whatHappened gives the events of each action.
func sentences() map[audit.Action][]string {
	out := map[audit.Action][]string{}
	for action, key := range actionKeys {
		out[action] = []string{key}
	}
	out[audit.TenantSwitched] = append(out[audit.TenantSwitched],
		"audit.tenant.switched_on", "audit.tenant.switched_off")
	return out
}

func (c *Console) showActivity(w http.ResponseWriter, r *http.Request, a *administrator) error {
	q := r.URL.Query()
	filter := c.filterOf(q)
	c.addText(r, &filter)
	found, err := c.Company.Activity(r.Context(), a.Actor, a.company(), filter)
	if err != nil {
		return err
	}
	page := activityPage{
		frame:    a.frame(r, "activity"),
		Rows:     describe(found),
		PersonID: filter.UserID,
		Person:   found.Names[filter.UserID],
		IP:       filter.IP,
		Text:     filter.Text,
		Many:     found.Many,
		Export:   a.May(access.ExportActivity, a.own()),
	}
	kept := url.Values{}
	for _, name := range []string{"user", "kind", "result", "days", "ip", "q"} {
		if v := q.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	page.Filtered = len(kept) > 0
	page.addFilters(filter, q.Get("days"))
	if filter.Before != "" {
		page.Newest = "/company/activity?" + kept.Encode()
	}
	if found.Back != "" {
		kept.Set("before", found.Back)
		page.BackAt, page.Further = found.BackAt, "/company/activity?"+kept.Encode()
	}
	if found.More {
		kept.Set("before", found.Rows[len(found.Rows)-1].ID)
		page.Older = "/company/activity?" + kept.Encode()
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (p *activityPage) addFilters(f company.ActivityFilter, days string) {
	for _, result := range results {
		p.Results = append(p.Results, pages.NewOption(string(result), resultKeys[result], result == f.Result))
	}
	for _, group := range company.ActivityGroups {
		p.Kinds = append(p.Kinds, pages.NewOption(string(group), groupKeys[group], group == f.Group))
	}
	for _, period := range periods {
		p.Days = append(p.Days, pages.NewOption(period.days, period.key, period.days == days))
	}
}

// whatHappened is the catalogue key of an event.
func whatHappened(row audit.Row) string {
	if row.Action == audit.TenantSwitched && row.Result == audit.OK {
		if row.Reason == "off" {
			return "audit.tenant.switched_off"
		}
		return "audit.tenant.switched_on"
	}
	return cmp.Or(actionKeys[row.Action], "audit.other")
}

// describe puts rows into words.
func describe(found company.Activity) (out []activityRow) {
	for _, row := range found.Rows {
		v := activityRow{
			What:      whatHappened(row),
			Action:    string(row.Action),
			Outcome:   resultKeys[row.Result],
			Tone:      string(row.Result),
			PersonID:  row.UserID,
			Person:    found.Names[row.UserID],
			App:       cmp.Or(found.Apps[row.ClientID], row.ClientID),
			IP:        row.IP,
			Place:     row.Place,
			Browser:   row.Browser,
			Reason:    row.Reason,
			RequestID: row.RequestID,
			ID:        row.ID,
			At:        row.At,
		}
		switch {
		case row.ActorID == string(access.CommandLine):
			v.ByServer = true
		case row.ActorID != row.UserID:
			v.Actor = cmp.Or(found.Names[row.ActorID], row.ActorID)
		}
		if row.Method != "" && methodtext.Known(authenticator.Kind(row.Method)) {
			v.Method = methodtext.Of(authenticator.Kind(row.Method)).Name
		}
		out = append(out, v)
	}
	return out
}
