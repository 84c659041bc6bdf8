package people_test

import (
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/user"
)

// trail counts audit rows and mails.
func (r *rig) trail() int {
	return r.number(`SELECT (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM messages)`)
}

// TestAnAdministratorFillsNoMailbox by changing someone again and again; others can still change that person.
// guard: spendChange
func TestAnAdministratorFillsNoMailbox(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		other := r.add("acme", "other", user.Admin)
		toggle := func(by access.Actor, i int) error {
			return r.Change(t.Context(), by, ref(mia), people.Changes{Disabled: ptr(i%2 == 0)})
		}
		for i := range 20 {
			if err := toggle(admin, i); err != nil {
				t.Fatal(i, err)
			}
		}
		before := r.trail()
		if err := toggle(admin, 20); !fault.Is(err, fault.RateLimited) {
			t.Errorf("the 21st change: %v", err)
		}
		role := people.Changes{Role: ptr(user.Supervisor)}
		if err := r.Change(t.Context(), admin, ref(mia), role); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a change of another kind: %v", err)
		}
		if _, err := r.ResetMethods(t.Context(), admin, ref(mia), "phone lost"); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a reset: %v", err)
		}
		if n := r.trail() - before; n != 0 {
			t.Errorf("%d rows and mails of what was too often", n)
		}
		if err := toggle(other, 20); err != nil {
			t.Errorf("another administrator: %v", err)
		}
		if err := toggle(access.Server, 21); err != nil {
			t.Errorf("the command line: %v", err)
		}
		r.at = r.at.Add(time.Hour)
		if err := toggle(gatetest.SignIn(t, r.DB, "acme", admin.UserID), 22); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// TestTheRoleThatSomeoneHasIsNoChange: it is not recorded, told or counted.
func TestTheRoleThatSomeoneHasIsNoChange(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		before := r.trail()
		for range 25 {
			if err := r.Change(t.Context(), admin, ref(mia), people.Changes{Role: ptr(user.Agent)}); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.trail() - before; n != 0 {
			t.Errorf("%d rows and mails", n)
		}
	})
}

// TestAnOpenRecoveryIsNotOpenedAgain: another reset, with nothing to remove, would only mail the person again.
// guard: mayReopen
func TestAnOpenRecoveryIsNotOpenedAgain(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		r.failed(mia)
		reset := func(by access.Actor) error {
			_, err := r.ResetMethods(t.Context(), by, ref(mia), "phone lost")
			return err
		}
		if err := reset(admin); err != nil {
			t.Fatal(err)
		}
		before := r.trail()
		if err := reset(admin); fault.Of(err).Message != "methods.reset_already" {
			t.Errorf("a second reset: %v", err)
		}
		if n := r.trail() - before; n != 0 {
			t.Errorf("%d rows and mails", n)
		}
		if err := reset(access.Server); err != nil {
			t.Errorf("the command line: %v", err)
		}
		r.failed(mia)
		if err := reset(admin); err != nil {
			t.Errorf("with a method to remove: %v", err)
		}
		r.at = r.at.Add(user.RecoveryLife)
		if err := reset(gatetest.SignIn(t, r.DB, "acme", admin.UserID)); err != nil {
			t.Errorf("after the recovery: %v", err)
		}
	})
}
