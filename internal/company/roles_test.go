package company_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func roles(r tenant.Roles) company.Changes { return company.Changes{Roles: &r} }

// TestOnlyOwnersChooseTheRoles, owners and admins can't be left out, and the change is recorded.
//
// guard: access.SetRoles, tenant.Roles.Clean
func TestOnlyOwnersChooseTheRoles(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		for _, a := range []access.Actor{r.person("acme", user.Admin), r.person("acme", user.Supervisor),
			r.person("acme", user.Agent), r.person("other", user.Owner), r.person("vendor", user.Support)} {
			if err := r.change(a, roles("owner admin")); err == nil {
				t.Errorf("%s of %s chooses", a.UserID, a.TenantID)
			}
			if _, err := r.LeftOutBy(t.Context(), a, "acme", "owner admin"); err == nil {
				t.Errorf("%s of %s sees whom it would leave out", a.UserID, a.TenantID)
			}
		}
		for _, list := range []tenant.Roles{" ", "owner", "admin agent", "owner admin operator", "agent"} {
			if err := r.change(owner, roles(list)); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", list, err)
			}
		}
		if err := r.change(owner, roles("supervisor  admin owner")); err != nil {
			t.Fatal(err)
		}
		found, err := r.Find(t.Context(), owner, "acme")
		if err != nil || found.Roles != "owner admin supervisor" {
			t.Errorf("stored %q, %v", found.Roles, err)
		}
		var recorded, refused int
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			const count = `SELECT count(*) FROM audit_events
				WHERE tenant_id = $1 AND action = 'tenant.roles' AND result = $2`
			return errors.Join(tx.QueryRow(ctx, count, tx.Tenant, "ok").Scan(&recorded),
				tx.QueryRow(ctx, count, tx.Tenant, "refused").Scan(&refused))
		})
		if recorded != 1 || refused < 3 {
			t.Errorf("%d changes and %d refusals are recorded", recorded, refused)
		}
	})
}

// TestLeavingRolesOutIsTold to owners and admins, where something was required of them before.
//
// guard: change.leavesMoreOut
func TestLeavingRolesOutIsTold(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		r.person("acme", user.Admin)
		for _, c := range []struct {
			what  string
			to    company.Changes
			lower bool
		}{
			{"while it is off", roles("owner admin"), false},
			{"on", company.Changes{On: ptr(true)}, false},
			{"more roles", roles("owner admin agent"), false},
			{"another role instead", roles("owner admin supervisor"), true},
			{"everyone", roles(""), false},
			{"one role", roles("owner admin supervisor"), true},
			{"two roles", roles("owner admin"), true},
			{"the same", roles("admin owner"), false},
			{"everyone again", roles("owner admin agent supervisor"), false},
			{"a mandate", company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}, false},
			{"under a mandate", roles("owner admin"), false},
			{"everyone under a mandate", roles(""), false},
			{"no mandate", company.Changes{Mandate: &tenant.Mandate{}}, true},
			{"optional", company.Changes{Choice: ptr(tenant.Optional)}, true},
			{"where it is optional", roles("owner admin"), false},
			{"required of some", company.Changes{Choice: ptr(tenant.Required)}, false},
		} {
			by := access.Actor(owner)
			if c.to.Mandate != nil {
				by = access.Server
			}
			if err := r.change(by, c.to); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			want := []string{"admin", "owner"}
			if !c.lower {
				want = nil
			}
			if got := r.told(); !slices.Equal(got, want) {
				t.Errorf("%s: told %v", c.what, got)
			}
		}
	})
}

