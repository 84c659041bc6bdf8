package main

// resets guard links for a password.
var resets = []Guard{
	{
		Name: "a password link is bound to the account as it was", File: "internal/user/protection.go",
		Old: "AND id = $3 AND security_version = $4 AND email = $5 AND disabled_at = 0`,",
		New: "AND id = $3 AND $4 > 0 AND $5 <> ''`,",
		And: []Edit{
			{"internal/signin/setpassword.go", "!same, !o.User.DisabledAt.IsZero(),", "!same && now.IsZero(),"},
			{"internal/signin/setpassword.go", "closePasswordLinks(ctx, tx, o.User.ID, string(LinkReplaced))", "error(nil)"},
		},
		Package: acceptance, Tests: "TestSEC052",
	},
	{
		Name: "a password link dies in time", File: "internal/signin/setpassword.go",
		Old: "case !closed.IsZero(), !now.Before(expires), !same,", New: "case !closed.IsZero(), !same,",
		And:     []Edit{{"internal/signin/setpassword.go", "AND closed_at = 0 AND expires_at > $1`,", "AND closed_at = 0 AND $1 > 0`,"}},
		Package: acceptance, Tests: "TestSEC052_WhatMakesALinkVoid|TestALO16",
	},
	{
		Name: "a password link ends sessions", File: "internal/user/protection.go",
		Old: "password_reset_at = $1, security_version = security_version + 1", New: "password_reset_at = $1, security_version = security_version",
		And: []Edit{{"internal/signin/setpassword.go",
			"session.EndOthers(ctx, tx, o.User.ID, \"\", session.PasswordChanged)", "error(nil)"}},
		Package: acceptance, Tests: "TestSEC043",
	},
	{
		Name: "a forgotten password goes to who is there only", File: "internal/signin/passwordlink.go",
		Old: "if !u.DisabledAt.IsZero() || !t.SuspendedAt.IsZero() {", New: "if !t.SuspendedAt.IsZero() {",
		Package: acceptance, Tests: "TestSEC086_Forgot",
	},
	{
		Name: "a mailbox gets two links in half an hour", File: "internal/signin/passwordlink.go",
		Old: "if err != nil || wait > 0 { // the links", New: "if err != nil { // the links",
		Package: acceptance, Tests: "TestSEC086_Forgot",
	},
	{
		Name: "a reset and a code by email are one proof", File: "internal/policy/protection.go",
		Old: "case !a.SetUpFrom(now).IsZero():", New: "case a.ResetAt.After(now):",
		Package: "./internal/policy", Tests: "TestProtectionHoldsOverTheWholeModel",
	},
	{
		Name: "nothing is set up in a session after a reset", File: "internal/account/enroll.go",
		Old: "if from := st.SetUpFrom(a.DB.Now()); !from.IsZero() {", New: "if from := st.SetUpFrom(a.DB.Now()); from.Unix() == 0 {",
		Package: acceptance, Tests: "TestATK042",
	},
	{
		Name: "a new invitation ends the earlier one", File: "internal/signin/passwordlink.go",
		Old: "if err := closePasswordLinks(ctx, tx, u.ID, string(LinkReplaced)); err != nil {", New: "if err := error(nil); err != nil {",
		Package: acceptance, Tests: "TestALO16_AnInvitation",
	},
}
