package console

import (
	"cmp"
	"net/http"
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
	Form          activityForm
	Rows          []activityRow
	Results       []option
	Kinds         []option
	Days          []option
	Bys           []option
	Apps          []appOption
	Person, Actor string    // the names of whom it concerns and who did it; empty = everyone
	Many          bool      // more people match the text than are searched for
	BackAt        time.Time // how far back the search has come; zero: all the way
	Further       string    // address of the search that goes on from there
	Filtered      bool
	Older         string // address of older rows; empty = there are none
	Newest        string
	Export        bool // the reader may export it
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
	ActorID       string
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
	form := readActivityForm(r.URL.Query())
	filter := c.filter(r, &form)
	found, err := c.Company.Activity(r.Context(), a.Actor, a.company(), filter)
	if err != nil {
		return err
	}
	page := activityPage{
		frame:    a.frame(r, "activity"),
		Form:     form,
		Rows:     describe(found),
		Person:   cmp.Or(found.Names[form.UserID], form.UserID),
		Actor:    cmp.Or(found.Names[form.ActorID], form.ActorID),
		Many:     found.Many,
		BackAt:   found.BackAt,
		Filtered: len(form.kept) > 0,
		Export:   a.May(access.ExportActivity, a.own()),
	}
	page.addFilters(filter, form, found.Apps)
	page.addPager(filter, found)
	status := http.StatusOK
	if len(form.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return c.Web.Draw(w, r, status, page)
}

// addPager adds the addresses of the pages around this one.
func (p *activityPage) addPager(filter company.ActivityFilter, found company.Activity) {
	if filter.Before != "" {
		p.Newest = p.Form.address("")
	}
	if found.Back != "" {
		p.Further = p.Form.address(found.Back)
	}
	if found.More {
		p.Older = p.Form.address(found.Rows[len(found.Rows)-1].ID)
	}
}

func (p *activityPage) addFilters(f company.ActivityFilter, form activityForm, apps map[string]string) {
	for _, result := range results {
		p.Results = append(p.Results, pages.NewOption(string(result), resultKeys[result], result == f.Result))
	}
	for _, group := range company.ActivityGroups {
		p.Kinds = append(p.Kinds, pages.NewOption(string(group), groupKeys[group], group == f.Group))
	}
	for _, period := range periods {
		p.Days = append(p.Days, pages.NewOption(period.days, period.key, period.days == form.days))
	}
	for _, by := range company.ActivityBys {
		p.Bys = append(p.Bys, pages.NewOption(string(by), byKeys[by], by == f.By))
	}
	p.Apps = appOptions(apps, f.App)
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
			v.Actor, v.ActorID = cmp.Or(found.Names[row.ActorID], row.ActorID), row.ActorID
		}
		if row.Method != "" && methodtext.Known(authenticator.Kind(row.Method)) {
			v.Method = methodtext.Of(authenticator.Kind(row.Method)).Name
		}
		out = append(out, v)
	}
	return out
}
