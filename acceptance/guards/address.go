package main

const profiles = "./internal/profile"

// addresses guard the change of one's address, and what is left of a method.
var addresses = []Guard{
	{
		Name: "a code is for the address it was mailed to", File: "internal/profile/email.go",
		Old: "if !ok || !s.Keys.CheckMAC(c.CodeMAC, purposeAddress, codeIs(tx, c, code)...) {", New: "if !ok || code == \"\" {",
		Package: profiles, Tests: "TestATK091_TheCodeDecides",
	},
	{
		Name: "a change is confirmed once", File: "internal/profile/email.go",
		Old: "return s.move(ctx, tx, o, c)", New: "return s.tellMoved(ctx, tx, o, c, nil)",
		Package: profiles, Tests: "TestATK091_OneOfMany",
	},
	{
		Name: "a change is void after a new password", File: "internal/user/address.go",
		Old: "AND tries_left > 0 AND from_email = $4 AND security_version = $5`", New: "AND tries_left > 0 AND from_email = $4 AND security_version <= $5`",
		And:     []Edit{{"internal/user/address.go", "AND email = $5 AND security_version = $6 AND disabled_at = 0`", "AND email = $5 AND security_version >= $6 AND disabled_at = 0`"}},
		Package: profiles, Tests: "TestATK092_WhatMakesAChangeVoid",
	},
	{
		Name: "a change of address has five tries", File: "internal/user/address.go",
		Old: "ends_at > $3 AND tries_left > 0 AND", New: "ends_at > $3 AND",
		Package: profiles, Tests: "TestATK092_WhatMakesAChangeVoid",
	},
	{
		Name: "a change of address dies after ten minutes", File: "internal/user/address.go",
		Old: "closed_at = 0 AND ends_at > $3", New: "closed_at = 0 AND ends_at > $3 - 1000000000000",
		Package: profiles, Tests: "TestATK092_WhatMakesAChangeVoid",
	},
	{
		Name: "an undo is by its own token", File: "internal/signin/undo.go",
		Old: "if !s.Keys.CheckToken(ref.Token, \"undo-address\", ref.Tenant, ref.ID) {", New: "if ref.ID == \"\" {",
		Package: profiles, Tests: "TestSEC042_WhatAnUndoDoesNot",
	},
	{
		Name: "an undo has 72 hours", File: "internal/user/address.go",
		Old: "AND undone_at = 0 AND undo_until > $2`", New: "AND undone_at = 0 AND undo_until > $2 - 1000000000000`",
		Package: profiles, Tests: "TestSEC042_WhatAnUndoDoesNot",
	},
	{
		Name: "a change by hand ends what could be undone", File: "internal/user/user.go",
		Old: "if err := closeChanges(ctx, tx, id); err != nil {", New: "if err := error(nil); err != nil {",
		And:     []Edit{{"internal/user/address.go", "func closeChanges(ctx", "var _ = closeChanges\n\nfunc closeChanges(ctx"}},
		Package: profiles, Tests: "TestSEC042_WhatAnUndoDoesNot",
	},
	{
		Name: "an undo suspends what was set up since", File: "internal/signin/suspend.go",
		Old: "for _, a := range since {", New: "for _, a := range since[:0] {",
		Package: profiles, Tests: "TestSEC042_UndoneByTheOldMailbox",
	},
	{
		Name: "and nothing that was set up before the change", File: "internal/signin/suspend.go",
		Old:     "BoundSince(ctx, tx, u.ID, c.ConfirmedAt)",
		New:     "BoundSince(ctx, tx, u.ID, c.ConfirmedAt.Add(-suspendWithin))",
		Package: profiles, Tests: "TestATK092_AnUndoSuspends",
	},
	{
		Name: "a report brings the address back", File: "internal/signin/report.go",
		Old: "if err := s.moveBack(ctx, tx, f, line, v); err != nil {", New: "if err := error(nil); err != nil {",
		And:     []Edit{{"internal/signin/undo.go", "// moveBack undoes", "var _ = (*Service).moveBack\n\n// moveBack undoes"}},
		Package: profiles, Tests: "TestATK092_Reported",
	},
	{
		Name: "a report is about the step-ups of a sign-in, too", File: "internal/flow/close.go",
		Old: "AND f.id = n.flow_id AND f.stepping_up = s.id)", New: "AND f.id = n.flow_id AND f.stepping_up = s.id AND f.tenant_id = '')",
		Package: profiles, Tests: "TestATK092_ReportedWithItsStepUps",
	},
	{
		Name: "an address is kept while it may come back", File: "internal/user/address.go",
		Old: "directory.held_until <= $4 OR", New: "$4 > 0 OR",
		Package: profiles, Tests: "TestSEC042_AnAddressIsKept",
	},
	{
		Name: "no code goes to an address that somebody has", File: "internal/profile/email.go",
		Old: "case err == nil:", New: "case err == nil && holder.ID == \"\":",
		Package: profiles, Tests: "TestSEC042_AnAddressIsKept",
	},
	{
		Name: "other sessions end with the address", File: "internal/profile/email.go",
		Old: "if err := session.EndOthers(ctx, tx, o.User.ID, o.SessionID, session.AddressChanged); err != nil {", New: "if err := error(nil); err != nil {",
		And:     []Edit{{"internal/user/address.go", "SET email = $1, email_key = $2, security_version = security_version + 1, version = version + 1 WHERE tenant_id = $3 AND id = $4 AND email", "SET email = $1, email_key = $2 WHERE tenant_id = $3 AND id = $4 AND email"}},
		Package: profiles, Tests: "TestSEC042_UndoneByTheOldMailbox",
	},
	{
		Name: "mails for an address are counted", File: "internal/profile/email.go",
		Old: "if wait := sends.Spend(tx); wait > 0 {", New: "if wait := sends.Spend(tx); wait > 1<<62 {",
		Package: profiles, Tests: "TestSEC042_MailsForAnAddress",
	},
	{
		Name: "what a stranger sends to an address is counted apart", File: "internal/profile/email.go",
		Old: "Limit: limit(\"address.destination\"), Subject: outofband.DestinationSubject(s.Keys, key)", New: "Limit: limit(\"send.destination\"), Subject: outofband.DestinationSubject(s.Keys, key)",
		Package: profiles, Tests: "TestATK012_AStranger",
	},
	{
		Name: "wrong codes of all changes are counted together", File: "internal/profile/email.go",
		Old: "if wait := wrong[0].Wait(tx.Now); wait > 0 {", New: "if wait := wrong[0].Wait(tx.Now); wait > 1<<62 {",
		Package: profiles, Tests: "TestATK005_NoOneGuesses",
	},
	{
		Name: "no link is left to a thief when the owner has gone back", File: "internal/profile/email.go",
		Old: "if back {", New: "if back && c.ID == \"\" {",
		Package: profiles, Tests: "TestATK092_TheWayBack",
	},
	{
		Name: "nor a link of an address in between", File: "internal/user/address.go",
		Old: "(confirmed_at > $4 OR confirmed_at = $4 AND id > $5)", New: "confirmed_at > $4 + 1000000000000000 AND id <> $5",
		Package: profiles, Tests: "TestATK092_AReturn",
	},
	{
		Name: "the newest link goes to an old address", File: "internal/profile/email.go",
		Old: "range slices.Backward(append(before, c))", New: "range slices.Clone(append(before, c))",
		Package: profiles, Tests: "TestATK092_TheNewestLink",
	},
	{
		Name: "an address that is taken meanwhile is not swept", File: "internal/signin/sweep.go",
		Old: "AND held_until > 0 AND held_until < $1`, 0}", New: "`, 0}",
		Package: profiles, Tests: "TestSEC042_AnAddressThatIsTaken",
	},
	{
		Name: "every address is told", File: "internal/user/address.go",
		Old: "if !seen[c.From] {", New: "if c.From == \"\" {",
		Package: profiles, Tests: "TestSEC046_",
	},
	{
		Name: "a passkey leaves nothing in the directory", File: "internal/authenticator/authenticator.go",
		Old: "`DELETE FROM passkey_directory WHERE tenant_id = $1 AND authenticator_id = $2 AND user_id = $3`,", New: "`DELETE FROM passkey_directory WHERE tenant_id = $1 AND authenticator_id = $2 AND user_id = $3 AND 1 = 0`,",
		Package: profiles, Tests: "TestSEC050_NothingOfAMethod",
	},
	{
		Name: "a number leaves with its method", File: "internal/authenticator/authenticator.go",
		Old: "WHERE a.tenant_id = $1 AND a.id = $2 AND a.user_id = $3)`,", New: "WHERE a.tenant_id = $1 AND a.id = $2 AND a.user_id = $3 AND 1 = 0)`,",
		Package: profiles, Tests: "TestSEC050_NothingOfAMethod",
	},
}
