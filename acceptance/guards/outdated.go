package main

// outdated are the guards of settings that someone else has changed since they were shown.
var outdated = []Guard{
	{
		Name:    "a decision does not replace one that was not seen",
		File:    "internal/company/decision.go",
		Old:     "	if err := d.check(was, now); err != nil {\n		return c, err\n",
		New:     "	d.Seen = \"\"\n	if err := d.check(was, now); err != nil {\n		return c, err\n",
		Package: acceptance,
		Tests:   "TestTwoOperatorsDoNotDecide",
	},
	{
		Name:    "the summary says of which decision it is",
		File:    "internal/desk/decision.go",
		Old:     "[]string{\"mode\", \"from\", \"days\", \"method\", pages.SeenField}",
		New:     "[]string{\"mode\", \"from\", \"days\", \"method\"}",
		Package: acceptance,
		Tests:   "TestTwoOperatorsDoNotDecide",
	},
	{
		Name:    "an app's addresses are not changed unseen",
		File:    "internal/apps/apps.go",
		Old:     "if c.Seen != \"\" && c.Seen != MarkOfAddresses(known) {",
		New:     "if c.Seen == \"none\" && c.Seen != MarkOfAddresses(known) {",
		Package: acceptance,
		Tests:   "TestTwoOperatorsDoNotChangeAnApp",
	},
	{
		Name:    "an app's exemption is not replaced unseen",
		File:    "internal/apps/apps.go",
		Old:     "if e.Seen != \"\" && e.Seen != MarkOfExemption(c)",
		New:     "if e.Seen == \"none\" && e.Seen != MarkOfExemption(c)",
		Package: acceptance,
		Tests:   "TestTwoOperatorsDoNotChangeAnApp",
	},
	{
		Name:    "settings are not changed unseen",
		File:    "internal/company/mark.go",
		Old:     "if seen := m[action]; seen != \"\" && seen != MarkOf(t, action) {",
		New:     "if seen := m[action]; seen == \"none\" && seen != MarkOf(t, action) {",
		Package: acceptance,
		Tests:   "TestTwoAdministratorsDoNotWriteOverEachOther",
	},
}
