package main

// endings guard what stays ended when something was under way, and budgets that are nobody else's.
var endings = []Guard{
	{
		Name: "an ended session finishes no change of the account", File: "internal/profile/service.go",
		Old: "if err == nil && !open {", New: "if err == nil && !open && o.SessionID == \"\" {",
		Package: profiles, Tests: "TestATK080_",
	},
	{
		Name: "an ended session finishes no set-up", File: "internal/binding/service.go",
		Old: "if err == nil && !open {", New: "if err == nil && !open && id == \"\" {",
		Package: profiles, Tests: "TestATK080_",
	},
	{
		Name: "a session is held as the account was", File: "internal/session/own.go",
		Old: "AND u.security_version = sessions.security_version AND u.password_flagged_at = 0 AND u.disabled_at = 0 AND t.suspended_at = 0)`,", New: ")`,",
		Package: profiles, Tests: "TestATK080_",
	},
	{
		Name: "a sign-in binds nothing to an account that was changed meanwhile", File: "internal/signin/flow.go",
		Old: "same, err := user.LockIfUnchanged(ctx, tx, f.User)", New: "same, err := user.LockIfUnchanged != nil, error(nil)",
		Package: profiles, Tests: "AtOnce",
	},
	{
		Name: "a step-up of what is ended meanwhile is none", File: "internal/signin/next.go",
		Old: "if open, err := session.Retire(ctx, tx, f.SteppingUp); err != nil || !open {", New: "if err := session.Detach(ctx, tx, f.SteppingUp); err != nil {",
		Package: profiles, Tests: "TestATK080_AStepUp",
	},
	{
		Name: "what a session was stepped up to ends with it", File: "internal/session/session.go",
		Old: " UNION SELECT o.id FROM onward o)", New: ")",
		Package: profiles, Tests: "TestATK080_AListThatIsOld",
	},
	{
		Name: "alerts take nobody's codes", File: "internal/notify/notify.go",
		Old: "adminBudget  = \"alert.destination\"", New: "adminBudget  = \"send.destination\"",
		Package: "./internal/signin", Tests: "TestATK106_",
	},
	{
		Name: "pushes that hang take no workers of mails", File: "internal/jobs/store.go",
		Old: "{\" AND kind NOT IN (\", l.leaves}", New: "{\" AND kind NOT IN (\", l.leaves[:0]}",
		Package: "./internal/jobs", Tests: "TestATK170_",
	},
	{
		Name: "pushes of one company take not all workers of pushes", File: "internal/jobs/runner.go",
		Old: "if r.EachTenant == 0 {", New: "if r.EachTenant >= 0 {",
		Package: "./internal/jobs", Tests: "TestATK170_",
	},
	{
		Name: "a memory whose time is over stays over", File: "internal/signin/password.go",
		Old: "for _, id := range r.Over {", New: "for _, id := range r.Over[:0] {",
		Package: "./internal/signin", Tests: "TestREL14_",
	},
	{
		Name: "a session begins so many step-ups", File: "internal/signin/session_check.go",
		Old: "if err == nil && wait > 0 {\n\t\t\terr = errSlowDown.After(wait)", New: "if err == nil && wait > 1<<62 {\n\t\t\terr = errSlowDown.After(wait)",
		Package: "./internal/signin", Tests: "TestATK170_",
	},
	{
		Name: "a session does so much", File: "internal/profile/service.go",
		Old: "limitSelfService, o.SessionID); err != nil || wait > 0 {", New: "limitSelfService, o.SessionID); err != nil || wait > 1<<62 {",
		Package: profiles, Tests: "TestATK170_",
	},
	{
		Name: "an address is verified by a mail alone", File: "internal/oidc/userinfo.go",
		Old: "st.Session.RememberedID != \"\" && onlyMail(st)", New: "st.Session.RememberedID != \"\" && (true || onlyMail(st))",
		Package: "./internal/oidc", Tests: "TestSEC006_",
	},
	{
		Name: "a sign-out leads to no address that was withdrawn", File: "internal/oidc/logout.go",
		Old: "l.To != \"\" && !still {", New: "l.To != \"\" && !still && l.To == l.State {",
		Package: "./internal/oidc", Tests: "TestATK147_",
	},
	{
		Name: "so many report bounces at once", File: "internal/message/email/bounces.go",
		Old: "netutil.LimitListener(brief{l}, atOnce)", New: "netutil.LimitListener(brief{l}, atOnce*2)",
		Package: "./internal/message/email", Tests: "TestATK170_",
	},
	{
		Name: "a session that an app saw to be over stays over", File: "internal/signin/session_check.go",
		Old: "if sess.EndedAt.IsZero() && (!sess.ValidForTokens(tx.Now) ||", New: "if sess.EndedAt.IsZero() && (by.browser && !sess.ValidForTokens(tx.Now) ||",
		Package: "./internal/signin", Tests: "TestREL14_",
	},
	{
		Name: "and where its browser was idle before", File: "internal/session/session.go",
		Old: "AND (idle_micros >= 0 OR expires_at <= $1)`", New: "AND idle_micros >= 0 AND $1 > 0`",
		Package: "./internal/signin", Tests: "TestREL14_",
	},
}
