package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// requirement says of whom a company requires a second step, as policy.StatusOf decides.
type requirement struct {
	rule    policy.Rule
	leftOut []string // the roles that decide for themselves, where the rule is policy.Everyone
	begun   int      // how many steps have begun to ask people, where the rule is policy.Everyone
}

func requiredOf(t tenant.Tenant, i tenant.Installation, now time.Time) requirement {
	return requirement{
		rule:    policy.RuleOf(t, i, now),
		leftOut: policy.LeftOut(t, i, now),
		begun:   policy.StepsBegun(t, i, now),
	}
}

// condition holds for a user u of whom a second step is required.
func (r requirement) condition() string {
	return r.where("u.role", "u.id", "u.password_flagged_at > 0", "u.second_step_at > 0")
}

// columns is condition for a row of peopleWithMethods.
func (r requirement) columns() string { return r.where("role", "person", "reported", "chosen") }

func (r requirement) where(role, id, reported, chosen string) string {
	switch r.rule {
	case policy.Everyone:
		if of := r.ofCompany(role, id); of != "" {
			return "(" + of + " OR " + reported + " OR " + chosen + ")"
		}
		return "TRUE"
	case policy.OwnChoice:
		return "(" + reported + " OR " + chosen + ")"
	}
	return reported
}

// ofCompany holds for people whom the company asks by now, whatever they choose; empty: for everyone.
func (r requirement) ofCompany(role, id string) string {
	var all []string
	if len(r.leftOut) > 0 {
		all = append(all, role+" NOT IN ('"+strings.Join(r.leftOut, "', '")+"')")
	}
	if r.begun < tenant.LastStep {
		all = append(all, policy.UpToStep(r.begun, role, id))
	}
	return strings.Join(all, " AND ")
}

// CountSteps counts the people of the transaction's tenant who are asked once each of the steps has begun, if it is
// required of some roles. Accounts that are disabled are not counted. Where there are more than ManyPeople, many is
// true and nothing is counted: someone waits for it.
func CountSteps(
	ctx context.Context, tx *db.Tx, roles tenant.Roles,
) (counts [tenant.LastStep]int, many bool, err error) {
	if many, err = morePeopleThan(ctx, tx, ManyPeople); err != nil || many {
		return counts, many, err
	}
	of := "TRUE"
	if left := leftOutBy(roles); len(left) > 0 {
		of = "u.role NOT IN ('" + strings.Join(left, "', '") + "')"
	}
	err = tx.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE `+policy.UpToStep(1, "u.role", "u.id")+`),
			count(*) FILTER (WHERE `+policy.UpToStep(2, "u.role", "u.id")+`), count(*)
		FROM users u WHERE u.tenant_id = $1 AND u.disabled_at = 0 AND `+of, tx.Tenant).
		Scan(&counts[0], &counts[1], &counts[2])
	if err != nil {
		return counts, false, fmt.Errorf("count people by step: %w", err)
	}
	return counts, false, nil
}

func leftOutBy(roles tenant.Roles) []string {
	return slices.DeleteFunc(tenant.OptionalRoles(), roles.Include)
}
