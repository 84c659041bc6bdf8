package demo

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

const day = 24 * time.Hour

// The vendor's decisions that the page offers.
const (
	mandatory = "mandatory"
	announced = "announced"
	byDefault = "default"
	leftOpen  = "open"
)

// controls are all that may be decided about a company, as it stands.
type controls struct {
	Mandate, Switch, Choice, Methods, SetUp choice
	Locked                                  string // why the switch cannot be moved; empty = it can
}

func controlsOf(t tenant.Tenant, i tenant.Installation, now time.Time, date func(time.Time) string) controls {
	c := controls{
		Mandate: mandates(t, now),
		Locked:  locked(t, i, now, date),
		Choice:  choices(t),
		Methods: allowed(t),
		SetUp:   deadlines(t, now),
	}
	c.Switch = switches(t, c.Locked != "")
	return c
}

// mandates are what the vendor may decide about a company.
func mandates(t tenant.Tenant, now time.Time) choice {
	required := t.Mandate.Mode == tenant.Mandatory
	begun := !now.Before(t.Mandate.From)
	return choice{[]option{
		{mandatory, "required since 5 Sep 2023", required && begun},
		{announced, "required in three days", required && !begun},
		{byDefault, "on, unless the company switches it off", t.Mandate.Mode == tenant.DefaultOn},
		{leftOpen, "left to the company", t.Mandate.Mode == tenant.DefaultOff},
	}}
}

// switches are what the company may decide about itself. Locked, they show what holds.
func switches(t tenant.Tenant, locked bool) choice {
	on := locked || !t.SwitchedOnAt.IsZero() || t.Mandate.Mode == tenant.DefaultOn && t.SwitchedOffAt.IsZero()
	return choice{[]option{{"on", "on", on}, {"off", "off", !on}}}
}

// locked says why the company's switch has no effect, if so.
func locked(t tenant.Tenant, i tenant.Installation, now time.Time, date func(time.Time) string) string {
	since, locked := company.Locked(t, i, now)
	if !locked {
		return ""
	}
	return "On and locked by " + vendorName + " since " + date(since) + "."
}

func choices(t tenant.Tenant) choice {
	return choice{[]option{{"required", "everyone", t.Choice == tenant.Required},
		{"adaptive", "everyone, when a sign-in is unusual", t.Choice == tenant.Adaptive},
		{"optional", "people who want it", t.Choice == tenant.Optional}}}
}

// allowed are sets of methods that a company may allow.
func allowed(t tenant.Tenant) choice {
	out := choice{[]option{{"all", "every method", false}, {mailOnly, "email", false},
		{textsAndApps, "texts, apps and passkeys", false}, {appsAndKeys, "apps and passkeys", false}}}
	for i, o := range out.Options {
		m, err := policy.ParseMethods(o.Value)
		out.Options[i].Holds = err == nil && m == t.Methods
	}
	return out
}

func deadlines(t tenant.Tenant, now time.Time) choice {
	waits := now.Before(t.SetUpBy)
	return choice{[]option{{"reminded", "is reminded for three days", waits}, {"first", "sets up first", !waits}}}
}

// exemptions are what the vendor may decide about the phone app.
func exemptions(c client.Client, now time.Time) choice {
	covered, forever := c.Covered(now), c.ExemptUntil.Equal(db.Forever)
	return choice{[]option{
		{"forever", "exempt", forever},
		{"tomorrow", "exempt until this time tomorrow", !covered && !forever},
		{"no", "covered", covered},
	}}
}

// changes are what vendor and company have decided before the demo begins.
func (r rules) changes(now time.Time) company.Changes {
	mandate := mandateFor(r.Mandate, now)
	c := company.Changes{Mandate: &mandate}
	if r.On {
		c.On = &r.On
	}
	if r.Choice != tenant.Required {
		c.Choice = &r.Choice
	}
	if r.Methods != "" {
		c.Methods = &r.Methods
	}
	if r.SetUpIn != 0 {
		by := now.Add(r.SetUpIn)
		c.SetUpBy = &by
	}
	return c
}

