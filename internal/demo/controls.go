package demo

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/tenant"
)

const day = 24 * time.Hour

// mandates are what the vendor may decide about a company.
func mandates(t tenant.Tenant, now time.Time) choice {
	mandatory := t.Mandate.Mode == tenant.Mandatory
	begun := !now.Before(t.Mandate.From)
	return choice{[]option{
		{"mandatory", "required since 5 Sep 2023", mandatory && begun},
		{"announced", "required in three days", mandatory && !begun},
		{"open", "left to the company", !mandatory},
	}}
}

// switches are what the company may decide about itself. Locked, they show what holds.
func switches(t tenant.Tenant, locked bool) choice {
	on := locked || !t.SwitchedOnAt.IsZero()
	return choice{[]option{{"on", "on", on}, {"off", "off", !on}}}
}

// locked says why the company's switch has no effect, if so.
func locked(t tenant.Tenant, now time.Time, date func(time.Time) string) string {
	if t.Mandate.Mode != tenant.Mandatory || now.Before(t.Mandate.From) {
		return ""
	}
	return "On and locked by " + vendorName + " since " + date(t.Mandate.From) + "."
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

var errNoCompany = &problem{http.StatusNotFound, "There is no such company in the demo."}

// decide runs fn in the company that the form names, and goes back to the page.
func (d *Demo) decide(w http.ResponseWriter, r *http.Request, fn func(ctx context.Context, tx *db.Tx, t tenant.Tenant) error) error {
	id := r.PostFormValue("company")
	if !slices.ContainsFunc(companies, func(c company) bool { return c.ID == id }) {
		return errNoCompany
	}
	err := d.house.DB.InTx(r.Context(), id, func(tx *db.Tx) error {
		t, err := tenant.ByID(r.Context(), tx, id)
		if err != nil {
			return err
		}
		return fn(r.Context(), tx, t)
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/#"+id, http.StatusSeeOther)
	return nil
}

func (d *Demo) setMandate(w http.ResponseWriter, r *http.Request) error {
	return d.decide(w, r, func(ctx context.Context, tx *db.Tx, _ tenant.Tenant) error {
		m, words := tenant.Mandate{Mode: tenant.DefaultOff}, "left to the company"
		switch r.PostFormValue("mandate") {
		case "mandatory":
			m, words = tenant.Mandate{Mode: tenant.Mandatory, From: mandatedSince}, "mandatory from 2023-09-05"
		case "announced":
			m = tenant.Mandate{Mode: tenant.Mandatory, From: tx.Now.Add(3 * day)}
			words = "mandatory from " + m.From.Format(time.RFC3339)
		}
		return note(ctx, tx, tenant.SetMandate(ctx, tx, m), "tenant.mandate", words)
	})
}

var errLocked = &problem{http.StatusForbidden, "The vendor requires it of this company, so the company cannot switch it off."}

func (d *Demo) setSwitch(w http.ResponseWriter, r *http.Request) error {
	return d.decide(w, r, func(ctx context.Context, tx *db.Tx, t tenant.Tenant) error {
		if locked(t, tx.Now, d.print.Date) != "" {
			return errLocked
		}
		if r.PostFormValue("switch") == "on" {
			return note(ctx, tx, tenant.SwitchOn(ctx, tx), "tenant.switched", "on")
		}
		return note(ctx, tx, tenant.SwitchOff(ctx, tx), "tenant.switched", "off")
	})
}

func (d *Demo) setPhone(w http.ResponseWriter, r *http.Request) error {
	err := d.house.DB.InTx(r.Context(), db.Installation, func(tx *db.Tx) error {
		ctx := r.Context()
		switch r.PostFormValue("exempt") {
		case "forever":
			return note(ctx, tx, client.Exempt(ctx, tx, phoneID, db.Forever), "client.exempt", "for good")
		case "tomorrow":
			return note(ctx, tx, client.Exempt(ctx, tx, phoneID, tx.Now.Add(day)), "client.exempt", "until tomorrow")
		}
		return note(ctx, tx, client.Cover(ctx, tx, phoneID), "client.covered", "")
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/#apps", http.StatusSeeOther)
	return nil
}
