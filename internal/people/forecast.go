package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Forecast is how many people a requirement of two-factor authentication meets, and how. Accounts that are disabled
// are not counted.
type Forecast struct {
	People    int // everyone below
	Ready     int // have a method that is allowed
	MustSetUp int // set one up at the next sign-in
	LockedOut int // cannot sign in until an administrator resets their methods
	Invited   int // have not accepted their invitation
	LeftOut   int // are of a role that decides for itself, and have not switched their own second step on
}

// Forecast is ForecastFor for someone who looks at the numbers. Everyone is counted at any rate.
func (s *Service) Forecast(
	ctx context.Context, tx *db.Tx, a access.Actor, allowed policy.Allowed, leftOut []string,
) (f Forecast, at AsOf, err error) {
	question := fmt.Sprintf("forecast %q %q", allowed, leftOut)
	f, at, err = Counted(ctx, tx, s.Counter, a, question, func(ctx context.Context, tx *db.Tx) (Forecast, error) {
		return ForecastFor(ctx, tx, allowed, leftOut, s.Bindable)
	})
	if err == nil && at.Counting() {
		f.People, err = user.CountOpen(ctx, tx)
	}
	return f, at, err
}

// ForecastFor counts the people of the transaction's tenant by what happens to them once a second step is required of
// everyone but the roles that are left out, with what allowed allows, and people can set up what is in bindable. It
// reads the methods of the whole company at once: one by one they would take seconds where there are a hundred thousand
// people.
func ForecastFor(
	ctx context.Context, tx *db.Tx, allowed policy.Allowed, leftOut []string, bindable []authenticator.Kind,
) (f Forecast, err error) {
	method, asked := columnsCondition(allowed), requirement{policy.Everyone, leftOut, tenant.LastStep}.columns()
	// Backup codes stand in for an allowed method. A working factor that is ruled out still opens the set-up of
	// another, and so does the mailbox of an account that has no factor.
	// After a report that someone else knows the password, the mailbox is asked whatever is allowed.
	opens := "(reported AND protected_by_mailbox AND has_mailbox"
	if allowed.Allows(authenticator.Backup) {
		opens += " OR has_codes"
	}
	if allowed.Factor(bindable) {
		opens += " OR has_factor OR protected_by_mailbox AND has_mailbox"
	}
	opens += ")"
	err = tx.QueryRow(ctx, `
		SELECT count(*),
			count(*) FILTER (WHERE `+asked+` AND accepted AND `+method+`),
			count(*) FILTER (WHERE `+asked+` AND accepted AND NOT `+method+` AND `+opens+`),
			count(*) FILTER (WHERE `+asked+` AND accepted AND NOT `+method+` AND NOT `+opens+`),
			count(*) FILTER (WHERE `+asked+` AND NOT accepted),
			count(*) FILTER (WHERE NOT `+asked+`)
		FROM (`+peopleWithMethods+`) everyone`, tx.Tenant, factorWords(allowed)).
		Scan(&f.People, &f.Ready, &f.MustSetUp, &f.LockedOut, &f.Invited, &f.LeftOut)
	if err != nil {
		return f, fmt.Errorf("count people: %w", err)
	}
	return f, nil
}

// peopleWithMethods are the people of tenant $1 whose account is not disabled, with what of their methods counts; $2 is
// factorWords. It is one pass over everything, gathered by person, and no join: PostgreSQL has no idea how many people
// were imported a minute ago, and would go through everyone's methods once for each of them.
const peopleWithMethods = `
	SELECT person, MAX(accepted) > 0 AS accepted, MAX(role) AS role, MAX(reported) > 0 AS reported,
		MAX(chosen) > 0 AS chosen,
		MAX(usable) > 0 AS may_use, MAX(factor) > 0 AS has_factor, MAX(mailbox) > 0 AS has_mailbox,
		MAX(codes) > 0 AS has_codes, MAX(any_factor) = 0 AND MAX(unfactored) > 0 AS protected_by_mailbox
	FROM (
		SELECT u.id AS person, 1 AS present, 0 AS accepted, u.role AS role,
			CASE WHEN u.password_flagged_at > 0 THEN 1 ELSE 0 END AS reported,
			CASE WHEN u.second_step_at > 0 THEN 1 ELSE 0 END AS chosen,
			CASE WHEN u.first_factor_at = 0 OR u.released_at > 0 THEN 1 ELSE 0 END AS unfactored,
			0 AS usable, 0 AS factor, 0 AS any_factor, 0 AS mailbox, 0 AS codes
		FROM users u WHERE u.tenant_id = $1 AND u.disabled_at = 0
		UNION ALL
		SELECT p.user_id, 0, 1, '', 0, 0, 0, 0, 0, 0, 0, 0 FROM passwords p WHERE p.tenant_id = $1
		UNION ALL
		SELECT a.user_id, 0, 0, '', 0, 0, 0,
			CASE WHEN a.disabled_at = 0 AND $2 LIKE '% ' || a.kind || ' %' THEN 1 ELSE 0 END,
			CASE WHEN a.disabled_at = 0 AND a.kind IN ` + user.FactorKinds + ` THEN 1 ELSE 0 END,
			CASE WHEN a.kind IN ` + user.FactorKinds + ` THEN 1 ELSE 0 END,
			CASE WHEN a.disabled_at = 0 AND a.kind = 'email' THEN 1 ELSE 0 END,
			CASE WHEN a.disabled_at = 0 AND a.kind = 'backup' THEN 1 ELSE 0 END
		FROM authenticators a WHERE a.tenant_id = $1
	) gathered
	GROUP BY person HAVING MAX(present) = 1`

// columnsCondition holds for a row of peopleWithMethods who has a method that is allowed and works.
func columnsCondition(allowed policy.Allowed) string {
	if allowed.Allows(authenticator.Email) {
		return "(may_use OR protected_by_mailbox AND has_mailbox)"
	}
	return "may_use"
}

// methodCondition holds for a user u who has a method that is allowed and works; each %s in it is factorWords.
func methodCondition(allowed policy.Allowed) string {
	method := user.HasWorking + kindAllowed + ")"
	if allowed.Allows(authenticator.Email) {
		method += " OR " + user.MailboxProtects + " AND " + user.HasWorking + "a.kind = 'email')"
	}
	return method
}
