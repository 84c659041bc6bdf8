package main

import "slices"

// methods are the guards of everything that people sign in with beside a password: how it is
// set up, used, taken away and taken back.
var methods = slices.Concat(setUps, uses, losses)

var setUps = []Guard{
	{
		Name: "methods: a password alone opens no set-up", File: "internal/policy/policy.go",
		Old: "case Reached(in.Proofs).AtLeast(level):", New: "case len(in.Proofs) > 0 && level != None:",
		Package: acceptance, Tests: "TestATK049|TestATK050",
	},
	{
		Name: "methods: a mailbox opens no set-up where there is more", File: "internal/policy/protection.go",
		Old: "case a.holdsFactor():\n", New: "case a.holdsFactor() && now.IsZero():\n",
		Package: acceptance, Tests: "TestATK049_AnAppsWish",
	},
	{
		Name: "methods: a choice does not loosen a mandate", File: "internal/policy/policy.go",
		Old: "in.Tenant.Choice == tenant.Optional && !in.mandated()", New: "in.Tenant.Choice == tenant.Optional",
		Package: "./internal/policy", Tests: "TestEvaluate",
	},
	{
		Name: "methods: what is switched off stands before the mailbox", File: "internal/policy/protection.go",
		Old: " || slices.ContainsFunc(a.Lost, Factor)", New: "",
		Package: acceptance, Tests: "TestATK005_AMethodThat",
	},
	{
		Name: "methods: an old session opens no set-up", File: "internal/signin/next.go",
		Old: "\tin.SetUpAfter = f.StartedAt.Add(-freshFor)\n", New: "",
		Package: acceptance, Tests: "TestATK049_An",
	},
	{
		Name: "methods: a change asks for a new proof", File: "internal/account/profile.go",
		Old: "if st.Enough && fresh {", New: "if st.Enough && fresh && a.Keys == nil {",
		Package: acceptance, Tests: "TestATK055_",
	},
	{
		Name: "methods: the own switch asks for a new proof", File: "internal/account/profile.go",
		Old: "m, err := a.signedIn(w, r, true)\n\tif err != nil || m == nil {\n\t\treturn err\n\t}\n\tst := m.standing", New: "m, err := a.signedIn(w, r, false)\n\tif err != nil || m == nil {\n\t\treturn err\n\t}\n\tst := m.standing",
		Package: acceptance, Tests: "TestATK085_|TestPAR1_",
	},
	{
		Name: "methods: a secret is not shown once it is bound", File: "internal/binding/service.go",
		Old: "AND kind = $4 AND closed_at = 0 AND ends_at > $5", New: "AND kind = $4 AND ends_at > $5",
		And:     []Edit{{"internal/binding/confirm.go", "closed_because = 'bound', sealed = NULL WHERE", "closed_because = 'bound' WHERE"}},
		Package: acceptance, Tests: "TestATK099_",
	},
	{
		Name: "methods: no other site sets anything up", File: "internal/web/form.go",
		Old: "ours := len(origin) == 1 && origin[0] == w.origin", New: "ours := true; if ours { return true }",
		Package: acceptance, Tests: "TestATK084_",
	},
}

