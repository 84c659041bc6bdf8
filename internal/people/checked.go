package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Finding is what came of one check: how many people are in it, and the first of them by name.
type Finding struct {
	View  SavedView
	Count int
	First []user.User
}

// Stops reports whether the rules stop these people at sign-in.
func (f Finding) Stops() bool { return slices.Contains(Stopping, f.View) }

// firstOfCheck is how many people of a check are named.
const firstOfCheck = 20

// Checked is what came of the checks: those that found someone, and how many people there are.
type Checked struct {
	Findings []Finding
	People   int
}

// CheckForReport is CheckEveryone for someone who looks at the report.
func CheckForReport(
	ctx context.Context, tx *db.Tx, counter *Counter, a access.Actor, t tenant.Tenant, i tenant.Installation, c *Coming,
	bindable []authenticator.Kind,
) (Checked, AsOf, error) {
	r := coming(t, i, tx.Now, c, bindable)
	question := fmt.Sprintf("checks %q %q %v", r.allowed, r.asked, t.Shadow)
	return Counted(ctx, tx, counter, a, question, func(ctx context.Context, tx *db.Tx) (out Checked, err error) {
		out.Findings, out.People, err = CheckEveryone(ctx, tx, t, i, c, bindable)
		return out, err
	})
}

// CheckEveryone runs every check on the people of the transaction's tenant, t, and returns those that found someone,
// and how many people there are. Where the company tries rules on sign-ins, what came of it is among them. c are rules
// that the company considers; nil: those that it has. bindable is what people can set up. All are counted with one pass
// over the company: one by one, a hundred thousand people would take seconds.
func CheckEveryone(
	ctx context.Context, tx *db.Tx, t tenant.Tenant, i tenant.Installation, c *Coming, bindable []authenticator.Kind,
) (out []Finding, people int, err error) {
	rules, views := coming(t, i, tx.Now, c, bindable), Checks
	if !t.Shadow.Until.IsZero() {
		views = slices.Concat(Checks, Trials)
	}
	counts, err := rules.count(ctx, tx, views, &people)
	if err != nil {
		return nil, 0, fmt.Errorf("count people: %w", err)
	}
	for n, view := range views {
		if counts[n] == 0 {
			continue
		}
		first, err := rules.first(ctx, tx, view)
		if err != nil {
			return nil, 0, fmt.Errorf("list people: %w", err)
		}
		out = append(out, Finding{View: view, Count: counts[n], First: first})
	}
	return out, people, nil
}

// peopleWithPassword begins a statement about the people of a company whose accounts are open, each with their
// password, if any. $1 is the instant, $2 the company.
const peopleWithPassword = `
	FROM users u
	LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
	WHERE u.tenant_id = $2 AND u.disabled_at = 0 AND u.disabled_at < $1`

// count counts the people of each check.
func (r comingRules) count(ctx context.Context, tx *db.Tx, views []SavedView, everyone *int) ([]int, error) {
	counts := make([]int, len(views))
	into := []any{everyone}
	var columns strings.Builder
	for n, view := range views {
		columns.WriteString(", count(*) FILTER (WHERE " + at1(r.condition(view)) + ")")
		into = append(into, &counts[n])
	}
	err := tx.QueryRow(ctx, `SELECT count(*)`+columns.String()+peopleWithPassword, tx.Now, tx.Tenant).Scan(into...)
	return counts, err
}

// first are the first people of a check by name.
func (r comingRules) first(ctx context.Context, tx *db.Tx, view SavedView) ([]user.User, error) {
	rows, err := tx.Query(ctx, `SELECT u.id, u.name, u.email, u.role`+peopleWithPassword+
		" AND ("+at1(r.condition(view))+`) ORDER BY u.name, u.id LIMIT $3`, tx.Now, tx.Tenant, firstOfCheck)
	return db.Collect(rows, err, func(row db.Row) (user.User, error) {
		u := user.User{TenantID: tx.Tenant}
		err := row.Scan(&u.ID, &u.Name, &u.Email, &u.Role)
		return u, err
	})
}

// at1 is a condition with the instant as the first argument.
func at1(condition string) string { return strings.ReplaceAll(condition, "%s", "$1") }
