package company_test

import (
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestAssuranceNamesTheWeakestWay of each role, and what a change would open.
func TestAssuranceNamesTheWeakestWay(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		r.accepted(owner, authenticator.TOTP)
		owner = gatetest.SignIn(r.t, r.DB, "acme", owner.UserID, authenticator.Password, authenticator.TOTP)
		r.accepted(r.person("acme", user.Agent), authenticator.Email)
		on, totp, days := true, tenant.Methods("totp"), 0
		changes := company.Changes{On: &on, Methods: &totp, RememberDays: &days}
		if err := r.change(access.Server, changes); err != nil {
			r.t.Fatal(err)
		}
		list, _, err := r.Assurance(r.t.Context(), owner, "acme")
		if err != nil {
			r.t.Fatal(err)
		}
		of := map[user.Role]people.Assurance{}
		for _, a := range list {
			if a.App == "" {
				of[a.Role] = a
			}
		}
		if a := of[user.Owner]; a.Weakest.Level != policy.TwoFactor || a.Weakest.MailboxAlone() || a.People != 1 {
			r.t.Errorf("owners: %+v", a)
		}
		if a := of[user.Agent]; a.People != 1 || a.Weak != 1 || a.Weakest.SetUp != authenticator.TOTP ||
			!a.Weakest.MailboxAlone() {
			r.t.Errorf("agents: %+v", a)
		}

		opened, err := r.WeakenedByMethods(r.t.Context(), owner, "acme", "email totp")
		if err != nil {
			r.t.Fatal(err)
		}
		if len(opened) == 0 || opened[0].After.Weakest.Level != policy.EmailConfirmed {
			r.t.Errorf("with mail: %+v", opened)
		}
		same, err := r.WeakenedByMethods(r.t.Context(), owner, "acme", totp)
		if err != nil || len(same) > 0 {
			r.t.Errorf("without a change: %+v, %v", same, err)
		}
		opened, err = r.WeakenedByDays(r.t.Context(), owner, "acme", 30)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(opened) == 0 || !opened[0].After.Weakest.Remembered || opened[0].After.New.Level != policy.TwoFactor {
			r.t.Errorf("with remembered browsers: %+v", opened)
		}
		if _, _, err := r.Assurance(r.t.Context(), r.person("acme", user.Agent), "acme"); err == nil {
			r.t.Error("an agent is told")
		}
	})
}
