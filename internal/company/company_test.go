package company_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/company"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// rig is a vendor and two companies with a person of each role.
type rig struct {
	*company.Service
	t  *testing.T
	at time.Time
}

func each(t *testing.T, fn func(r *rig)) {
	r := &rig{at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	dbtest.Each(t, func() time.Time { return r.at }, func(t *testing.T, d *db.DB) {
		r.t = t
		r.Service = &company.Service{
			DB:     d,
			Gate:   gatetest.New(d, authenticator.TOTP),
			People: &people.Service{DB: d, Bindable: []authenticator.Kind{authenticator.TOTP}},
			Notifier: &notify.Notifier{
				Queue:  &message.Queue{Jobs: &jobs.Queue{}, Keys: secret.NewKeys(r.at)},
				Limits: config.Default().Limits,
			},
			Countries: []string{"DE", "ES"},
			Bindable:  []authenticator.Kind{authenticator.TOTP},
		}
		r.in("", func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.Ensure(ctx, tx)
			return err
		})
		for id, kind := range map[string]string{"vendor": tenant.Vendor, "acme": tenant.Company,
			"other": tenant.Company} {
			r.in("", func(ctx context.Context, tx *db.Tx) error {
				_, err := tenant.Create(ctx, tx, id, "The "+id, kind)
				return err
			})
		}
		fn(r)
	})
}

func (r *rig) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	if tenantID == "" {
		tenantID = db.Installation
	}
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

func (r *rig) change(a access.Actor, c company.Changes) error {
	_, err := r.Change(r.t.Context(), a, "acme", c)
	return err
}

// TestTheVendorsMandateLocksTheSwitch: a company cannot switch off what the vendor requires, and is told since when.
// The vendor can. guard: LockedError
func TestTheVendorsMandateLocksTheSwitch(t *testing.T) {
	each(t, func(r *rig) {
		owner, operator := r.person("acme", user.Owner), r.person("vendor", user.Operator)
		off := company.Changes{On: ptr(false), ConfirmName: "The acme"}
		since := r.at.Add(time.Hour)
		mandate := company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory, From: since}}
		if err := errors.Join(r.change(operator, mandate), r.change(owner, off)); err != nil {
			t.Fatal("before the mandate begins:", err)
		}
		r.at = since
		if err := r.change(owner, off); !errors.Is(err, access.ErrFreshProofNeeded) {
			t.Errorf("an hour after they signed in: %v", err)
		}
		owner, operator = r.person("acme", user.Owner), r.person("vendor", user.Operator)
		err := r.change(owner, off)
		var locked *company.LockedError
		if !errors.As(err, &locked) || !locked.Since.Equal(since) || locked.Vendor == "" ||
			!fault.Is(err, fault.Denied) {
			t.Errorf("while the vendor requires it: %v", err)
		}
		if err := errors.Join(r.change(operator, off), r.change(access.Server, off)); err != nil {
			t.Error("the vendor:", err)
		}
		inherit := company.Changes{Mandate: &tenant.Mandate{}}
		all := company.InstallationChanges{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}
		if err := errors.Join(r.change(operator, inherit),
			r.ChangeInstallation(t.Context(), operator, all)); err != nil {
			t.Fatal(err)
		}
		if err := r.change(owner, off); !errors.As(err, &locked) || !locked.Since.IsZero() {
			t.Errorf("while the vendor requires it of all: %v", err)
		}
	})
}

