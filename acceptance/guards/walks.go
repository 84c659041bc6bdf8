package main

const walked = "./acceptance/walk"

// walks are guards that a random walk notices, which knows none of them.
var walks = []Guard{
	{
		Name:    "walk: a right password alone is no session",
		File:    "internal/signin/next.go",
		Old:     "return s.challenge(ctx, tx, f, d, nil)",
		New:     "return s.complete(ctx, tx, f, d, remember)",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: policy is asked at every use of a session",
		File:    "internal/gate/check.go",
		Old:     "st.Enough = st.Decision.Outcome == policy.Allow && w.User",
		New:     "st.Enough = w.User",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: a session's token is compared",
		File:    "internal/gate/read.go",
		Old:     "`s.id = $3 AND s.token_hash = $4`",
		New:     "`s.id = $3 AND (s.token_hash = $4 OR s.token_hash <> $4)`",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: a memory is of one app",
		File:    "internal/session/remembered.go",
		Old:     "AND user_id = $4 AND client_id = $5 AND security_version = $6",
		New:     "AND user_id = $4 AND $5 <> '' AND security_version = $6",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: signing out ends the session",
		File:    "internal/session/session.go",
		Old:     "FROM onward o) AND (ended_at = 0 OR ended_because = $5)`",
		New:     "FROM onward o) AND (ended_at < 0 AND ended_because = $5)`",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: changes reach a session",
		File:    "internal/gate/read.go",
		Old:     "if !alive || sess.SecurityVersion != w.User.SecurityVersion || !w.User.DisabledAt.IsZero() ||\n\t\t!w.Tenant.SuspendedAt.IsZero() {",
		New:     "if !alive {",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: an older refresh token is refused",
		File:    "internal/grant/refresh.go",
		Old:     "WHERE tenant_id = $2 AND id = $3 AND secret_hash = $4 AND client_id = $5 AND ended_at = 0 AND expires_at > $6",
		New:     "WHERE tenant_id = $2 AND id = $3 AND (secret_hash = $4 OR generation > 0) AND client_id = $5 AND ended_at = 0 AND expires_at > $6",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: a change of methods asks for a new proof",
		File:    "internal/gate/check.go",
		Old:     "if !st.Enough || !ask.Recent {",
		New:     "if !st.Enough || !ask.Recent || g != nil {",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: a mailbox is not enough beside a device",
		File:    "internal/policy/policy.go",
		Old:     "case in.Protection() == TwoFactor:",
		New:     "case in.Protection() == TwoFactor && !in.allows(authenticator.Email):",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
	{
		Name:    "walk: a step-up is no second step",
		File:    "internal/signin/step_up.go",
		Old:     "ref := s.begin(tx, f, st.Session.Proofs()...)",
		New:     "ref := s.begin(tx, f, append(st.Session.Proofs(), authenticator.Proof{Kind: authenticator.Email, At: st.Session.AuthenticatedAt})...)",
		Package: walked,
		Tests:   "TestRandomWalk",
	},
}
