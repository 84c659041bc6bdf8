package company_test

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestAdoptionIsCountedOnceADay: each company has one row for a day, of which the newest count is kept, and the
// installation adds them up. Companies that are suspended, and the vendor's own, are not counted.
func TestAdoptionIsCountedOnceADay(t *testing.T) {
	each(t, func(r *rig) {
		ctx := t.Context()
		for _, role := range []user.Role{user.Owner, user.Admin, user.Agent} {
			r.person("acme", role)
		}
		r.person("other", user.Owner)
		count := func() {
			t.Helper()
			if err := r.CountAdoption(ctx); err != nil {
				t.Fatal(err)
			}
		}
		adoption := func(id string) (out []company.AdoptionDay) {
			t.Helper()
			out, err := r.Adoption(ctx, r.person("vendor", user.Support), id)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		today := r.at.Truncate(24 * time.Hour)
		count()
		r.in("acme", tenant.SwitchOn)
		count() // a short time later: nothing is counted anew
		want := []company.AdoptionDay{{Day: today, People: 4}}
		if got := adoption(""); !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
		r.at = r.at.Add(4 * time.Hour)
		count()
		want[0].Pending = 3
		if got := adoption(""); !slices.Equal(got, want) {
			t.Errorf("counted anew: %+v", got)
		}
		r.in("other", tenant.Suspend)
		r.at = r.at.AddDate(0, 0, 1)
		count()
		want = append(want, company.AdoptionDay{Day: today.AddDate(0, 0, 1), People: 3, Pending: 3})
		if got := adoption(""); !slices.Equal(got, want) {
			t.Errorf("the next day: %+v", got)
		}
		if got := adoption("acme"); len(got) != 2 || got[0].People != 3 {
			t.Errorf("of one company: %+v", got)
		}
		if got := adoption("vendor"); got != nil {
			t.Errorf("of the vendor: %+v", got)
		}
		if _, err := r.Adoption(ctx, r.person("acme", user.Owner), ""); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner sees all companies: %v", err)
		}
		r.at = r.at.AddDate(0, 0, company.AdoptionDays+40)
		if n, err := company.Sweep(ctx, r.DB); err != nil || n != 3 {
			t.Errorf("%d rows were swept: %v", n, err)
		}
	})
}
