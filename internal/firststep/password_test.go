package firststep_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/user"
)

// closed is a person of the company whose account is disabled.
func (r *rig) closed(address string) {
	r.t.Helper()
	u := r.person(address, user.Agent)
	r.in(company, func(ctx context.Context, tx *db.Tx) error { return user.Disable(ctx, tx, u.ID) })
}

func TestARightPasswordIsProved(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if right, err := r.check(attempt("Maria@Company.TEST ", rightPassword)); err != nil || !right {
			t.Fatalf("%t, %v", right, err)
		}
		p := r.begun[0]
		if len(r.begun) != 1 || p.Facts.User.Email != maria || p.Facts.App.Name != "Dashboard" ||
			p.Browser != (firststep.Browser{}) || p.Messages == nil ||
			p.Proof != (authenticator.Proof{Kind: authenticator.Password, At: r.now()}) {
			t.Errorf("%d began, %+v", len(r.begun), p)
		}
	})
}

// What is wrong is one answer after the same work, and begins nothing.
//
// guard: CheckPassword compares before it begins a sign-in.
func TestWrongPasswordsAreOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.closed("closed@company.test")
		wrongApp := attempt(maria, rightPassword)
		wrongApp.ClientID = "no-such-app"
		var statements []int64
		for _, a := range []firststep.Attempt{
			attempt(maria, "wrong"),
			attempt("nobody@company.test", rightPassword),
			attempt("closed@company.test", rightPassword),
			attempt("not an address", rightPassword),
			attempt("", ""),
			wrongApp,
		} {
			before := r.DB.Statements()
			if right, err := r.check(a); err != nil || right {
				t.Errorf("%q: %t, %v", a.Email, right, err)
			}
			statements = append(statements, r.DB.Statements()-before)
		}
		if len(r.begun) != 0 {
			t.Errorf("%d sign-ins began", len(r.begun))
		}
		if len(slices.Compact(slices.Clone(statements))) != 1 {
			t.Errorf("statements for each: %v", statements)
		}
		mine := r.events(company, "signin.password", "failed")
		if all := mine + r.events(db.Installation, "signin.password", "failed"); mine != 3 || all != 6 {
			t.Errorf("%d failures of known accounts recorded, %d in all", mine, all)
		}
	})
}

// A right password whose sign-in another tab was faster to begin costs no try; one whose sign-in
// fails in any other way does.
//
// guard: ErrTryAgain
func TestATryIsGivenBackWhereAnotherTabWasFaster(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		submit := func(why error) error {
			fails := func(context.Context, *db.Tx, firststep.Proved) error { return why }
			_, err := r.CheckPassword(t.Context(), attempt(maria, rightPassword), messages, fails)
			return err
		}
		for i := range 3 * r.Limits.PasswordSlowFrom {
			if err := submit(firststep.ErrTryAgain); !fault.Is(err, fault.Conflict) {
				t.Fatalf("the %dth: %v", i+1, err)
			}
		}
		broken := errors.New("broken")
		for i := range r.Limits.PasswordSlowFrom {
			if err := submit(broken); !errors.Is(err, broken) {
				t.Fatalf("the %dth: %v", i+1, err)
			}
		}
		if err := submit(broken); !fault.Is(err, fault.RateLimited) {
			t.Errorf("one more: %v", err)
		}
	})
}