// TestWhomAListLeavesOut names the roles, how many people, and the weaker way that it opens.
func TestWhomAListLeavesOut(t *testing.T) {
	each(t, func(r *rig) {
		owner, agent := r.person("acme", user.Owner), r.person("acme", user.Agent)
		r.accepted(owner, authenticator.Email)
		r.accepted(agent, authenticator.Email)
		days := 0
		if err := r.change(access.Server, company.Changes{On: ptr(true), RememberDays: &days}); err != nil {
			t.Fatal(err)
		}
		lost, err := r.LeftOutBy(t.Context(), owner, "acme", "owner admin")
		want := []company.LeftOut{{Role: user.Supervisor}, {Role: user.Agent, People: 1}}
		if err != nil || !slices.Equal(lost, want) {
			t.Errorf("%+v, %v", lost, err)
		}
		opened, err := r.WeakenedByRoles(t.Context(), owner, "acme", "owner admin")
		if err != nil || len(opened) != 1 || opened[0].After.Role != user.Agent ||
			opened[0].After.Weakest.Level != policy.PasswordOnly {
			t.Errorf("%+v, %v", opened, err)
		}
		if err := r.change(owner, roles("owner admin supervisor")); err != nil {
			t.Fatal(err)
		}
		lost, err = r.LeftOutBy(t.Context(), owner, "acme", "owner admin")
		if err != nil || !slices.Equal(lost, want[:1]) {
			t.Errorf("after agents: %+v, %v", lost, err)
		}
		mandate := company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}
		if err := r.change(access.Server, mandate); err != nil {
			t.Fatal(err)
		}
		if lost, err = r.LeftOutBy(t.Context(), owner, "acme", "owner admin"); err != nil || lost != nil {
			t.Errorf("under a mandate: %+v, %v", lost, err)
		}
	})
}

// TestAnAdminKeepsTheRolesThatAreStored when they switch two-factor authentication on.
//
// guard: Choices.permit
func TestAnAdminKeepsTheRolesThatAreStored(t *testing.T) {
	each(t, func(r *rig) {
		admin := r.person("acme", user.Admin)
		if err := r.change(access.Server, roles("owner admin supervisor")); err != nil {
			t.Fatal(err)
		}
		for _, other := range []tenant.Roles{"", "owner admin"} {
			another := company.Choices{Methods: "email", Roles: other}
			const want = "activation.choice_of_owners"
			if _, err := r.PlanActivation(t.Context(), admin, another); problem(err) != want {
				t.Errorf("%q planned: %v", other, err)
			}
			if err := r.Activate(t.Context(), admin, r.proved(admin), another); problem(err) != want {
				t.Errorf("%q: %v", other, err)
			}
		}
		same := company.Choices{Methods: "email", Roles: "owner admin supervisor"}
		plan, err := r.PlanActivation(t.Context(), admin, same)
		if err != nil || plan.Forecast.LeftOut != 0 || plan.Forecast.People != 1 {
			t.Errorf("%+v, %v", plan.Forecast, err)
		}
		if err := r.Activate(t.Context(), admin, r.proved(admin), same); err != nil {
			t.Error(err)
		}
	})
}

// TestTwoOwnersWhoChooseRoles do not write over each other. guard: MarkOf
func TestTwoOwnersWhoChooseRoles(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		was, err := r.Find(t.Context(), owner, "acme")
		if err != nil {
			t.Fatal(err)
		}
		change := roles("owner admin")
		change.Seen = company.Marks{access.SetRoles: company.MarkOf(was, access.SetRoles)}
		if err := r.change(owner, change); err != nil {
			t.Fatal(err)
		}
		change.Roles = ptr(tenant.Roles("owner admin agent"))
		if err := r.change(owner, change); !errors.Is(err, people.ErrOutdated) {
			t.Errorf("the second: %v", err)
		}
	})
}

// TestTheVendorSeesWhomAMandateAdds: a company that leaves roles out is one in which more people are asked.
func TestTheVendorSeesWhomAMandateAdds(t *testing.T) {
	each(t, func(r *rig) {
		operator := r.person("vendor", user.Operator)
		r.person("acme", user.Owner)
		if err := r.change(access.Server, company.Changes{On: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		mandate := company.Decision{
			Mandate:      tenant.Mandate{Mode: tenant.Mandatory},
			RememberDays: tenant.InheritDays,
		}
		for list, extends := range map[tenant.Roles]int{"": 0, "owner admin supervisor": 1} {
			if err := r.change(access.Server, roles(list)); err != nil {
				t.Fatal(err)
			}
			plan, err := r.PlanDecision(t.Context(), operator, "acme", mandate)
			if err != nil || plan.Extends != extends || plan.Locks != 1-extends {
				t.Errorf("%q: %+v, %v", list, plan, err)
			}
		}
	})
}
