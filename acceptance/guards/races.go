package main

import "slices"

const histories = "./acceptance/histories"

// races are the guards that only show when much happens.
var races = slices.Concat(atOnce, walks)

// atOnce are those that only show when two do the same at once: their histories have no
// order that explains them.
var atOnce = []Guard{
	{
		Name: "race: a code is spent once",
		File: "internal/challenge/challenge.go",
		Old:  "WHERE tenant_id = $3 AND id = $4 AND closed_at = 0 AND expires_at > $1`",
		New:  "WHERE tenant_id = $3 AND id = $4 AND expires_at > $1`",
		And: []Edit{
			{"internal/signin/flow.go", "proofs = $3\n\t\tWHERE tenant_id = $4 AND id = $5 AND closed_at = 0`,",
				"proofs = $3 WHERE tenant_id = $4 AND id = $5`,"},
			{"internal/signin/flow.go", "case !f.ClosedAt.IsZero():", "case f.ID == \"\":"},
		},
		Package: histories,
		Tests:   "SpentOnce",
	},
	{
		Name:    "race: a try is written before it is judged",
		File:    "internal/signin/answer.go",
		Old:     "if err := budget.Write(ctx, tx); err != nil {\n\t\treturn nil, err\n\t}\n\ta.reserved = true",
		New:     "a.reserved = true",
		Package: histories,
		Tests:   "NoMoreThanFive|BudgetIsOne",
	},
	{
		Name:    "race: a budget is written only over what was read",
		File:    "internal/ratelimit/tables.go",
		Old:     "touched_at = excluded.touched_at WHERE budgets.stamps = excluded.expected`}",
		New:     "touched_at = excluded.touched_at`}",
		Package: histories,
		Tests:   "NoMoreThanFive|BudgetIsOne",
	},
	{
		Name:    "race: the account's budget",
		File:    "internal/signin/answer.go",
		Old:     "if wait := budget.Spend(tx); wait > 0 {",
		New:     "if wait := budget.Spend(tx); wait > 1<<62 {",
		Package: histories,
		Tests:   "BudgetIsOne",
	},
	{
		Name:    "race: one winner of each generation",
		File:    "internal/grant/refresh.go",
		Old:     "WHERE tenant_id = $2 AND id = $3 AND secret_hash = $4 AND client_id = $5 AND ended_at = 0 AND expires_at > $6",
		New:     "WHERE tenant_id = $2 AND id = $3 AND (secret_hash = $4 OR generation > 0) AND client_id = $5 AND ended_at = 0 AND expires_at > $6",
		Package: histories,
		Tests:   "CodesAndRefresh",
	},
	{
		Name:    "race: an older refresh token ends its family",
		File:    "internal/grant/refresh.go",
		Old:     "AND ended_at = 0 AND (secret_hash <> $4 OR client_id <> $5) RETURNING user_id`",
		New:     "AND ended_at = 0 AND secret_hash = $4 AND client_id = $5 RETURNING user_id`",
		Package: histories,
		Tests:   "CodesAndRefresh",
	},
	{
		Name:    "race: an authorization code is redeemed once",
		File:    "internal/grant/redeem.go",
		Old:     "AND secret_hash = $4 AND redeemed_at = 0\n",
		New:     "AND secret_hash = $4\n",
		Package: histories,
		Tests:   "CodesAndRefresh",
	},
	{ // that a token is replaced once is held by the account's budget as well, which two sign-ins take in turn
		Name:    "race: an older memory token ends the line",
		File:    "internal/signin/begin.go",
		Old:     "first, err := session.Forget(ctx, tx, r.Stale, session.TokenReplay)",
		New:     "first, err := session.Forget(ctx, tx, \"nothing\", session.TokenReplay)",
		Package: histories,
		Tests:   "ARememberedBrowser",
	},
	{
		Name:    "race: signing out ends the session",
		File:    "internal/session/session.go",
		Old:     "FROM onward o) AND (ended_at = 0 OR ended_because = $5)`",
		New:     "FROM onward o) AND (ended_at < 0 AND ended_because = $5)`",
		Package: histories,
		Tests:   "AfterARevocation",
	},
	{
		Name:    "race: changes reach a session",
		File:    "internal/gate/read.go",
		Old:     "if !alive || sess.SecurityVersion != w.User.SecurityVersion || !w.User.DisabledAt.IsZero() ||\n\t\t!w.Tenant.SuspendedAt.IsZero() {",
		New:     "if !alive {",
		Package: histories,
		Tests:   "AfterARevocation",
	},
}
