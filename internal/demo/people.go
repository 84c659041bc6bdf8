package demo

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

const vendorName = "Harbor"

// Ids of the apps and of who changes things.
const (
	dashboardID = "dashboard"
	phoneID     = "phone-app"
	byDemo      = "demo"
)

// person is somebody to sign in as. The passwords are public: they open nothing but data
// that was made up.
type person struct {
	Name, Email, Password, Language string
	Role                            user.Role
}

// company is one way to run a second step.
type company struct {
	ID, Name, Story string
	People          []person
	decide          func(ctx context.Context, tx *db.Tx) error
}

var operator = person{"Nora Quist", "nora@harbor.example", "pewter-canal-anthem-38", "en", user.Operator}

// mandatedSince is when the vendor of the first company began to require a second step.
var mandatedSince = time.Date(2023, 9, 5, 0, 0, 0, 0, time.UTC)

var companies = []company{
	{
		ID: "brightwater", Name: "Brightwater Travel",
		Story: "The vendor decided: Harbor requires a second step of everybody here. Nobody in the company can switch it off.",
		People: []person{
			{"Maya Okafor", "maya@brightwater.example", "quiet-maple-lantern-42", "en", user.Owner},
			{"Tomás Rivera", "tomas@brightwater.example", "copper-tide-walnut-17", "es", user.Admin},
			{"Ines Holm", "ines@brightwater.example", "velvet-anchor-piano-63", "en", user.Agent},
			{"Jonas Weber", "jonas@brightwater.example", "amber-ferry-thimble-29", "en", user.Agent},
		},
		decide: func(ctx context.Context, tx *db.Tx) error {
			return note(ctx, tx, tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: tenant.Mandatory, From: mandatedSince}), "tenant.mandate", "mandatory from 2023-09-05")
		},
	},
	{
		ID: "fennel", Name: "Fennel Street Clinic",
		Story: "The company decided: Harbor leaves it open, and the owner, Priya, switched e-mail sign-in confirmation on for everybody.",
		People: []person{
			{"Priya Raman", "priya@fennel.example", "cobalt-orchard-violin-85", "en", user.Owner},
			{"Leo Marchetti", "leo@fennel.example", "marble-pigeon-saddle-31", "en", user.Admin},
			{"Aiko Tanaka", "aiko@fennel.example", "crimson-kettle-glacier-74", "en", user.Agent},
			{"Sam Doyle", "sam@fennel.example", "hazel-compass-ribbon-56", "en", user.Agent},
		},
		decide: func(ctx context.Context, tx *db.Tx) error {
			if err := note(ctx, tx, tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: tenant.DefaultOff}), "tenant.mandate", "left to the company"); err != nil {
				return err
			}
			return note(ctx, tx, tenant.SwitchOn(ctx, tx), "tenant.switched", "on")
		},
	},
}
