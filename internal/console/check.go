package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/rollout"
	"countersign/internal/tenant"
	"countersign/internal/user"
	"countersign/internal/web"
)

const (
	checkPath = "/company/security/check"
	trialPath = checkPath + "/trial"
)

func (c *Console) mountCheck(mux *web.Mux) {
	mux.Get(checkPath, c.signedIn(c.showCheck))
	mux.Get(trialPath, c.withRecentProof(c.showTrial))
	mux.Post(trialPath, c.withRecentProof(c.beginTrial), "method", "role")
	mux.Post(trialPath+"/end", c.withRecentProof(c.endTrial))
}

// checkPage says whom two-factor authentication would stop, and what to look at before it is required.
type checkPage struct {
	frame
	problem
	Vendor   string
	Off      bool // two-factor authentication is off: the report is about what would be
	Planned  bool // it is about choices of the wizard
	At       people.AsOf
	People   int
	Stopped  int
	NoMethod bool
	OneOwner bool
	Checks   []checkRow
	Mail     rollout.MailDelays
	ByEmail  bool // codes are mailed under the rules
	Trial    trial
	Exempt   []company.ExemptApp
	Outdated []string
}

func (checkPage) View() web.View {
	return web.View{Template: "console/check", ReturnTo: checkPath}
}

// Clear reports whether there is nothing to do.
func (p checkPage) Clear() bool {
	return !p.At.Counting() && len(p.Checks) == 0 && !p.OneOwner && !p.NoMethod && len(p.Mail.Late) == 0
}

// Minutes is a time in whole minutes.
func (checkPage) Minutes(d time.Duration) int { return int(d.Round(time.Minute) / time.Minute) }

// DomainURL is the list of the people whose address is in a domain.
func (checkPage) DomainURL(domain string) string { return usersURL(people.Search{Text: "@" + domain}) }

// checkRow is one finding: whom it is about, why, and what to do.
type checkRow struct {
	View       string
	Title, Why string // catalogue keys
	Count      int
	Stops      bool
	People     []checkedPerson
	All        string // address of the list of everyone; empty: all are named
}

// checkedPerson is one person of a finding, with what the administrator can do about it.
type checkedPerson struct {
	ID, Name, Email string
	Remedy          remedy
}

// remedy is what can be done about a finding with one click.
type remedy string

const (
	noRemedy  remedy = ""
	invite    remedy = "invite"
	reset     remedy = "reset"
	address   remedy = "address"
	addMethod remedy = "add" // for oneself
)

// remedies are what helps, by finding, with the right that each needs.
var remedies = map[people.SavedView]struct {
	remedy remedy
	action access.Action
}{
	people.NoWayIn:         {reset, access.ResetMethods},
	people.WaitAfterReset:  {reset, access.ResetMethods},
	people.MailStops:       {address, access.ChangeAddress},
	people.MailBounces:     {address, access.ChangeAddress},
	people.SharedMailbox:   {address, access.ChangeAddress},
	people.NeverInvited:    {invite, access.InvitePerson},
	people.InvitationEnded: {invite, access.InvitePerson},
}

func (a *administrator) remedyFor(v people.SavedView, u user.User) remedy {
	if v == people.OneMethodOwners && u.ID == a.Actor.UserID {
		return addMethod
	}
	if r, known := remedies[v]; known && a.May(r.action, targetOf(u)) {
		return r.remedy
	}
	return noRemedy
}

// comingOf reads rules that a company considers from an address; nil where it names none that can be meant.
func comingOf(q url.Values) *people.Coming {
	if !q.Has("methods") {
		return nil
	}
	methods, err := policy.ParseMethods(q.Get("methods"))
	if err != nil {
		return nil
	}
	out := &people.Coming{Methods: methods, Roles: tenant.Roles(q.Get("roles"))}
	if tenant.Choice(q.Get("choice")) == tenant.Optional {
		out.Choice = tenant.Optional
	}
	return out
}

// addComing writes what comingOf reads.
func addComing(q url.Values, c *people.Coming) {
	if c == nil {
		return
	}
	q.Set("methods", string(c.Methods))
	q.Set("choice", string(c.Choice))
	if c.Roles != "" {
		q.Set("roles", string(c.Roles))
	}
}

func (c *Console) showCheck(w http.ResponseWriter, r *http.Request, a *administrator) error {
	coming := comingOf(r.URL.Query())
	report, err := c.Rollout.Check(r.Context(), a.Actor, a.company(), coming)
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, a.checkPage(r, report, coming))
}

func (a *administrator) checkPage(r *http.Request, report rollout.Report, coming *people.Coming) checkPage {
	page := checkPage{
		frame:    a.frame(r, "security"),
		Vendor:   report.Vendor,
		Off:      report.Rule == policy.Off,
		Planned:  coming != nil,
		At:       report.At,
		People:   report.People,
		Stopped:  report.Stopped,
		NoMethod: report.NoMethod,
		OneOwner: report.Owners == 1,
		Mail:     report.Mail,
		ByEmail:  report.ByEmail,
		Exempt:   report.Exempt,
		Outdated: report.Outdated,
	}
	page.Trial = a.trial(report)
	page.Trial.URL = trialURL(coming)
	for _, f := range report.Findings {
		if slices.Contains(people.Trials, f.View) {
			page.Trial.Results = append(page.Trial.Results, a.checkRow(f, nil))
			continue
		}
		page.Checks = append(page.Checks, a.checkRow(f, coming))
	}
	return page
}

func (a *administrator) checkRow(f people.Finding, coming *people.Coming) checkRow {
	row := checkRow{
		View:  string(f.View),
		Title: viewKeys[f.View],
		Why:   checkKeys[f.View],
		Count: f.Count,
		Stops: f.Stops(),
	}
	for _, u := range f.First {
		row.People = append(row.People, checkedPerson{u.ID, u.Name, u.Email, a.remedyFor(f.View, u)})
	}
	if f.Count > len(f.First) {
		row.All = usersURL(people.Search{View: f.View, Coming: coming})
	}
	return row
}
