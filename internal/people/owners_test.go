package people_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestACompanyKeepsAnOwner: the last active owner stays, unless the command line forces it. guard: keepAnOwner
func TestACompanyKeepsAnOwner(t *testing.T) {
	each(t, func(r *rig) {
		one, two := r.add("acme", "one", user.Owner), r.add("acme", "two", user.Owner)
		if err := r.Change(t.Context(), one, ref(two), people.Changes{Disabled: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]people.Changes{
			"disabled": {Disabled: ptr(true)},
			"demoted":  {Role: ptr(user.Admin)},
			"both":     {Role: ptr(user.Admin), Disabled: ptr(true)},
		} {
			if err := r.Change(t.Context(), access.Server, ref(one), c); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		force := people.Changes{Disabled: ptr(true), Force: true}
		operator := r.add("vendor", "operator", user.Operator)
		if err := r.Change(t.Context(), operator, ref(one), force); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator forces it: %v", err)
		}
		if err := r.Change(t.Context(), access.Server, ref(one), force); err != nil {
			t.Errorf("the command line forces it: %v", err)
		}
	})
}

// TestOnlyOwnersWhoCanSignInCount where another is to go. guard: gate.CanSignIn
func TestOnlyOwnersWhoCanSignInCount(t *testing.T) {
	each(t, func(r *rig) {
		bind := func(kind authenticator.Kind) func(ctx context.Context, tx *db.Tx, id string) error {
			return func(ctx context.Context, tx *db.Tx, id string) error {
				_, err := authenticator.Bind(ctx, tx, id, kind, "")
				return err
			}
		}
		for n, c := range []struct {
			what     string
			methods  tenant.Methods
			on       bool
			has      func(ctx context.Context, tx *db.Tx, id string) error
			goes     bool
			password bool
		}{
			{"invited", "", false, nil, false, false},
			{"invited, with a method", "", false, bind(authenticator.TOTP), false, false},
			{"disabled", "", false, user.Disable, false, true},
			{"with the password, where it is enough", "", false, nil, true, true},
			{"with the mailbox, where it is enough", "", true, nil, true, true},
			{"who has to set up an app first", "totp", true, nil, false, true},
			{"with the app that is asked for", "totp", true, bind(authenticator.TOTP), true, true},
			{"with a method that is not allowed", "totp", true, bind(authenticator.SMS), false, true},
			{"with a method that is suspended", "", true, func(ctx context.Context, tx *db.Tx, id string) error {
				a, err := authenticator.Bind(ctx, tx, id, authenticator.TOTP, "")
				if err != nil {
					return err
				}
				_, err = authenticator.Suspend(ctx, tx, id, a.ID)
				return err
			}, false, true},
		} {
			company := fmt.Sprint("company-", n)
			r.in(company, func(ctx context.Context, tx *db.Tx) error {
				_, err := tenant.Create(ctx, tx, company, company, tenant.Company)
				return err
			})
			first := r.add(company, company+"-first", user.Owner)
			second := r.add(company, company+"-second", user.Agent)
			if c.password {
				r.withPassword(second)
			}
			r.in(company, func(ctx context.Context, tx *db.Tx) error {
				if err := user.SetRole(ctx, tx, second.UserID, user.Owner); err != nil {
					return err
				}
				if c.on {
					if err := errors.Join(tenant.SwitchOn(ctx, tx), tenant.SetMethods(ctx, tx, c.methods)); err != nil {
						return err
					}
				}
				if c.has != nil {
					return c.has(ctx, tx, second.UserID)
				}
				return nil
			})
			err := r.Change(t.Context(), access.Server, ref(first), people.Changes{Disabled: ptr(true)})
			if c.goes && err != nil || !c.goes && !fault.Is(err, fault.Conflict) {
				t.Errorf("the other owner is one %s: %v", c.what, err)
			}
		}
	})
}

// TestTwoRemoveEachOtherAtOnce: one of two owners, or of two operators, stays, whichever comes first.
// guard: people.Hold, tenant.Lock
func TestTwoRemoveEachOtherAtOnce(t *testing.T) {
	for role, company := range map[user.Role]string{user.Owner: "acme", user.Operator: "vendor"} {
		t.Run(string(role), func(t *testing.T) {
			each(t, func(r *rig) {
				for round := range 10 {
					r.removeEachOther(company, role, round)
				}
			})
		})
	}
}

func (r *rig) removeEachOther(company string, role user.Role, round int) {
	r.t.Helper()
	one := r.add(company, fmt.Sprint("one-", round), role)
	two := r.add(company, fmt.Sprint("two-", round), role)
	var errs [2]error
	var both sync.WaitGroup
	for i, by := range []access.Actor{one, two} {
		other := []access.Actor{two, one}[i]
		both.Go(func() {
			errs[i] = r.Change(r.t.Context(), by, ref(other), people.Changes{Disabled: ptr(true)})
		})
	}
	both.Wait()
	left := r.number(`SELECT count(*) FROM users
		WHERE tenant_id = $1 AND role = $2 AND disabled_at = 0`, company, string(role))
	if (errs[0] == nil) == (errs[1] == nil) || left != 1 {
		r.t.Fatalf("round %d: %d are left, %v", round, left, errs)
	}
	r.in(company, func(ctx context.Context, tx *db.Tx) error {
		return errors.Join(user.Disable(ctx, tx, one.UserID), user.Disable(ctx, tx, two.UserID))
	})
}

// TestSEC49_AnOwnerDoesNotTakeOverAnother: as an admin they could be given another mailbox, new methods, and
// their role back. guard: access.Demote
func TestSEC49_AnOwnerDoesNotTakeOverAnother(t *testing.T) {
	each(t, func(r *rig) {
		one, two := r.add("acme", "one", user.Owner), r.add("acme", "two", user.Owner)
		for name, c := range map[string]people.Changes{
			"the role":                   {Role: ptr(user.Admin)},
			"the role, then the mailbox": {Role: ptr(user.Admin), Email: ptr("mine@x.example")},
		} {
			if err := r.Change(t.Context(), one, ref(two), c); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.Change(t.Context(), access.Server, ref(two), people.Changes{Role: ptr(user.Admin)}); err != nil {
			t.Errorf("the command line: %v", err)
		}
		if err := r.Change(t.Context(), one, ref(two), people.Changes{Role: ptr(user.Owner)}); err != nil {
			t.Errorf("an owner makes another: %v", err)
		}
	})
}

// TestATK100_OneOperatorTakesOverNoOwnerAndNoOperator, also not by way of a lower role. The command line may, and an
// operator helps everyone else. guard: lowerButOwners
func TestATK100_OneOperatorTakesOverNoOwnerAndNoOperator(t *testing.T) {
	each(t, func(r *rig) {
		operator, ctx := r.add("vendor", "operator", user.Operator), t.Context()
		r.add("acme", "another", user.Owner)
		r.add("vendor", "another2", user.Operator)
		typed := people.NewPassword{Plain: "quiet-maple-lantern-42"}
		ways := map[string]func(a access.Actor, of people.Ref) error{
			"password": func(a access.Actor, of people.Ref) error { return r.SetPassword(ctx, a, of, typed) },
			"address": func(a access.Actor, of people.Ref) error {
				r.n++
				address := fmt.Sprintf("mine-%d@x.example", r.n)
				return r.Change(ctx, a, of, people.Changes{Email: &address})
			},
			"methods": func(a access.Actor, of people.Ref) error {
				_, err := r.ResetMethods(ctx, a, of, "phone lost")
				return err
			},
			"another role": func(a access.Actor, of people.Ref) error {
				return r.Change(ctx, a, of, people.Changes{Role: ptr(user.Supervisor)})
			},
		}
		for way, do := range ways {
			for role, company := range map[user.Role]string{user.Owner: "acme", user.Operator: "vendor",
				user.Admin: "acme"} {
				of := r.add(company, fmt.Sprintf("%s-%s", strings.Fields(way)[0], role), role)
				r.in(company, func(ctx context.Context, tx *db.Tx) error {
					_, err := outofband.Bind(ctx, tx, of.UserID, authenticator.SMS, "+4917139200420")
					return err
				})
				err := do(operator, ref(of))
				if taken := err == nil; taken != (role == user.Admin) || !taken && !fault.Is(err, fault.Denied) {
					t.Errorf("%s of an %s by an operator: %v", way, role, err)
				}
				if err := do(access.Server, ref(of)); err != nil && role != user.Admin {
					t.Errorf("%s of an %s by the command line: %v", way, role, err)
				}
			}
		}
		n := people.New{
			Email:    "owner@x.example",
			Name:     "O",
			Language: "en",
			Role:     user.Owner,
			Password: typed,
		}
		if _, err := r.Add(ctx, operator, "acme", n); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner with a password: %v", err)
		}
	})
}
