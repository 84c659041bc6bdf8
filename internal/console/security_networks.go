package console

import (
	"errors"
	"net/http"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// networksPage asks where people may sign in from, and shows which administrators a change would keep out before it is
// made.
type networksPage struct {
	frame
	problem
	Line      string // the line that is wrong; empty: none, or the problem is not of one line
	Networks  string // as typed, one a line
	Scope     tenant.NetworkScope
	Scopes    []scopeChoice
	IP        string // of the person who looks
	Asked     bool   // whom it would keep out is shown; the next answer makes the change
	Outsiders []company.Outsider
	Seen      string // the mark of what is stored
	Outdated  outdated
}

// scopeChoice is a scope to choose; Label and Hint are catalogue keys.
type scopeChoice struct {
	Value       tenant.NetworkScope
	Label, Hint string
}

var scopeChoices = []scopeChoice{
	{tenant.EveryoneEverywhere, "console.networks.everyone", "console.networks.everyone_hint"},
	{tenant.AdministratorsOnly, "console.networks.administrators", "console.networks.administrators_hint"},
	{tenant.AppsOnly, "console.networks.apps", "console.networks.apps_hint"},
}

// scopeKey is the catalogue key of a scope.
func scopeKey(s tenant.NetworkScope) string {
	for _, c := range scopeChoices {
		if c.Value == s {
			return c.Label
		}
	}
	return scopeChoices[0].Label
}

func (networksPage) View() web.View {
	return web.View{Template: "console/networks", ReturnTo: "/company/security/networks"}
}

func (c *Console) showNetworks(w http.ResponseWriter, r *http.Request, a *administrator) error {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	if err := c.Check(r, a.Administrator, access.SetNetworks, a.own()); err != nil {
		return err
	}
	page := a.networksPage(r, string(o.Tenant.Networks), o.Tenant.NetworkScope)
	page.Seen = company.MarkOf(o.Tenant, access.SetNetworks)
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (a *administrator) networksPage(r *http.Request, typed string, scope tenant.NetworkScope) networksPage {
	return networksPage{
		frame:    a.frame(r, "security"),
		Networks: typed,
		Scope:    scope,
		Scopes:   scopeChoices,
		IP:       a.Actor.Origin.IP,
	}
}

func (c *Console) setNetworks(w http.ResponseWriter, r *http.Request, a *administrator) error {
	networks := tenant.Networks(r.PostForm.Get("networks"))
	scope, err := tenant.ParseScope(r.PostForm.Get("scope"))
	if err != nil {
		return err
	}
	page := a.networksPage(r, string(networks), scope)
	page.Seen = r.PostForm.Get(seenField)
	page.Outsiders, err = c.Company.OutsideOf(r.Context(), a.Actor, a.company(), networks)
	if err == nil && len(page.Outsiders) > 0 && r.PostForm.Get("sure") == "" {
		page.Asked = true
		return c.Web.Draw(w, r, http.StatusOK, page)
	}
	if err == nil {
		changes := company.Changes{Networks: &networks, NetworkScope: &scope, Seen: seen(r, access.SetNetworks)}
		_, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes)
	}
	if err == nil {
		return c.Web.Redirect(w, "/company/security?done=networks")
	}
	if bad := (*tenant.BadNetwork)(nil); errors.As(err, &bad) {
		page.Line = bad.Line
	}
	if fault.Is(err, fault.Outdated) {
		return c.drawOutdated(w, r, a, err, func(o company.Overview) web.Page {
			page.Outdated = outdated{
				Stored: networksSaid(string(o.Tenant.Networks), o.Tenant.NetworkScope),
				Yours:  networksSaid(string(networks), scope),
			}
			page.Seen = company.MarkOf(o.Tenant, access.SetNetworks)
			return page
		})
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

// storyNetworks is the page of the networks, also with someone whom they would keep out.
func storyNetworks(asked bool) networksPage {
	p := networksPage{
		frame:    storyFrame("security"),
		Networks: "203.0.113.0/24 Office in Lisbon\n2001:db8:7::/48 Data centre",
		Scopes:   scopeChoices,
		IP:       "203.0.113.24",
		Asked:    asked,
	}
	if asked {
		p.Outsiders = []company.Outsider{{Name: "Tom Becker", Email: "tom@harbor.example", IP: "198.51.100.7"}}
	}
	return p
}
