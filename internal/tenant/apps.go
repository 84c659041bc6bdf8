package tenant

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Apps are apps that the vendor exempts from two-factor authentication and in which a company requires it anyway, as
// ids apart by spaces. An app that the vendor does not exempt asks in any case, whether it is among them or not.
type Apps string

// maxApps bounds a list: every sign-in reads it.
const maxApps = 50

var errTooManyApps = fault.New(fault.Invalid, "tenant.too_many_apps")

// MakeApps puts ids in order, each once.
func MakeApps(ids []string) Apps {
	return Apps(strings.Join(slices.Compact(slices.Sorted(slices.Values(ids))), " "))
}

// IDs are the ids, in order.
func (a Apps) IDs() []string { return strings.Fields(string(a)) }

// Include reports whether an app is among them.
func (a Apps) Include(id string) bool { return id != "" && slices.Contains(a.IDs(), id) }

// Without are the ids that other does not have.
func (a Apps) Without(other Apps) []string {
	return slices.DeleteFunc(a.IDs(), other.Include)
}

// SetApps records in which exempt apps a company requires two-factor authentication. It fails with Invalid if they are
// too many.
func SetApps(ctx context.Context, tx *db.Tx, a Apps) error {
	if len(a.IDs()) > maxApps {
		return errTooManyApps
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET covered_apps = $1, version = version + 1
		WHERE tenant_id = $2`, string(a), tx.Tenant))
}
