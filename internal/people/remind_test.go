package people_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// pending makes a company require an app and gives it n people without one.
func (r *rig) pending(n int) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		if err := tenant.SetMethods(ctx, tx, "totp"); err != nil {
			return err
		}
		return tenant.SwitchOn(ctx, tx)
	})
	for i := range n {
		r.withPassword(r.add("acme", fmt.Sprintf("p%d", i), user.Agent))
	}
}

// equipped is a person who has an app, in a session that was opened with it.
func (r *rig) equipped(name string, role user.Role) access.Actor {
	r.t.Helper()
	a := r.add("acme", name, role)
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		_, err := authenticator.Bind(ctx, tx, a.UserID, authenticator.TOTP, "")
		return err
	})
	a = gatetest.SignIn(r.t, r.DB, "acme", a.UserID, authenticator.TOTP)
	a.Role = role
	return a
}

func (r *rig) reminders() int {
	return r.number(`SELECT count(*) FROM messages WHERE purpose = 'set_up.reminder'`)
}

// TestRemindersReachEveryone: those who were reminded before do not use up a call.
// guard: remindedBefore
func TestRemindersReachEveryone(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(7)
		sue := r.equipped("sue", user.Supervisor)
		for i, want := range []people.Reminded{
			{Sent: 3, Left: true},
			{Sent: 3, Skipped: 3, Left: true},
			{Sent: 1, Skipped: 6},
			{Skipped: 7},
		} {
			got, err := r.RemindUpTo(t.Context(), sue, "acme", 3, time.Minute)
			if err != nil || got != want {
				t.Errorf("call %d: %+v, %v", i+1, got, err)
			}
		}
		if n := r.reminders(); n != 7 {
			t.Errorf("%d reminders", n)
		}
	})
}

func TestRemindersStopInTime(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(2)
		got, err := r.RemindUpTo(t.Context(), r.equipped("sue", user.Supervisor), "acme", 3, 0)
		if want := (people.Reminded{Left: true}); err != nil || got != want {
			t.Errorf("without time: %+v, %v", got, err)
		}
	})
}

// TestACompanyRemindsAllSixTimesAnHour. Those who may not remind anyone use up nothing of it.
// guard: spendBulkReminder
func TestACompanyRemindsAllSixTimesAnHour(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(1)
		sue, agent := r.equipped("sue", user.Supervisor), r.equipped("agent", user.Agent)
		for range 3 {
			if _, err := r.RemindPending(t.Context(), agent, "acme"); !fault.Is(err, fault.Denied) {
				t.Errorf("an agent: %v", err)
			}
		}
		for n := range 6 {
			if _, err := r.RemindPending(t.Context(), sue, "acme"); err != nil {
				t.Fatal(n, err)
			}
		}
		for _, by := range []access.Actor{sue, r.equipped("second", user.Supervisor)} {
			if _, err := r.RemindPending(t.Context(), by, "acme"); !fault.Is(err, fault.RateLimited) {
				t.Errorf("a seventh time: %v", err)
			}
		}
		if _, err := r.RemindPending(t.Context(), access.Server, "acme"); err != nil {
			t.Errorf("the command line: %v", err)
		}
	})
}

// TestAReminderThatWasNotSentIsNone: it is not recorded or counted, and can be sent later.
// guard: errMailedOften
func TestAReminderThatWasNotSentIsNone(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(1)
		sue := r.equipped("sue", user.Supervisor)
		r.Notifier.Limits.SendsPerHour = 0
		if got, err := r.RemindPending(t.Context(), sue, "acme"); err != nil || got != (people.Reminded{Skipped: 1}) {
			t.Errorf("%+v, %v", got, err)
		}
		if n := r.number(`SELECT count(*) FROM audit_events WHERE action = 'user.reminded'`); n != 0 {
			t.Errorf("%d are recorded", n)
		}
		r.Notifier.Limits.SendsPerHour = 5
		if got, err := r.RemindPending(t.Context(), sue, "acme"); err != nil || got != (people.Reminded{Sent: 1}) {
			t.Errorf("later: %+v, %v", got, err)
		}
	})
}
