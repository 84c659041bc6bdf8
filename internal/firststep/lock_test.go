package firststep_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// lock gives the company a lock of its own, as saving its settings does.
func (r *rig) lock(l tenant.AccountLock) {
	r.t.Helper()
	r.in(company, func(ctx context.Context, tx *db.Tx) error {
		if err := tenant.SetLock(ctx, tx, l); err != nil {
			return err
		}
		return user.WriteDomainRules(ctx, tx)
	})
}

// compared counts the wrong passwords that are compared before an address has to wait, and for how long it has to.
func (r *rig) compared(ip, address string) (n int, wait time.Duration) {
	r.t.Helper()
	for ; n < 30; n++ {
		_, err := r.check(from(ip, attempt(address, "a wrong password")))
		if fault.Is(err, fault.RateLimited) {
			return n, fault.Of(err).RetryAfter
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return n, 0
}

// guard: slowingBy, user.LookUp (the rules of the domain and not of the account)
func TestVOI14_TheLockTellsNoAddressFromAnother(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.lock(tenant.AccountLock{After: 3, Minutes: 5})
		for i, address := range []string{maria, "nobody@company.test", owner} {
			n, wait := r.compared("198.51.100."+string(rune('1'+i)), address)
			if n != 3 || wait != 5*time.Minute {
				t.Errorf("%s: %d passwords, then a wait of %s", address, n, wait)
			}
		}
		n, wait := r.compared("198.51.100.9", "nobody@elsewhere.test")
		if n != r.Limits.PasswordSlowFrom || wait > time.Minute {
			t.Errorf("another domain: %d passwords, then a wait of %s", n, wait)
		}
		// As soon as two companies have addresses of the domain, neither decides about it.
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.Create(ctx, tx, "other", "Other", tenant.Company)
			return err
		})
		r.in("other", func(ctx context.Context, tx *db.Tx) error {
			_, err := setup.Add(ctx, tx, setup.Person{
				Email:    "ben@company.test",
				Name:     "Ben",
				Role:     user.Agent,
				Language: "en",
				By:       "test",
			})
			return err
		})
		for i, address := range []string{maria, "no-one@company.test", "ben@company.test"} {
			if n, _ := r.compared("203.0.113."+string(rune('1'+i)), address); n != r.Limits.PasswordSlowFrom {
				t.Errorf("a domain of two companies: %s has %d passwords", address, n)
			}
		}
	})
}

// guard: limitKnownBrowser
func TestVOI14_AStrangerLocksNoKnownBrowserOut(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		known := attempt(maria, rightPassword)
		known.Devices = append(known.Devices, r.finished(maria, true))
		r.lock(tenant.AccountLock{After: 3, Minutes: 60})
		for i := range 8 {
			r.compared("198.51.100."+string(rune('1'+i)), maria)
		}
		if right, err := r.check(known); err != nil || !right {
			t.Fatalf("the browser that the account knows: %t, %v", right, err)
		}
		stranger := from("203.0.113.77", attempt(maria, rightPassword))
		if _, err := r.check(stranger); !fault.Is(err, fault.RateLimited) {
			t.Fatalf("a new browser: %v", err)
		}
		// It waits once, however many others failed, or uses a mailed link at once.
		stranger.Admission = r.admit(maria)
		if right, err := r.check(stranger); err != nil || !right {
			t.Errorf("with a mailed link: %t, %v", right, err)
		}
		known.Password = "wrong"
		for range 3 {
			if _, err := r.check(known); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.check(known); !fault.Is(err, fault.RateLimited) || fault.Of(err).RetryAfter != time.Hour {
			t.Errorf("its own failures: %v", err)
		}
	})
}
