package main

// endings guard what stays ended when something was under way.
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
}
