package main

// setUps are the guards of the time before a set-up.
var setUpTimes = []Guard{
	{
		Name:    "sign-ins before set-up run out",
		File:    "internal/policy/protection.go",
		Old:     "return in.limited() && !in.InSession && in.latersLeft() == 0",
		New:     "return in.limited() && in.InSession && in.latersLeft() == 0",
		Package: acceptance,
		Tests:   "TestSignInsBeforeSetUpAreCounted",
	},
	{
		Name: "the last sign-in before set-up is taken once",
		File: "internal/user/protection.go",
		Old:  "AND set_up_laters_used < $3 AND first_factor_at = 0`",
		New:  "AND ($3 > 0 OR first_factor_at = 0)`",
		And: []Edit{{"internal/signin/flow.go", "AND u.version = $9 AND u.security_version",
			"AND u.version >= $9 AND u.security_version"}},
		Package: signin,
		Tests:   "TestOnlyOneTakesTheLastSignInBeforeSetUp",
	},
	{
		Name:    "step-ups count as sign-ins before set-up",
		File:    "internal/signin/complete.go",
		Old:     "	if !d.Limited {",
		New:     "	if !d.Limited || f.SteppingUp != \"\" {",
		Package: acceptance,
		Tests:   "TestATKAStepUpIsASignInBeforeSetUp",
	},
	{
		Name: "a newcomer's date is stored once",
		File: "internal/policy/protection.go",
		Old:  "return in.Newcomer && in.Tenant.SetUpDays > 0 && in.Account.SetUpBy.IsZero()",
		New:  "return in.Tenant.SetUpDays > 0",
		And: []Edit{{"internal/policy/protection.go", "	case !stored.IsZero():\n		return in.NewcomerUntil\n",
			"	case in.Tenant.SetUpDays < 0:\n		return stored\n"}},
		Package: acceptance,
		Tests:   "TestNewcomersHaveTimeFromTheirFirstSignIn|TestATKNewcomersAreNewOnce",
	},
	{
		Name:    "people who were there before are no newcomers",
		File:    "internal/policy/facts/facts.go",
		Old:     "u.signed_in_at = 0 AND NOT EXISTS (",
		New:     "u.signed_in_at = 0 OR EXISTS (",
		Package: acceptance,
		Tests:   "TestNewcomersHaveTimeFromTheirFirstSignIn|TestATKNewcomersAreNewOnce",
	},
	{
		Name:    "many are exempted by those who may exempt one",
		File:    "internal/people/bulk.go",
		Old:     "	case BulkExempt, BulkRequire:\n		return access.ExemptPerson",
		New:     "	case BulkExempt, BulkRequire:\n		return access.RemindPerson",
		Package: acceptance,
		Tests:   "TestATKMoreTimeForMany",
	},
}
