package company_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestAStartIsTodayOrLater: today is at once, in whatever zone it began, and a day that is over is refused.
func TestAStartIsTodayOrLater(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		for from, want := range map[time.Time]string{
			{}:                                "",
			r.at.Add(-time.Minute):            "",
			r.at.Add(-24*time.Hour + 1):       "",
			r.at.Add(-24 * time.Hour):         "activation.start_past",
			r.at.AddDate(0, -1, 0):            "activation.start_past",
			r.at.Add(time.Minute):             "",
			r.at.Add(company.MaxAhead):        "",
			r.at.Add(company.MaxAhead + 1000): "activation.too_far",
		} {
			r.in("acme", tenant.SwitchOff)
			choices := company.Choices{Methods: "email", From: from}
			plan, err := r.PlanActivation(r.t.Context(), owner, choices)
			later := from.After(r.at)
			if problem(err) != want || want == "" && plan.From.IsZero() == later {
				r.t.Errorf("from %s planned: %s, %v", from, plan.From, err)
			}
			if err := r.Activate(r.t.Context(), owner, r.proved(owner), choices); problem(err) != want {
				r.t.Errorf("from %s: %v", from, err)
			}
			found, err := r.Find(r.t.Context(), owner, "acme")
			begins := r.at
			switch {
			case want != "":
				begins = time.Time{}
			case later:
				begins = from
			}
			if err != nil || !found.SwitchedOnAt.Equal(begins) {
				r.t.Errorf("from %s: on from %s, %v", from, found.SwitchedOnAt, err)
			}
		}
	})
}

// problem is what people are told of an error.
func problem(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Message
}

// TestTheRecordSaysFromWhen two-factor authentication is on.
func TestTheRecordSaysFromWhen(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		for from, want := range map[time.Time]string{
			{}:                    "on",
			r.at.AddDate(0, 0, 3): "on from 2026-12-02T12:00:00Z",
		} {
			r.in("acme", tenant.SwitchOff)
			choices := company.Choices{Methods: "email", From: from}
			if err := r.Activate(r.t.Context(), owner, r.proved(owner), choices); err != nil {
				r.t.Fatal(err)
			}
			var n int
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRow(ctx, `SELECT count(*) FROM audit_events
					WHERE tenant_id = $1 AND action = 'tenant.switched' AND result = 'ok' AND reason = $2`,
					tx.Tenant, want).Scan(&n)
			})
			if n != 1 {
				r.t.Errorf("%d records say %q", n, want)
			}
		}
	})
}

// TestAnAdminKeepsTheChoiceThatIsStored: they switch on as it says, and hear of another one before they confirm.
func TestAnAdminKeepsTheChoiceThatIsStored(t *testing.T) {
	each(t, func(r *rig) {
		admin := r.person("acme", user.Admin)
		for _, c := range [][2]tenant.Choice{{tenant.Required, tenant.Optional}, {tenant.Optional, tenant.Required}} {
			stored, other := c[0], c[1]
			r.in("acme", tenant.SwitchOff)
			if err := r.change(access.Server, company.Changes{Choice: &stored}); err != nil {
				r.t.Fatal(err)
			}
			another := company.Choices{Methods: "email", Choice: other}
			const want = "activation.choice_of_owners"
			if _, err := r.PlanActivation(r.t.Context(), admin, another); !fault.Is(err, fault.Denied) ||
				problem(err) != want {
				r.t.Errorf("%q planned: %v", other, err)
			}
			if err := r.Activate(r.t.Context(), admin, r.proved(admin), another); problem(err) != want {
				r.t.Errorf("%q: %v", other, err)
			}
			same := company.Choices{Methods: "email", Choice: stored}
			if _, err := r.PlanActivation(r.t.Context(), admin, same); err != nil {
				r.t.Errorf("%q planned: %v", stored, err)
			}
			if err := r.Activate(r.t.Context(), admin, r.proved(admin), same); err != nil {
				r.t.Errorf("%q: %v", stored, err)
			}
		}
	})
}
