package people

import (
	"strings"
	"time"

	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// requirement says of whom a company requires a second step, as policy.StatusOf decides.
type requirement struct {
	rule    policy.Rule
	leftOut []string // the roles that decide for themselves, where the rule is policy.Everyone
}

func requiredOf(t tenant.Tenant, i tenant.Installation, now time.Time) requirement {
	return requirement{policy.RuleOf(t, i, now), policy.LeftOut(t, i, now)}
}

// condition holds for a user u of whom a second step is required.
func (r requirement) condition() string {
	return r.where("u.role", "u.password_flagged_at > 0", "u.second_step_at > 0")
}

// columns is condition for a row of peopleWithMethods.
func (r requirement) columns() string { return r.where("role", "reported", "chosen") }

func (r requirement) where(role, reported, chosen string) string {
	switch {
	case r.rule == policy.Everyone && len(r.leftOut) == 0:
		return "TRUE"
	case r.rule == policy.Everyone:
		return "(" + role + " NOT IN ('" + strings.Join(r.leftOut, "', '") + "') OR " + reported + " OR " + chosen + ")"
	case r.rule == policy.OwnChoice:
		return "(" + reported + " OR " + chosen + ")"
	}
	return reported
}
