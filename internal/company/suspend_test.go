package company_test

import (
	"context"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/session"
	"countersign/internal/user"
)

// TestWhatASuspensionEndedStaysEnded when the company is resumed: sessions, remembered browsers, and with the version
// of the account whatever else was made under it. Other companies' people go on. guard: user.EndEveryone
func TestWhatASuspensionEndedStaysEnded(t *testing.T) {
	each(t, func(r *rig) {
		people := []access.Actor{r.person("acme", user.Owner), r.person("acme", user.Agent)}
		other, operator := r.person("other", user.Owner), r.person("vendor", user.Operator)
		version := func(a access.Actor) (version int64) {
			r.in(a.TenantID, func(ctx context.Context, tx *db.Tx) error {
				u, err := user.ByID(ctx, tx, a.UserID)
				version = u.SecurityVersion
				return err
			})
			return version
		}
		before := version(people[0])
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			_, _, err := session.Remember(ctx, tx, session.Remembered{
				UserID:          people[0].UserID,
				ClientID:        client.PortalID,
				SecurityVersion: before,
				ProvedAt:        tx.Now,
				ExpiresAt:       tx.Now.AddDate(0, 0, 7),
			})
			return err
		})
		if n := r.open(people[0]); n != 2 {
			t.Fatalf("%d are open before", n)
		}
		for _, suspended := range []bool{true, false} {
			change := company.Changes{Suspended: &suspended, Reason: "Unpaid", ConfirmName: "The acme"}
			if err := r.change(operator, change); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range people {
			if n := r.open(a); n != 0 {
				t.Errorf("%d are open after the company was resumed", n)
			}
			if v := version(a); v != 2 {
				t.Errorf("version %d", v)
			}
		}
		if r.open(other) != 1 || r.open(operator) != 1 || version(other) != 1 {
			t.Error("something of another company ended")
		}
		if again := r.person("acme", user.Owner); r.open(again) != 1 {
			t.Error("no one signs in again")
		}
	})
}

// open counts the sessions and the remembered browsers of a person that work.
func (r *rig) open(a access.Actor) (n int) {
	r.t.Helper()
	r.in(a.TenantID, func(ctx context.Context, tx *db.Tx) error {
		st, err := r.Gate.CheckOwn(ctx, tx, a.UserID, a.SessionID, gate.Ask{ClientID: client.PortalID})
		if err != nil {
			return err
		}
		if st.Session != nil {
			n++
		}
		browsers, err := session.RememberedOf(ctx, tx, a.UserID)
		n += len(browsers)
		return err
	})
	return n
}

// TestSuspendingNeedsAReasonAndTheName, typed by the person who does it, and its owners and admins are told with the
// reason. guard: maySuspend
func TestSuspendingNeedsAReasonAndTheName(t *testing.T) {
	each(t, func(r *rig) {
		operator := r.person("vendor", user.Operator)
		r.person("acme", user.Owner)
		r.person("acme", user.Agent)
		for _, c := range []company.Changes{
			{Suspended: ptr(true), ConfirmName: "The acme"},
			{Suspended: ptr(true), Reason: " ", ConfirmName: "The acme"},
			{Suspended: ptr(true), Reason: "Unpaid"},
			{Suspended: ptr(true), Reason: "Unpaid", ConfirmName: "The other"},
		} {
			if err := r.change(operator, c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		change := company.Changes{Suspended: ptr(true), Reason: "Unpaid", ConfirmName: " The acme "}
		for range 2 { // the second time changes nothing
			if err := r.change(operator, change); err != nil {
				t.Error(err)
			}
		}
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			told, err := tx.Texts(ctx, `SELECT m.purpose FROM messages m WHERE m.tenant_id = $1`, tx.Tenant)
			if err == nil && !slices.Equal(told, []string{"company.state"}) {
				t.Errorf("told %v", told)
			}
			return err
		})
		if err := r.change(operator, company.Changes{Suspended: ptr(false)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("resumed without a reason: %v", err)
		}
		if err := r.change(access.Server, company.Changes{Suspended: ptr(false)}); err != nil {
			t.Error("the command line:", err)
		}
	})
}

// TestTheVendorIsNotSuspended, by no one: its staff could not resume it.
func TestTheVendorIsNotSuspended(t *testing.T) {
	each(t, func(r *rig) {
		for _, a := range []access.Actor{r.person("vendor", user.Operator), access.Server} {
			change := company.Changes{Suspended: ptr(true), Reason: "Unpaid", ConfirmName: "The vendor"}
			if _, err := r.Change(t.Context(), a, "vendor", change); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", a.ID(), err)
			}
			change.Suspended = ptr(false)
			if _, err := r.Change(t.Context(), a, "vendor", change); err != nil {
				t.Errorf("resuming it, %s: %v", a.ID(), err)
			}
		}
	})
}