func mandateFor(as string, now time.Time) tenant.Mandate {
	switch as {
	case mandatory:
		return tenant.Mandate{Mode: tenant.Mandatory, From: mandatedSince}
	case announced:
		return tenant.Mandate{Mode: tenant.Mandatory, From: now.Add(3 * day)}
	case byDefault:
		return tenant.Mandate{Mode: tenant.DefaultOn}
	}
	return tenant.Mandate{Mode: tenant.DefaultOff}
}

// decision reads one field of a form as a change of a company.
type decision func(to string, now time.Time) (company.Changes, error)

func decideMandate(to string, now time.Time) (company.Changes, error) {
	m := mandateFor(to, now)
	return company.Changes{Mandate: &m}, nil
}

func decideSwitch(to string, _ time.Time) (company.Changes, error) {
	on := to == "on"
	return company.Changes{On: &on}, nil
}

func decideChoice(to string, _ time.Time) (company.Changes, error) {
	c, err := tenant.ParseChoice(to)
	return company.Changes{Choice: &c}, err
}

func decideMethods(to string, _ time.Time) (company.Changes, error) {
	m, err := policy.ParseMethods(to)
	return company.Changes{Methods: &m}, err
}

func decideDeadline(to string, now time.Time) (company.Changes, error) {
	var by time.Time
	if to == "reminded" {
		by = now.Add(3 * day)
	}
	return company.Changes{SetUpBy: &by}, nil
}

var (
	errNoCompany = &problem{http.StatusNotFound, "There is no such company in the demo."}
	errLocked    = &problem{http.StatusForbidden,
		"The vendor requires it of this company, so the company cannot switch it off."}
)

// deciding is a handler that changes the company named by the form in the way that a field of it says, and goes back
// to the page.
func (d *Demo) deciding(field string, read decision) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PostFormValue("company")
		if !slices.ContainsFunc(companies, func(c sampleCompany) bool { return c.ID == id }) {
			return errNoCompany
		}
		if err := d.decide(r.Context(), id, read, r.PostFormValue(field)); err != nil {
			return err
		}
		http.Redirect(w, r, "/?at="+id+"#"+id, http.StatusSeeOther)
		return nil
	}
}

// decide changes a company as the command line does: no one is signed in to the demo's own page. The command line may
// switch off what the vendor requires. A company may not, and the page shows what a company may do.
func (d *Demo) decide(ctx context.Context, id string, read decision, to string) error {
	changes, err := read(to, d.house.DB.Now())
	if err != nil {
		return err
	}
	if changes.On != nil && !*changes.On {
		if err := d.unlocked(ctx, id); err != nil {
			return err
		}
	}
	_, err = d.house.Company.Change(ctx, access.Server, id, changes)
	return err
}

// unlocked fails where the vendor keeps a company from switching two-factor authentication off.
func (d *Demo) unlocked(ctx context.Context, id string) error {
	t, err := d.house.Company.Find(ctx, access.Server, id)
	if err != nil {
		return err
	}
	i, err := d.house.Company.Installation(ctx, access.Server)
	if err != nil {
		return err
	}
	if _, locked := company.Locked(t, i, d.house.DB.Now()); locked {
		return errLocked
	}
	return nil
}

func (d *Demo) setPhone(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var err error
	switch r.PostFormValue("exempt") {
	case "forever":
		err = d.house.Apps.Exempt(ctx, access.Server, phoneID, db.Forever)
	case "tomorrow":
		err = d.house.Apps.Exempt(ctx, access.Server, phoneID, d.house.DB.Now().Add(day))
	default:
		err = d.house.Apps.Require2FA(ctx, access.Server, phoneID, "")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/?at=apps#apps", http.StatusSeeOther)
	return nil
}