var uses = []Guard{
	{
		Name: "methods: a step of an app is spent once", File: "internal/authenticator/totp/totp.go",
		Old: "AND authenticator_id = $4 AND last_step < $1`\n", New: "AND authenticator_id = $4`\n",
		And:     []Edit{{"internal/authenticator/totp/steps.go", "case step <= r.last:", "case step < 0:"}},
		Package: acceptance, Tests: "TestATK018_Every|TestATK019_TestATK033",
	},
	{
		Name: "methods: a backup code is spent once", File: "internal/authenticator/lookup/lookup.go",
		Old: "AND number = $4 AND used_at = 0\n", New: "AND number = $4\n",
		Package: acceptance, Tests: "TestATK018_Every|TestATK019_TestATK033",
	},
	{
		Name: "methods: an app is its owner's", File: "internal/authenticator/totp/totp.go",
		Old: "WHERE s.tenant_id = $1 AND s.user_id = $2 AND a.user_id = $2 AND a.disabled_at = 0", New: "WHERE s.tenant_id = $1 AND $2 <> '' AND a.disabled_at = 0",
		Package: acceptance, Tests: "TestATK022_TestATK025",
	},
	{
		Name: "methods: a backup code is its owner's", File: "internal/authenticator/lookup/lookup.go",
		Old: "WHERE c.tenant_id = $1 AND a.user_id = $2 AND c.number = $3 AND a.disabled_at = 0 ORDER BY a.id DESC LIMIT 1", New: "WHERE c.tenant_id = $1 AND $2 <> '' AND c.number = $3 AND a.disabled_at = 0 ORDER BY a.id DESC LIMIT 1",
		And:     []Edit{{"internal/authenticator/lookup/lookup.go", "AND a.id = $3 AND a.user_id = $5 AND a.disabled_at = 0)", "AND a.id = $3 AND $5 <> '' AND a.disabled_at = 0)"}},
		Package: acceptance, Tests: "TestATK022_TestATK025",
	},
	{
		Name: "methods: what is ruled out counts no more", File: "internal/policy/policy.go",
		Old: "if d.Level.AtLeast(d.Need) && (!d.Need.AtLeast(EmailConfirmed) || Reached(in.counted()).AtLeast(d.Need)) {", New: "if d.Level.AtLeast(d.Need) {",
		Package: acceptance, Tests: "TestATK051_AMethod",
	},
	{
		Name: "methods: turning back and forth is limited", File: "internal/signin/method_choice.go",
		Old: "wait, err := ratelimit.SpendIn(ctx, tx, limitMethodChoices, f.ID)", New: "wait, err := time.Duration(0), error(nil)",
		Package: acceptance, Tests: "TestATK170_Turning",
	},
	{
		Name: "methods: what is asked for already is drawn again", File: "internal/signin/method_choice.go",
		Old: "if to.ID == f.Challenge.AuthenticatorID && f.Challenge.Open(tx.Now) {", New: "if to.ID == \"\" {",
		Package: acceptance, Tests: "TestATK170_Turning",
	},
	{
		Name: "methods: a mailbox does not stand in for a second factor", File: "internal/policy/policy.go",
		Old:     "case in.Protection() == TwoFactor:",
		New:     "case in.Protection() == TwoFactor && !in.allows(authenticator.Email):",
		Package: acceptance, Tests: "TestATK042_",
	},
}

var losses = []Guard{
	{
		Name: "methods: a sign-in ends with the method that it rests on", File: "internal/binding/first_proof.go",
		Old: "return flow.CloseAll(ctx, tx, h.UserID, flow.Changed)", New: "_ = flow.CloseAll\n\t\t\treturn nil",
		Package: acceptance, Tests: "TestATK110_WhatARemoved",
	},
	{
		Name: "methods: a new one ends what browsers are remembered by", File: "internal/binding/confirm.go",
		Old: "if err := session.ForgetAll(ctx, tx, h.UserID, session.MethodChanged); err != nil {", New: "if err := error(nil); err != nil || session.MethodChanged == \"\" {",
		Package: acceptance, Tests: "TestATK072_AMethod",
	},
	{
		Name: "methods: the last one stays", File: "internal/signin/method_choice.go",
		Old: "if d.Outcome == policy.Deny || d.Outcome == policy.SetUp || d.ForSetUp {", New: "if d.Outcome == policy.Deny && d.ForSetUp {",
		Package: acceptance, Tests: "TestATK089_",
	},
	{
		Name: "methods: the present password is compared", File: "internal/profile/password.go",
		Old: "if err == nil && !ok {", New: "if err == nil && !ok && len(current) > 5000 {",
		Package: acceptance, Tests: "TestATK081_AP",
	},
	{
		Name: "methods: not me needs the token of the mail", File: "internal/signin/report.go",
		Old: "if !s.Keys.CheckToken(ref.Token, \"not-me\", ref.Tenant, ref.ID) {", New: "if ref.ID == \"\" {",
		Package: acceptance, Tests: "TestATK106_NotMeIs",
	},
	{
		Name: "methods: not me is believed once", File: "internal/flow/close.go",
		Old: "AND disowned_at = 0 AND started_at", New: "AND started_at",
		Package: acceptance, Tests: "TestATK106_NotMeIs",
	},
	{
		Name: "methods: not me takes back what a thief has set up", File: "internal/signin/report.go",
		Old:     "if err := s.suspendBoundIn(ctx, tx, f, id, v); err != nil {",
		New:     "if err := error(nil); err != nil || s.suspendBoundIn == nil {",
		Package: acceptance, Tests: "TestATK106_NotMeIs",
	},
}
