package policy

import (
	"testing"
	"time"

	"countersign/internal/tenant"
)

// TestACompanyCoversAnExemptApp: the app asks where the company says so, and stays exempt for others. A list without
// the app, with its name or with a part of its id covers nothing.
func TestACompanyCoversAnExemptApp(t *testing.T) {
	now := time.Date(2026, 9, 5, 12, 0, 0, 0, time.UTC)
	in := Input{
		Now:            now,
		AppID:          "phone",
		AppName:        "Harbor Phone",
		AppExemptUntil: now.Add(time.Hour),
		Tenant:         tenant.Tenant{SwitchedOnAt: now.Add(-time.Hour)},
		Installation:   tenant.Mandate{Mode: tenant.DefaultOff},
	}
	for list, want := range map[tenant.Apps]bool{
		"": false, "phone": true, "dashboard phone": true, "phone2": false, "pho": false, "Harbor Phone": false,
	} {
		in.Tenant.Apps = list
		if d := Evaluate(in); d.Required != want {
			t.Errorf("%q: required %v", list, d.Required)
		}
	}
	in.Tenant.Apps, in.AppID = "phone", ""
	if Evaluate(in).Required {
		t.Error("an app without an id is covered")
	}
	in.AppID, in.Tenant.SwitchedOnAt = "phone", time.Time{}
	if Evaluate(in).Required {
		t.Error("covering an app switches two-factor authentication on")
	}
	in.Installation = tenant.Mandate{Mode: tenant.Mandatory, From: now.Add(30 * time.Minute)}
	if d := Evaluate(in); !d.Announced.Equal(in.Installation.From) {
		t.Errorf("announced %v in an app that will ask", d.Announced)
	}
	in.Tenant.Apps = ""
	if d := Evaluate(in); !d.Announced.IsZero() {
		t.Errorf("announced %v in an app that will not ask", d.Announced)
	}
}
