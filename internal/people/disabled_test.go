package people_test

import (
	"context"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/user"
)

// failed binds an app to a person and disables it as too many wrong answers do.
func (r *rig) failed(a access.Actor) {
	r.t.Helper()
	r.in(a.TenantID, func(ctx context.Context, tx *db.Tx) error {
		if _, err := authenticator.Bind(ctx, tx, a.UserID, authenticator.TOTP, ""); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE authenticators SET failures = 100, disabled_at = $1
			WHERE tenant_id = $2 AND user_id = $3 AND kind = 'totp'`, tx.Now, tx.Tenant, a.UserID)
		return err
	})
}

// methodsOff is how many methods in the installation are disabled.
func (r *rig) methodsOff() int {
	return r.number(`SELECT count(*) FROM authenticators WHERE disabled_at > 0`)
}

// TestEnablingGivesNoMoreGuesses: an administrator who enables someone, disabled or not, leaves methods as they are
// that were disabled after wrong answers. The command line lets them work again.
// guard: reviveMethods
func TestEnablingGivesNoMoreGuesses(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		r.failed(mia)
		enable, disable := people.Changes{Disabled: ptr(false)}, people.Changes{Disabled: ptr(true)}
		if err := r.Change(t.Context(), admin, ref(mia), enable); fault.Of(err).Message != "user.not_disabled" {
			t.Errorf("an active person is enabled: %v", err)
		}
		if err := r.Change(t.Context(), admin, ref(mia), disable); err != nil {
			t.Fatal(err)
		}
		if err := r.Change(t.Context(), admin, ref(mia), enable); err != nil {
			t.Fatal(err)
		}
		if n := r.methodsOff(); n != 1 {
			t.Errorf("%d methods are disabled after an administrator enabled the person", n)
		}
		if err := r.Change(t.Context(), access.Server, ref(mia), enable); err != nil {
			t.Error(err)
		}
		if n := r.methodsOff(); n != 0 {
			t.Errorf("%d methods are disabled after the command line enabled the person", n)
		}
	})
}

// TestWhatIsSoAlreadyIsNotDoneAgain: nothing is recorded or sent.
func TestWhatIsSoAlreadyIsNotDoneAgain(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		for _, by := range []access.Actor{admin, access.Server} {
			for _, off := range []bool{true, false} {
				c := people.Changes{Disabled: &off}
				if err := r.Change(t.Context(), by, ref(mia), c); err != nil {
					t.Fatal(err)
				}
				seen := func() int {
					return r.number(`SELECT (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM messages)`)
				}
				before := seen()
				if err := r.Change(t.Context(), by, ref(mia), c); !fault.Is(err, fault.Conflict) {
					t.Errorf("%s, disabled %v again: %v", by.Kind, off, err)
				}
				if n := seen() - before; n != 0 {
					t.Errorf("%s, disabled %v again: %d rows and mails", by.Kind, off, n)
				}
			}
		}
	})
}
