package company_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// accepted gives a person of acme a password, and methods beside it.
func (r *rig) accepted(a access.Actor, methods ...authenticator.Kind) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		if err := password.Set(ctx, tx, a.UserID, password.Stored{Hash: "x"}); err != nil {
			return err
		}
		for _, k := range methods {
			if _, err := authenticator.Bind(ctx, tx, a.UserID, k, ""); err != nil {
				return err
			}
			if k == authenticator.TOTP {
				if err := user.FactorBound(ctx, tx, a.UserID); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// TestSEC75_AnOwnerCanAlwaysSignIn: no person narrows the methods of a company, or switches on, so that none of its
// owners could sign in and take it back. Where an owner can set up what is allowed, they can. The command line is
// asked. guard: keepAnOwnerWhoCanAct
func TestSEC75_AnOwnerCanAlwaysSignIn(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		r.accepted(owner, authenticator.TOTP)
		r.accepted(admin, authenticator.TOTP)
		admin = gatetest.SignIn(r.t, r.DB, "acme", admin.UserID, authenticator.TOTP)
		owner = gatetest.SignIn(r.t, r.DB, "acme", owner.UserID, authenticator.TOTP)
		operator := r.person("vendor", user.Operator)
		email, mixed := company.Changes{Methods: ptr(tenant.Methods("email"))}, ptr(tenant.Methods("email totp"))
		for _, on := range []bool{false, true} {
			if err := r.change(access.Server, company.Changes{On: &on, Methods: mixed}); err != nil {
				r.t.Fatal(err)
			}
			for who, a := range map[string]access.Actor{"admin": admin, "owner": owner, "operator": operator} {
				err := r.change(a, email)
				if !fault.Is(err, fault.Conflict) || fault.Of(err).Message != "company.owners_locked_out" {
					r.t.Errorf("email alone by the %s, on: %v: %v", who, on, err)
				}
			}
			if found, err := r.Find(r.t.Context(), access.Server, "acme"); err != nil || found.Methods != *mixed {
				r.t.Errorf("%q, %v", found.Methods, err)
			}
		}
		off := company.Changes{On: ptr(false), ConfirmName: "The acme"}
		if err := r.change(access.Server, off); err != nil {
			r.t.Fatal(err)
		}
		for _, from := range []time.Time{{}, r.at.Add(24 * time.Hour)} {
			choices := company.Choices{Methods: "email", From: from}
			if _, err := r.PlanActivation(r.t.Context(), admin, choices); problem(err) != "company.owners_locked_out" {
				r.t.Errorf("planned from %s: %v", from, err)
			}
			err := r.Activate(r.t.Context(), admin, r.proved(admin), choices)
			if fault.Of(err).Message != "company.owners_locked_out" {
				r.t.Errorf("switched on from %s: %v", from, err)
			}
		}
		if err := r.change(access.Server, email); err != nil {
			r.t.Error("the command line:", err)
		}
	})
}

// TestSEC75_WhoCanSetUpIsNotLockedOut: an owner whose only method is ruled out shows it, and sets up another.
func TestSEC75_WhoCanSetUpIsNotLockedOut(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		r.accepted(owner, authenticator.SMS)
		if err := r.change(admin, company.Changes{On: ptr(true), Methods: ptr(tenant.Methods("totp"))}); err != nil {
			r.t.Error(err)
		}
	})
}

// TestSEC75_AMethodIsLeft: no person rules out everything that the vendor allows and that works here.
// guard: anyWorks
func TestSEC75_AMethodIsLeft(t *testing.T) {
	each(t, func(r *rig) {
		admin, operator := r.person("acme", user.Admin), r.person("vendor", user.Operator)
		sms := company.Changes{Methods: ptr(tenant.Methods("sms"))}
		for who, a := range map[string]access.Actor{"admin": admin, "operator": operator} {
			if err := r.change(a, sms); fault.Of(err).Message != "company.no_method_left" {
				r.t.Errorf("what can't be set up here, by the %s: %v", who, err)
			}
		}
		only := company.InstallationChanges{Methods: ptr(tenant.Methods("totp"))}
		if err := r.ChangeInstallation(r.t.Context(), access.Server, only); err != nil {
			r.t.Fatal(err)
		}
		email := company.Changes{Methods: ptr(tenant.Methods("email"))}
		if err := r.change(admin, email); !fault.Is(err, fault.Conflict) ||
			fault.Of(err).Message != "company.no_method_left" {
			r.t.Error("what the vendor does not allow:", err)
		}
		err := errors.Join(r.change(admin, company.Changes{Methods: ptr(tenant.Methods("email totp"))}),
			r.change(access.Server, email))
		if err != nil {
			r.t.Error(err)
		}
		if err := r.change(admin, company.Changes{On: ptr(true)}); fault.Of(err).Message != "company.no_method_left" {
			r.t.Error("switched on:", err)
		}
	})
}
