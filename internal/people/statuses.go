package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// StatusCounts is how many people of a company have each status. Accounts that are disabled are not counted.
type StatusCounts struct{ People, Pending, Activated, Disabled int }

// Statuses is CountStatuses for someone who looks at the numbers.
func (s *Service) Statuses(
	ctx context.Context, tx *db.Tx, a access.Actor, t tenant.Tenant, i tenant.Installation,
) (StatusCounts, AsOf, error) {
	question := fmt.Sprint("statuses ", requiredOf(t, i, tx.Now), policy.AllowedIn(t, i))
	return Counted(ctx, tx, s.Counter, a, question, func(ctx context.Context, tx *db.Tx) (StatusCounts, error) {
		return CountStatuses(ctx, tx, t, i)
	})
}

// CountStatuses counts the people of the transaction's tenant by what policy.StatusOf says of each;
// TestCountsAreThoseOfTheList compares them. Like ForecastFor it reads the methods of the whole company at once.
func CountStatuses(
	ctx context.Context, tx *db.Tx, t tenant.Tenant, i tenant.Installation,
) (c StatusCounts, err error) {
	must := requiredOf(t, i, tx.Now).columns()
	allowed := policy.AllowedIn(t, i)
	method := columnsCondition(allowed)
	err = tx.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE `+must+` AND NOT `+method+`),
			count(*) FILTER (WHERE `+must+` AND `+method+`), count(*) FILTER (WHERE NOT `+must+`)
		FROM (`+peopleWithMethods+`) everyone`, tx.Tenant, factorWords(allowed)).
		Scan(&c.People, &c.Pending, &c.Activated, &c.Disabled)
	if err != nil {
		return c, fmt.Errorf("count people by status: %w", err)
	}
	return c, nil
}
