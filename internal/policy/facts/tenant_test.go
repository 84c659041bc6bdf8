package facts_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/tenant"
)

// notRead are fields of a company that no decision about a sign-in reads.
var notRead = []string{"SMSCountries", "CreatedAt", "Steps.StopAt", "Steps.ResumedAt"}

// TestLoadReadsTheWholeCompany: whatever a company has set is in the facts as it is stored.
func TestLoadReadsTheWholeCompany(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		u := account(t, d)
		compare := func() (read, stored tenant.Tenant) {
			f, err := load(t, d, u.ID, "dashboard")
			if err != nil {
				t.Fatal(err)
			}
			err = d.View(t.Context(), "acme", func(tx *db.Tx) (err error) {
				stored, err = tenant.ByID(t.Context(), tx, "acme")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return f.Tenant, stored
		}
		if read, stored := compare(); !reflect.DeepEqual(read, without(stored)) {
			t.Errorf("a new company is read as %+v, and stored as %+v", read, stored)
		}
		write(t, d, "acme", func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				UPDATE tenants SET mandate = 'default_off', mandate_from = 1, switched_on_at = 2, switched_off_at = 3,
					remember_days = 4, methods = 'totp sms', choice = 'adaptive', roles = 'owner admin',
					covered_apps = 'phone talk', set_up_by = 5, set_up_days = 6, set_up_laters = 7, suspended_at = 8,
					vendor_methods = 'totp', vendor_days = 9, lock_after = 10, lock_minutes = 11,
					networks = '203.0.113.0/24 Here', network_scope = 'apps', step_days = 12, step_stop = 13,
					steps_stopped_at = 14, steps_resumed_at = 15, steps_delay = 16, shadow_methods = 'email totp',
					shadow_choice = 'optional', shadow_roles = 'owner admin agent', shadow_from = 17, shadow_until = 18
				WHERE tenant_id = $1`, tx.Tenant)
			return err
		})
		read, stored := compare()
		if !reflect.DeepEqual(read, without(stored)) {
			t.Errorf("read:   %+v\nstored: %+v", read, stored)
		}
		if name := unset(reflect.ValueOf(stored), ""); name != "" {
			t.Errorf("the test sets nothing in %s", name)
		}
	})
}

// without is a company without what is not read.
func without(t tenant.Tenant) tenant.Tenant {
	t.SMSCountries, t.CreatedAt, t.Steps.StopAt, t.Steps.ResumedAt = "", time.Time{}, 0, time.Time{}
	return t
}

// unset names a field that has its zero value and is read; empty: there is none.
func unset(v reflect.Value, within string) string {
	for i := range v.NumField() {
		field, name := v.Field(i), within+v.Type().Field(i).Name
		instant := field.Type() == reflect.TypeFor[time.Time]()
		switch {
		case slices.Contains(notRead, name):
		case field.Kind() == reflect.Struct && !instant:
			if inner := unset(field, name+"."); inner != "" {
				return inner
			}
		case field.IsZero():
			return name
		}
	}
	return ""
}
