package tenant

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// ParseChoice reads who decides, as it is written in commands.
func ParseChoice(s string) (Choice, error) {
	switch s {
	case "required":
		return Required, nil
	case "optional":
		return Optional, nil
	case "adaptive":
		return Adaptive, nil
	}
	return "", fault.New(fault.Invalid, "tenant.unknown_choice")
}

// knownMethods are the words that Methods may have. Which they are, the package authenticator decides; a test of policy
// compares them.
const knownMethods = "passkey totp push sms email backup"

var (
	errUnknownMethod = fault.New(fault.Invalid, "tenant.unknown_method")
	errNoMethod      = fault.New(fault.Invalid, "tenant.no_method")
)

// Clean returns m in one order, each word once. It fails with Invalid for a word that is no second step, and where no
// one could sign in: backup codes stand in for another method. Empty stays empty, which allows every one.
func (m Methods) Clean() (Methods, error) {
	if m == "" {
		return "", nil
	}
	words := strings.Fields(string(m))
	for _, w := range words {
		if !slices.Contains(strings.Fields(knownMethods), w) {
			return "", errUnknownMethod
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) == 0 || len(words) == 1 && words[0] == "backup" {
		return "", errNoMethod
	}
	return Methods(strings.Join(words, " ")), nil
}

// SetMethods records which second steps the company allows, of those that the vendor allows. Invalid as Clean says.
func SetMethods(ctx context.Context, tx *db.Tx, m Methods) error {
	m, err := m.Clean()
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET methods = $1, version = version + 1
		WHERE tenant_id = $2`, string(m), tx.Tenant))
}

// SetChoice records who decides whether a second step is asked.
func SetChoice(ctx context.Context, tx *db.Tx, c Choice) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET choice = $1, version = version + 1
		WHERE tenant_id = $2`, string(c), tx.Tenant))
}

// MaxSetUp is how far ahead a deadline for set-up may lie.
const MaxSetUp = 90 * 24 * time.Hour

// SetDeadline records until when people without a method may do with a code by email; the
// zero time lets set-up come first at once. Invalid where it lies more than MaxSetUp ahead.
func SetDeadline(ctx context.Context, tx *db.Tx, by time.Time) error {
	if by.After(tx.Now.Add(MaxSetUp)) {
		return fault.New(fault.Invalid, "tenant.deadline_too_far")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET set_up_by = $1, version = version + 1
		WHERE tenant_id = $2`, by, tx.Tenant))
}
