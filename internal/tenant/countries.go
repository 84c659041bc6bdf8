package tenant

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/db"
)

// Countries are those whose phone numbers a company takes, as ISO 3166-1 codes apart by
// spaces; empty takes every one that the installation takes.
type Countries string

// MakeCountries puts codes in order, each once.
func MakeCountries(codes []string) Countries {
	return Countries(strings.Join(slices.Compact(slices.Sorted(slices.Values(codes))), " "))
}

// Within narrows the installation's list. It never adds to it, whatever was stored.
func (c Countries) Within(installation []string) []string {
	if c == "" {
		return installation
	}
	own := strings.Fields(string(c))
	return slices.DeleteFunc(slices.Clone(installation), func(code string) bool { return !slices.Contains(own, code) })
}

// SetCountries records whose numbers the company takes, at set-up and for each text message
// from now on.
func SetCountries(ctx context.Context, tx *db.Tx, c Countries) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET sms_countries = $1, version = version + 1
		WHERE tenant_id = $2`, string(c), tx.Tenant))
}

// CountriesOf reads whose numbers tx.Tenant takes.
func CountriesOf(ctx context.Context, tx *db.Tx) (c Countries, err error) {
	err = tx.QueryRow(ctx, `SELECT sms_countries FROM tenants WHERE tenant_id = $1`, tx.Tenant).Scan(&c)
	if db.IsNoRows(err) {
		err = errUnknown
	}
	return c, err
}
