package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
)

// Stranded are people whom other allowed methods leave without one that they can use, by address.
type Stranded struct {
	MustSetUp []string // show what they have, and set up another method
	LockedOut []string // cannot sign in until an administrator helps them
}

// None reports whether there is no one.
func (s Stranded) None() bool { return len(s.MustSetUp)+len(s.LockedOut) == 0 }

// StrandedBy lists the people of the transaction's tenant who have a method that is allowed before and works, and none
// of what is allowed after: second factors, or the mailbox where that protects their account. Policy says of each
// whether they can still set one up, of what is in bindable. People whose account is disabled, or who have not accepted
// their invitation, are not among them.
func StrandedBy(
	ctx context.Context, tx *db.Tx, before, after policy.Allowed, bindable []authenticator.Kind,
) (out Stranded, err error) {
	had := strings.ReplaceAll(methodCondition(before), "%s", "$3")
	has := strings.ReplaceAll(methodCondition(after), "%s", "$4")
	rows, err := tx.Query(ctx, `
		SELECT `+facts.Columns+``+withRules+`
		JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = $2 AND u.disabled_at = 0 AND (`+had+`) AND NOT (`+has+`)
		ORDER BY u.email_key`, client.PortalID, tx.Tenant, factorWords(before), factorWords(after))
	found, err := db.Collect(rows, err, scanFacts)
	if err != nil {
		return out, fmt.Errorf("list stranded people: %w", err)
	}
	for _, f := range found {
		in := f.Input(tx.Now, bindable, nil, nil)
		in.Methods, in.Tenant.Methods = after.Vendor, after.Company
		// as where it is required of everyone, once no deadline helps them any more
		in.Tenant.SwitchedOnAt, in.Tenant.Choice, in.Tenant.SetUpBy = tx.Now, tenant.Required, time.Time{}
		in.Tenant.SetUpDays, in.NewcomerUntil, in.Tenant.Roles = 0, time.Time{}, ""
		in.Tenant.Steps = tenant.Steps{}
		if policy.StatusOf(in).Stuck {
			out.LockedOut = append(out.LockedOut, f.User.Email)
		} else {
			out.MustSetUp = append(out.MustSetUp, f.User.Email)
		}
	}
	return out, nil
}
