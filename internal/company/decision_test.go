package company_test

import (
	"context"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// notices lists the companies whose people have a notice of a purpose, with their roles, and forgets them.
func (r *rig) notices(purpose string) (out []string) {
	r.t.Helper()
	for _, id := range []string{"acme", "other"} {
		r.in(id, func(ctx context.Context, tx *db.Tx) error {
			found, err := tx.Texts(ctx, `SELECT u.tenant_id || ' ' || u.role FROM messages m
				JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
				WHERE m.tenant_id = $1 AND m.purpose = $2 ORDER BY u.role`, tx.Tenant, purpose)
			out = append(out, found...)
			if err == nil {
				_, err = tx.Exec(ctx, `DELETE FROM messages WHERE tenant_id = $1`, tx.Tenant)
			}
			return err
		})
	}
	return out
}

// tellAll runs the jobs that tell companies of other rules for all of them.
func (r *rig) tellAll() {
	r.t.Helper()
	for {
		var args []string
		r.in("", func(ctx context.Context, tx *db.Tx) (err error) {
			args, err = tx.Texts(ctx, `SELECT args FROM jobs WHERE tenant_id = $1 AND kind = $2`,
				tx.Tenant, company.JobTell)
			if err == nil {
				_, err = tx.Exec(ctx, `DELETE FROM jobs WHERE tenant_id = $1`, tx.Tenant)
			}
			return err
		})
		if len(args) == 0 {
			return
		}
		for _, a := range args {
			if err := r.TellCompanies(r.t.Context(), jobs.Job{Args: []byte(a)}); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// TestOwnersAreToldOfAMandateOnce, when it is set, of one company and of all; not when nothing becomes stricter.
func TestOwnersAreToldOfAMandateOnce(t *testing.T) {
	each(t, func(r *rig) {
		operator := r.person("vendor", user.Operator)
		for _, role := range []user.Role{user.Owner, user.Admin, user.Agent} {
			r.person("acme", role)
		}
		r.person("other", user.Owner)
		ctx, soon := t.Context(), r.at.AddDate(0, 0, 20)
		mandatory := tenant.Mandate{Mode: tenant.Mandatory, From: soon}
		decide := func(id string, m tenant.Mandate) {
			t.Helper()
			if err := r.Decide(ctx, operator, id, company.Decision{Mandate: m, RememberDays: days(id)}); err != nil {
				t.Fatal(err)
			}
			r.tellAll()
		}
		both := []string{"acme owner", "other owner"}
		for _, c := range []struct {
			id   string
			m    tenant.Mandate
			want []string
		}{
			{"acme", mandatory, []string{"acme owner"}},
			{"acme", mandatory, nil},
			{"", mandatory, []string{"other owner"}},
			{"acme", tenant.Mandate{}, nil},
			{"", tenant.Mandate{Mode: tenant.Mandatory, From: soon.AddDate(0, 0, -1)}, both},
			{"", tenant.Mandate{Mode: tenant.Mandatory, From: soon.AddDate(0, 0, 9)}, nil},
			{"", tenant.Mandate{Mode: tenant.DefaultOff}, nil},
			{"", tenant.Mandate{Mode: tenant.DefaultOn}, []string{"acme owner", "other owner"}},
			{"", tenant.Mandate{Mode: tenant.Mandatory}, []string{"acme owner", "other owner"}},
		} {
			decide(c.id, c.m)
			if got := r.notices("company.announced"); !slices.Equal(got, c.want) {
				t.Errorf("%q %+v: told %v", c.id, c.m, got)
			}
		}
		decide("", tenant.Mandate{Mode: tenant.DefaultOff})
		got := r.notices("company.lowered")
		if !slices.Equal(got, []string{"acme admin", "acme owner", "other owner"}) {
			t.Errorf("of less for all companies: told %v", got)
		}
	})
}

func days(id string) int {
	if id == "" {
		return tenant.MaxRememberDays
	}
	return tenant.InheritDays
}

// TestADecisionSaysWhomItLocksOut, and one that leaves a company no owner who can sign in is refused there.
// guard: keepReachable looks at the mandate
func TestADecisionSaysWhomItLocksOut(t *testing.T) {
	each(t, func(r *rig) {
		operator, support := r.person("vendor", user.Operator), r.person("vendor", user.Support)
		owner := r.person("acme", user.Owner)
		r.person("other", user.Owner)
		r.accepted(owner)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error { // an app that was lost
			if _, err := tx.Exec(ctx, `UPDATE users SET first_factor_at = 1, version = version + 1
				WHERE tenant_id = $1`, tx.Tenant); err != nil {
				return err
			}
			return tenant.SwitchOff(ctx, tx)
		})
		soon := tenant.Mandate{Mode: tenant.Mandatory, From: r.at.AddDate(0, 0, 20)}
		one := company.Decision{Mandate: soon, RememberDays: tenant.InheritDays}
		all := company.Decision{Mandate: soon, RememberDays: tenant.MaxRememberDays}
		ctx := t.Context()
		plan, err := r.PlanDecision(ctx, operator, "", all)
		if err != nil || plan.Begins != 3 || plan.People != 4 || !plan.From.Equal(soon.From) || plan.Own != 0 {
			t.Errorf("all: %+v %v", plan, err)
		}
		if _, err := r.PlanDecision(ctx, support, "acme", one); !fault.Is(err, fault.Denied) {
			t.Errorf("support plans: %v", err)
		}
		if err := r.Decide(ctx, support, "acme", one); !fault.Is(err, fault.Denied) {
			t.Errorf("support decides: %v", err)
		}
		if err := r.Decide(ctx, owner, "acme", one); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner decides: %v", err)
		}
		if _, err := r.PlanDecision(ctx, operator, "acme", company.Decision{
			Mandate: tenant.Mandate{Mode: tenant.Mandatory, From: r.at.AddDate(0, 0, -3)},
		}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a day that is over: %v", err)
		}
		locked := r.lockedOut(t, operator, one)
		if len(locked.LockedOut) != 1 || len(locked.NoOwner) != 1 {
			t.Errorf("%+v", locked)
		}
		if err := r.Decide(ctx, operator, "acme", one); !fault.Is(err, fault.Conflict) {
			t.Errorf("no owner is left: %v", err)
		}
	})
}

func (r *rig) lockedOut(t *testing.T, a access.Actor, d company.Decision) company.DecisionPlan {
	t.Helper()
	plan, err := r.PlanDecision(t.Context(), a, "acme", d)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
