package tenant

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Roles are the roles of which a company requires two-factor authentication, separated by spaces; empty means everyone.
// Owners and admins are always among them.
type Roles string

// The roles that a list may name. Which roles there are, the package user decides; a test of policy compares them. A
// list can leave out optionalRoles only.
var (
	alwaysRequired = []string{"owner", "admin"}
	optionalRoles  = []string{"supervisor", "agent"}
)

// Shortest is the list that leaves out every role that can be left out.
const Shortest Roles = "owner admin"

// OptionalRoles are the roles that a company may leave out, from the highest.
func OptionalRoles() []string { return slices.Clone(optionalRoles) }

var (
	errUnknownRole = fault.New(fault.Invalid, "tenant.unknown_required_role")
	errOwnersAsked = fault.New(fault.Invalid, "tenant.roles_without_admins")
)

// ParseRoles reads a list as it is written in commands: roles with commas or spaces between them, or "all".
func ParseRoles(s string) (Roles, error) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Equal(words, []string{"all"}) {
		return "", nil
	}
	if len(words) == 0 {
		return "", errOwnersAsked
	}
	return Roles(strings.Join(words, " ")).Clean()
}

// RequiredRoles is the list with the roles that are always required and the chosen ones.
func RequiredRoles(chosen []string) (Roles, error) {
	return Roles(strings.Join(append(slices.Clone(alwaysRequired), chosen...), " ")).Clean()
}

// Clean returns r in one order, each word once; a list of every role is empty. It fails with Invalid for a word that is
// no role of a company, and for a list without owners or admins.
func (r Roles) Clean() (Roles, error) {
	if r == "" {
		return "", nil
	}
	words := strings.Fields(string(r))
	all := slices.Concat(alwaysRequired, optionalRoles)
	for _, w := range words {
		if !slices.Contains(all, w) {
			return "", errUnknownRole
		}
	}
	for _, role := range alwaysRequired {
		if !slices.Contains(words, role) {
			return "", errOwnersAsked
		}
	}
	all = slices.DeleteFunc(all, func(role string) bool { return !slices.Contains(words, role) })
	if len(all) == len(alwaysRequired)+len(optionalRoles) {
		return "", nil
	}
	return Roles(strings.Join(all, " ")), nil
}

// Include reports whether two-factor authentication is required of a role. A role that this version does not know is
// included, and a list that it does not understand includes everyone.
func (r Roles) Include(role string) bool {
	clean, err := r.Clean()
	if err != nil || clean == "" || !slices.Contains(optionalRoles, role) {
		return true
	}
	return slices.Contains(strings.Fields(string(clean)), role)
}

// SetRoles records of which roles two-factor authentication is required. Invalid as Clean says.
func SetRoles(ctx context.Context, tx *db.Tx, r Roles) error {
	r, err := r.Clean()
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET roles = $1, version = version + 1
		WHERE tenant_id = $2`, string(r), tx.Tenant))
}
