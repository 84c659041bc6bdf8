package demo

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/client"
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

func controlsOf(t tenant.Tenant, now time.Time, date func(time.Time) string) controls {
	c := controls{Mandate: mandates(t, now), Locked: locked(t, now, date), Choice: choices(t), Methods: allowed(t), SetUp: deadlines(t, now)}
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
func locked(t tenant.Tenant, now time.Time, date func(time.Time) string) string {
	if t.Mandate.Mode != tenant.Mandatory || now.Before(t.Mandate.From) {
		return ""
	}
	return "On and locked by " + vendorName + " since " + date(t.Mandate.From) + "."
}

func choices(t tenant.Tenant) choice {
	return choice{[]option{{"required", "everyone", t.Choice == tenant.Required}, {"optional", "people who want it", t.Choice == tenant.Optional}}}
}

// allowed are sets of methods that a company may allow.
func allowed(t tenant.Tenant) choice {
	out := choice{[]option{{"all", "every method", false}, {mailOnly, "email", false}, {textsAndApps, "texts, apps and passkeys", false}, {appsAndKeys, "apps and passkeys", false}}}
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

// decide writes what the company begins with.
func (r rules) decide(ctx context.Context, tx *db.Tx) error {
	if err := setMandate(ctx, tx, r.Mandate); err != nil {
		return err
	}
	if r.On {
		if err := setSwitch(ctx, tx, "on"); err != nil {
			return err
		}
	}
	if r.Choice != tenant.Required {
		if err := setChoice(ctx, tx, string(r.Choice)); err != nil {
			return err
		}
	}
	if r.Methods != "" {
		if err := setMethods(ctx, tx, string(r.Methods)); err != nil {
			return err
		}
	}
	if r.SetUpIn == 0 {
		return nil
	}
	return setDeadline(ctx, tx, "reminded")
}

func setMandate(ctx context.Context, tx *db.Tx, as string) error {
	m, words := tenant.Mandate{Mode: tenant.DefaultOff}, "left to the company"
	switch as {
	case mandatory:
		m, words = tenant.Mandate{Mode: tenant.Mandatory, From: mandatedSince}, "mandatory from 2023-09-05"
	case announced:
		m = tenant.Mandate{Mode: tenant.Mandatory, From: tx.Now.Add(3 * day)}
		words = "mandatory from " + m.From.Format(time.RFC3339)
	case byDefault:
		m, words = tenant.Mandate{Mode: tenant.DefaultOn}, "on by default"
	}
	return note(ctx, tx, tenant.SetMandate(ctx, tx, m), audit.TenantMandate, words)
}

func setSwitch(ctx context.Context, tx *db.Tx, to string) error {
	if to == "on" {
		return note(ctx, tx, tenant.SwitchOn(ctx, tx), audit.TenantSwitched, "on")
	}
	return note(ctx, tx, tenant.SwitchOff(ctx, tx), audit.TenantSwitched, "off")
}

func setChoice(ctx context.Context, tx *db.Tx, to string) error {
	c, err := tenant.ParseChoice(to)
	if err != nil {
		return err
	}
	return note(ctx, tx, tenant.SetChoice(ctx, tx, c), audit.TenantChoice, to)
}

func setMethods(ctx context.Context, tx *db.Tx, to string) error {
	m, err := policy.ParseMethods(to)
	if err != nil {
		return err
	}
	return note(ctx, tx, tenant.SetMethods(ctx, tx, m), audit.TenantMethods, to)
}

func setDeadline(ctx context.Context, tx *db.Tx, to string) error {
	var by time.Time
	words := "at once"
	if to == "reminded" {
		by = tx.Now.Add(3 * day)
		words = by.Format(time.RFC3339)
	}
	return note(ctx, tx, tenant.SetDeadline(ctx, tx, by), audit.TenantDeadline, words)
}

var (
	errNoCompany = &problem{http.StatusNotFound, "There is no such company in the demo."}
	errLocked    = &problem{http.StatusForbidden, "The vendor requires it of this company, so the company cannot switch it off."}
)

// deciding is a handler that changes the company named by the form in the way that a field
// of it says, and goes back to the page.
func (d *Demo) deciding(field string, set func(ctx context.Context, tx *db.Tx, to string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PostFormValue("company")
		if !slices.ContainsFunc(companies, func(c company) bool { return c.ID == id }) {
			return errNoCompany
		}
		err := d.house.DB.InTx(r.Context(), id, func(tx *db.Tx) error { return set(r.Context(), tx, r.PostFormValue(field)) })
		if err != nil {
			return err
		}
		http.Redirect(w, r, "/?at="+id+"#"+id, http.StatusSeeOther)
		return nil
	}
}

// switchIfOpen is setSwitch where the vendor has left it to the company.
func (d *Demo) switchIfOpen(ctx context.Context, tx *db.Tx, to string) error {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if locked(t, tx.Now, d.print.Date) != "" {
		return errLocked
	}
	return setSwitch(ctx, tx, to)
}

func (d *Demo) setPhone(w http.ResponseWriter, r *http.Request) error {
	err := d.house.DB.InTx(r.Context(), db.Installation, func(tx *db.Tx) error {
		ctx := r.Context()
		switch r.PostFormValue("exempt") {
		case "forever":
			return note(ctx, tx, client.Exempt(ctx, tx, phoneID, db.Forever), audit.ClientExempted, "for good")
		case "tomorrow":
			return note(ctx, tx, client.Exempt(ctx, tx, phoneID, tx.Now.Add(day)), audit.ClientExempted, "until tomorrow")
		}
		return note(ctx, tx, client.Cover(ctx, tx, phoneID), audit.ClientCovered, "")
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/?at=apps#apps", http.StatusSeeOther)
	return nil
}
