package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// appsChoices are the apps in which two-factor authentication applies, and those in which a company decides.
type appsChoices struct {
	Vendor    string
	MayChange bool
	Always    []string // by name; the vendor leaves no choice
	Exempt    []appChoice
}

// appChoice is an app that the vendor exempts.
type appChoice struct {
	ID, Name string
	Until    time.Time // zero = for good
	Required bool
}

func (a *administrator) appsChoices(o company.Overview) appsChoices {
	out := appsChoices{
		Vendor:    o.Vendor,
		MayChange: a.May(access.SetApps, a.own()),
		Always:    o.Apps.Covered,
	}
	for _, app := range o.Apps.Exempt {
		choice := appChoice(app)
		if app.ForGood() {
			choice.Until = time.Time{}
		}
		out.Exempt = append(out.Exempt, choice)
	}
	return out
}

// tick sets which of the exempt apps are required.
func (c *appsChoices) tick(required tenant.Apps) {
	for i := range c.Exempt {
		c.Exempt[i].Required = required.Include(c.Exempt[i].ID)
	}
}

// appsPage shows what another list of apps changes before it is saved.
type appsPage struct {
	frame
	Chosen         []string // the ids that were ticked
	Added, Removed []string // by name
	Counts         securityCounts
	CountedAt      people.AsOf
	On             bool // two-factor authentication is on, so that people are asked from now on
	Weaker         []weaker
	Seen           string // the mark of what was shown
}

func (appsPage) View() web.View {
	return web.View{Template: "console/apps", ReturnTo: "/company/security"}
}

func (c *Console) setApps(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetApps, a.own()); err != nil {
		return err
	}
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	required := chosenApps(r.PostForm, o)
	if r.PostForm.Get("sure") == "" {
		page, changes, err := c.appsPage(r, a, o, required)
		if err != nil {
			return err
		}
		if changes {
			return c.Web.Draw(w, r, http.StatusOK, page)
		}
	}
	changes := company.Changes{Apps: &required, Seen: seen(r, access.SetApps)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: appsSaid(o, o.Tenant.Apps), Yours: appsSaid(o, required)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=apps")
}

// appsPage loads what a list of apps would change. changes is false if it changes nothing.
func (c *Console) appsPage(r *http.Request, a *administrator, o company.Overview, required tenant.Apps) (
	page appsPage, changes bool, err error,
) {
	plan, err := c.Company.PlanApps(r.Context(), a.Actor, a.company(), required)
	page = appsPage{
		frame:     a.frame(r, "security"),
		Chosen:    required.IDs(),
		Added:     plan.Added,
		Removed:   plan.Removed,
		Counts:    securityCounts(plan.Forecast),
		CountedAt: plan.CountedAt,
		On:        o.Rule != policy.Off,
		Weaker:    weakerRows(plan.Weaker),
		Seen:      r.PostForm.Get(seenField),
	}
	return page, len(plan.Added)+len(plan.Removed) > 0, err
}

// chosenApps reads the apps that were ticked. Stored ones that no form shows stay: the vendor doesn't exempt them now.
func chosenApps(form url.Values, o company.Overview) tenant.Apps {
	hidden := slices.DeleteFunc(o.Tenant.Apps.IDs(), func(id string) bool {
		return slices.ContainsFunc(o.Apps.Exempt, func(app company.ExemptApp) bool { return app.ID == id })
	})
	return tenant.MakeApps(slices.Concat(form["app"], hidden))
}

// chosenInWizard is chosenApps for a form that may not ask for them; then the stored ones stay.
func chosenInWizard(form url.Values, o company.Overview) tenant.Apps {
	if form.Get("choose_apps") == "" {
		return o.Tenant.Apps
	}
	return chosenApps(form, o)
}

// appsSaid is a list of exempt apps in words.
func appsSaid(o company.Overview, required tenant.Apps) (out []said) {
	for _, app := range o.Apps.Exempt {
		if required.Include(app.ID) {
			out = append(out, said{Text: app.Name})
		}
	}
	if out == nil {
		return key("console.apps.none")
	}
	return out
}

// readApps reads the list of a form that carries it as one field.
func readApps(list string) tenant.Apps { return tenant.MakeApps(strings.Fields(list)) }
