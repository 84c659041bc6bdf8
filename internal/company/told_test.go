package company_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// told lists who of acme has been told since the last time that their company is protected less.
func (r *rig) told() (roles []string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
		roles, err = tx.Texts(ctx, `
			SELECT u.role FROM messages m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
			WHERE m.tenant_id = $1 AND m.purpose = 'company.lowered' ORDER BY u.role`, tx.Tenant)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM messages WHERE tenant_id = $1`, tx.Tenant)
		}
		return err
	})
	return roles
}

// TestSEC74_OwnersAndAdminsAreToldOfLess: no matter who lowers the protection of a company; they are told themselves.
// guard: tellLowered
func TestSEC74_OwnersAndAdminsAreToldOfLess(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		operator := r.person("vendor", user.Operator)
		r.person("acme", user.Supervisor)
		r.person("other", user.Owner)
		for _, c := range []struct {
			what  string
			by    access.Actor
			to    company.Changes
			lower bool
		}{
			{"on", admin, company.Changes{On: ptr(true)}, false},
			{"a mandate", operator, company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}, false},
			{"another name", owner, company.Changes{Name: ptr("Acme")}, false},
			{"no mandate", operator, company.Changes{Mandate: &tenant.Mandate{}}, true},
			{"off by the company", owner, company.Changes{On: ptr(false), ConfirmName: " Acme "}, true},
			{"off once more", owner, company.Changes{On: ptr(false), ConfirmName: "Acme"}, false},
			{"on again", owner, company.Changes{On: ptr(true)}, false},
			{"off by the vendor", operator, company.Changes{On: ptr(false), ConfirmName: "Acme"}, true},
			{"off and on in one", access.Server, company.Changes{On: ptr(true)}, false},
			{"optional", access.Server, company.Changes{Choice: ptr(tenant.Optional)}, true},
			{"few methods", admin, company.Changes{Methods: ptr(tenant.Methods("totp"))}, false},
			{"weaker methods", admin, company.Changes{Methods: ptr(tenant.Methods("totp sms"))}, true},
			{"few days", admin, company.Changes{RememberDays: ptr(3)}, false},
			{"more days", admin, company.Changes{RememberDays: ptr(4)}, true},
			{"a deadline", admin, company.Changes{SetUpBy: ptr(r.at.Add(time.Hour))}, true},
			{"a later one", admin, company.Changes{SetUpBy: ptr(r.at.Add(2 * time.Hour))}, true},
			{"an earlier one", admin, company.Changes{SetUpBy: ptr(r.at.Add(time.Hour))}, false},
		} {
			if err := r.change(c.by, c.to); err != nil {
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

// TestSEC74_SwitchingOffNeedsTheCompanysName, typed by the person who does it. guard: confirmed
func TestSEC74_SwitchingOffNeedsTheCompanysName(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		if err := r.change(owner, company.Changes{On: ptr(true)}); err != nil {
			t.Fatal("on needs no name:", err)
		}
		for _, typed := range []string{"", "the acme", "The acm", "The other", "acme"} {
			off := company.Changes{On: ptr(false), ConfirmName: typed}
			if err := r.change(owner, off); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", typed, err)
			}
		}
		found, err := r.Find(t.Context(), owner, "acme")
		if err != nil || found.SwitchedOnAt.IsZero() {
			t.Errorf("it is off: %+v, %v", found, err)
		}
		if err := r.change(owner, company.Changes{On: ptr(false), ConfirmName: " The acme\n"}); err != nil {
			t.Error(err)
		}
		if err := r.change(access.Server, company.Changes{On: ptr(false)}); err != nil {
			t.Error("the command line:", err)
		}
		off := company.New{Name: "New", Changes: company.Changes{On: ptr(false)}}
		if _, err := r.Create(t.Context(), r.person("vendor", user.Operator), off); err != nil {
			t.Error("a new company:", err)
		}
	})
}

// TestATK086_RefusedSettingsAreRecorded, those that the vendor's mandate forbids among them, and what is tried in
// another company in the log of one's own.
func TestATK086_RefusedSettingsAreRecorded(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin, operator := r.person("acme", user.Owner), r.person("acme", user.Admin),
			r.person("vendor", user.Operator)
		elsewhere, support := r.person("other", user.Owner), r.person("vendor", user.Support)
		mandate := company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}
		if err := r.change(operator, mandate); err != nil {
			t.Fatal(err)
		}
		off := company.Changes{On: ptr(false), ConfirmName: "The acme"}
		ctx := t.Context()
		for _, c := range []struct {
			what     string
			do       func() error
			log      string
			recorded string
		}{
			{"locked", func() error { return r.change(owner, off) }, "acme", "tenant.switched company.locked"},
			{"role", func() error { return r.change(admin, off) }, "acme", "tenant.switched access.denied"},
			{"support", func() error { return r.change(support, off) }, "acme", "tenant.switched access.denied"},
			{"elsewhere", func() error { return r.change(elsewhere, off) }, "other", "tenant.switched tenant.unknown"},
			{"look", func() error {
				_, err := r.Find(ctx, elsewhere, "acme")
				return err
			}, "other", "administration.refused tenant.unknown"},
			{"stranded", func() error {
				_, err := r.StrandedBy(ctx, elsewhere, "acme", "totp")
				return err
			}, "other", "tenant.methods tenant.unknown"},
			{"create", func() error {
				_, err := r.Create(ctx, owner, company.New{Name: "Mine"})
				return err
			}, "acme", "tenant.created access.denied"},
			{"list", func() error {
				_, err := r.List(ctx, owner, tenant.Place{}, 2)
				return err
			}, "acme", "administration.refused access.denied"},
			{"installation", func() error {
				return r.ChangeInstallation(ctx, support, company.InstallationChanges{Name: ptr("Mine")})
			}, db.Installation, "installation.changed access.denied"},
			{"settings", func() error {
				_, err := r.Installation(ctx, owner)
				return err
			}, "acme", "administration.refused access.denied"},
			{"stranded by the installation", func() error {
				_, err := r.StrandedByInstallation(ctx, support, "totp")
				return err
			}, db.Installation, "installation.changed access.denied"},
		} {
			before := r.refused()
			if err := c.do(); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", c.what, err)
			}
			got := r.refused()[len(before):]
			if len(got) != 1 || got[0] != c.log+" "+c.recorded {
				t.Errorf("%s: recorded %q", c.what, got)
			}
		}
	})
}

// refused are the refusals in all logs, the oldest first, as "log action reason".
func (r *rig) refused() (out []string) {
	r.t.Helper()
	r.at = r.at.Add(time.Millisecond)
	r.in("", func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = tx.Texts(ctx, `
			SELECT tenant_id || ' ' || action || ' ' || reason FROM audit_events
			WHERE tenant_id <> '' AND result = 'refused' ORDER BY at, id`)
		return err
	})
	return out
}
