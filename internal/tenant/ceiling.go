package tenant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Ceiling is what the vendor allows one company at the most, besides what it allows all. The zero value is no ceiling.
type Ceiling struct {
	Methods Methods
	Days    DaysLimit // how long browsers may be remembered
}

// DaysLimit is a largest number of days. The zero value is no limit.
type DaysLimit struct {
	set  bool
	days int
}

// LimitDays is a limit of so many days; InheritDays is none.
func LimitDays(days int) DaysLimit {
	if days < 0 {
		return DaysLimit{}
	}
	return DaysLimit{set: true, days: days}
}

// Days is the number that LimitDays was given.
func (l DaysLimit) Days() int {
	if !l.set {
		return InheritDays
	}
	return l.days
}

// Of is the smaller one of a number of days and the limit.
func (l DaysLimit) Of(days int) int {
	if !l.set {
		return days
	}
	return min(days, l.days)
}

// Scan reads a limit as it is stored (database/sql.Scanner).
func (l *DaysLimit) Scan(stored any) error {
	days, ok := stored.(int64)
	if !ok {
		return fmt.Errorf("%T is no number of days", stored)
	}
	*l = LimitDays(int(days))
	return nil
}

// And are the methods that both allow.
func (m Methods) And(other Methods) Methods {
	switch {
	case m == "":
		return other
	case other == "":
		return m
	}
	both := slices.DeleteFunc(strings.Fields(string(m)), func(kind string) bool { return !other.Allow(kind) })
	if len(both) == 0 {
		return noMethods
	}
	return Methods(strings.Join(both, " "))
}

// noMethods is a word that allows nothing.
const noMethods Methods = "none"

// VendorMethods are the methods that the vendor allows the company.
func (t Tenant) VendorMethods(i Installation) Methods { return i.Methods.And(t.Ceiling.Methods) }

// SetVendorMethods records which methods the vendor allows the company at the most. Invalid as Clean says.
func SetVendorMethods(ctx context.Context, tx *db.Tx, m Methods) error {
	m, err := m.Clean()
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET vendor_methods = $1, version = version + 1
		WHERE tenant_id = $2`, string(m), tx.Tenant))
}

// SetVendorDays records for how many days the vendor lets the company remember browsers at the most; InheritDays: as
// long as all companies.
func SetVendorDays(ctx context.Context, tx *db.Tx, days int) error {
	if days < InheritDays || days > MaxRememberDays {
		return fault.New(fault.Invalid, "tenant.remember_days")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET vendor_days = $1, version = version + 1
		WHERE tenant_id = $2`, days, tx.Tenant))
}