// TestWhoMayChangeACompany goes through the service with each role; the table itself is tested in access.
func TestWhoMayChangeACompany(t *testing.T) {
	each(t, func(r *rig) {
		methods := tenant.Methods("email totp")
		support := r.person("vendor", user.Support)
		for name, c := range map[string]company.Changes{
			"on": {On: ptr(true)}, "off": {On: ptr(false), ConfirmName: "The acme"}, "methods": {Methods: &methods},
			"suspend": {Suspended: ptr(true), Reason: "Unpaid", ConfirmName: "The acme"},
		} {
			for a, allowed := range map[access.Actor][]string{
				r.person("acme", user.Owner):      {"on", "off", "methods"},
				r.person("acme", user.Admin):      {"on", "methods"},
				r.person("acme", user.Supervisor): nil,
				r.person("acme", user.Operator):   nil, // a vendor's role in a company
				support:                           nil,
				r.person("vendor", user.Owner):    nil,
				r.person("other", user.Owner):     nil,
			} {
				err := r.change(a, c)
				want := fault.Denied
				if a.TenantID != "acme" && a != support {
					want = fault.NotFound // other companies do not exist for a company
				}
				if slices.Contains(allowed, name) != (err == nil) || err != nil && !fault.Is(err, want) {
					t.Errorf("%s by %s of %s: %v", name, a.UserID, a.TenantID, err)
				}
			}
		}
	})
}

// person signs a person in and returns them as an actor. They are added where they are not there already.
func (r *rig) person(tenantID string, role user.Role) access.Actor {
	r.t.Helper()
	var id string
	r.in(tenantID, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx, fmt.Sprintf("%s-%s@x.example", tenantID, role))
		if fault.Is(err, fault.NotFound) {
			u, err = user.Create(ctx, tx, fmt.Sprintf("%s-%s@x.example", tenantID, role), string(role), role, "en")
		}
		id = u.ID
		return err
	})
	return gatetest.SignIn(r.t, r.DB, tenantID, id)
}

// TestTheRoleIsReadInTheTransaction: what a session says about its person does not count.
func TestTheRoleIsReadInTheTransaction(t *testing.T) {
	each(t, func(r *rig) {
		for name, lose := range map[string]func(ctx context.Context, tx *db.Tx, id string) error{
			"role": func(ctx context.Context, tx *db.Tx, id string) error {
				return user.SetRole(ctx, tx, id, user.Agent)
			},
			"account": user.Disable,
			"company": func(ctx context.Context, tx *db.Tx, _ string) error { return tenant.Suspend(ctx, tx) },
		} {
			owner := r.person("acme", user.Owner)
			owner.Role = user.Owner
			r.in("acme", func(ctx context.Context, tx *db.Tx) error { return lose(ctx, tx, owner.UserID) })
			if err := r.change(owner, company.Changes{On: ptr(true)}); !fault.Is(err, fault.Denied) {
				t.Errorf("without %s: %v", name, err)
			}
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				enabled := user.Enable(ctx, tx, owner.UserID)
				return errors.Join(enabled, user.SetRole(ctx, tx, owner.UserID, user.Owner), tenant.Resume(ctx, tx))
			})
		}
	})
}

// TestAllOrNothing: a change that is refused takes the ones before it back, with their audit rows.
func TestAllOrNothing(t *testing.T) {
	each(t, func(r *rig) {
		admin := r.person("acme", user.Admin)
		both := company.Changes{RememberDays: ptr(7), Choice: ptr(tenant.Optional)}
		if err := r.change(admin, both); !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		found, err := r.Find(t.Context(), admin, "acme")
		if err != nil || found.RememberDays != tenant.InheritDays {
			t.Errorf("%+v, %v", found, err)
		}
		countries := tenant.MakeCountries([]string{"FR"})
		if err := r.change(admin, company.Changes{SMSCountries: &countries}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a country that the installation does not take: %v", err)
		}
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			var n int
			err := tx.QueryRow(ctx, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND result = 'ok'`,
				tx.Tenant).Scan(&n)
			if err == nil && n != 0 {
				t.Errorf("%d audit rows", n)
			}
			return err
		})
	})
}

// TestStrandedPeople: who has only what is ruled out must set up another method, or is locked out, whether it was a
// second factor or the mailbox.
func TestStrandedPeople(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		r.accepted(owner, authenticator.Email)
		r.accepted(admin, authenticator.Email)
		r.person("acme", user.Agent) // has yet to accept the invitation
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			_, err := outofband.Bind(ctx, tx, owner.UserID, authenticator.SMS, "+4917139200420")
			return err
		})
		for methods, want := range map[tenant.Methods]company.Stranded{
			"email sms totp": {},
			"sms totp":       {MustSetUp: []string{"acme-admin@x.example"}},
			"totp":           {MustSetUp: []string{"acme-admin@x.example", "acme-owner@x.example"}},
			"email":          {LockedOut: []string{"acme-owner@x.example"}},
			"sms":            {LockedOut: []string{"acme-admin@x.example"}},
		} {
			one, err := r.StrandedBy(t.Context(), owner, "acme", methods)
			all, errAll := r.StrandedByInstallation(t.Context(), access.Server, methods)
			if err != nil || errAll != nil || fmt.Sprint(one) != fmt.Sprint(want) ||
				fmt.Sprint(all) != fmt.Sprint(want) {
				t.Errorf("%s: %+v, %v; %+v, %v", methods, one, err, all, errAll)
			}
		}
	})
}

func TestListPages(t *testing.T) {
	each(t, func(r *rig) {
		for i := range 5 {
			n := company.New{Name: "Same name"}
			if _, err := r.Create(t.Context(), access.Server, n); err != nil {
				t.Fatal(i, err)
			}
		}
		var seen []string
		var after tenant.Place
		for {
			page, err := r.List(t.Context(), access.Server, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				seen = append(seen, c.ID)
				after = tenant.Place{Name: c.Name, ID: c.ID}
			}
			if len(page) < 2 {
				break
			}
		}
		different := slices.Clone(seen)
		slices.Sort(different)
		if len(seen) != 8 || len(slices.Compact(different)) != 8 {
			t.Errorf("%d companies: %v", len(seen), seen)
		}
		owner := r.person("acme", user.Owner)
		if _, err := r.List(t.Context(), owner, tenant.Place{}, 2); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner lists companies: %v", err)
		}
	})
}

// TestACompanyKeepsNoOneFromAnother by naming itself like the other's id.
func TestACompanyKeepsNoOneFromAnother(t *testing.T) {
	each(t, func(r *rig) {
		if _, err := r.Change(t.Context(), access.Server, "other", company.Changes{Name: ptr("acme")}); err != nil {
			t.Fatal(err)
		}
		found, err := r.Find(t.Context(), access.Server, "acme")
		if err != nil || found.ID != "acme" {
			t.Errorf("%q, %v", found.ID, err)
		}
	})
}

// TestTwoSettingsAtOnce: of two changes of the installation at the same moment neither takes the other back.
// guard: tenant.SaveInstallation
func TestTwoSettingsAtOnce(t *testing.T) {
	each(t, func(r *rig) {
		for round := range 20 {
			mandate := tenant.Mandate{Mode: []tenant.Mode{tenant.Mandatory, tenant.DefaultOff}[round%2]}
			address := fmt.Sprintf("https://support.test/%d", round)
			var both sync.WaitGroup
			for _, c := range []company.InstallationChanges{{Mandate: &mandate}, {SupportURL: &address}} {
				both.Go(func() {
					if err := r.ChangeInstallation(t.Context(), access.Server, c); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			i, err := r.Installation(t.Context(), access.Server)
			if err != nil || i.Mandate.Mode != mandate.Mode || i.SupportURL != address {
				t.Fatalf("round %d: %q and %q, %v", round, i.Mandate.Mode, i.SupportURL, err)
			}
		}
	})
}

// TestNoMethodsLockEveryoneOut: words that name none are refused where they are stored. guard: tenant.Methods.Clean
func TestNoMethodsLockEveryoneOut(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		for _, m := range []tenant.Methods{" ", "backup", "otp"} {
			if err := r.change(owner, company.Changes{Methods: &m}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", m, err)
			}
			all := company.InstallationChanges{Methods: &m}
			if err := r.ChangeInstallation(t.Context(), access.Server, all); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q for all: %v", m, err)
			}
		}
		if err := r.change(owner, company.Changes{Methods: ptr(tenant.Methods(" totp  email"))}); err != nil {
			t.Error(err)
		}
		found, err := r.Find(t.Context(), owner, "acme")
		if err != nil || found.Methods != "email totp" {
			t.Errorf("%q, %v", found.Methods, err)
		}
	})
}
