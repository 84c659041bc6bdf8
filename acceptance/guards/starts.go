package main

// starts are the guards of a start, of a clock that goes wrong later, and of what replicas
// tell each other.
var starts = []Guard{
	{
		Name: "a key file belongs to its database", File: "internal/configminimum/keycheck.go",
		Old: "if err != nil || string(plain) != knownText {", New: "if err != nil && string(plain) == song {",
		Package: "./internal/configminimum", Tests: "TestSEC138",
	},
	{
		Name: "a database without a key check is asked for its keys", File: "internal/configminimum/keycheck.go",
		Old: "if _, err := keys.Open(sealed, \"signing_keys\"", New: "if _, err := keys.Open(sealed, \"signing_keys\"); err != nil {\n\t\treturn nil\n\t}\n\tif _, err := keys.Open(sealed, \"signing_keys\"",
		Package: "./internal/configminimum", Tests: "TestSEC138",
	},
	{
		Name: "no key file is made beside a database in use", File: "internal/app/start.go",
		Old: "if err == nil && used {", New: "if err != nil && used {",
		Package: acceptance, Tests: "TestSEC138_AKeyFileThat",
	},
	{
		Name: "a weaker replica does not start", File: "internal/configminimum/configminimum.go",
		Old: "!s.Weaker() }); len(weak) > 0 {", New: "!s.Weaker() }); len(weak) > 1000 {",
		Package: "./internal/configminimum", Tests: "TestREL24",
	},
	{
		Name: "a stricter replica raises the standard", File: "internal/configminimum/configminimum.go",
		Old: "return raise(ctx, tx, all)\n}\n\n// raise", New: "return nil\n}\n\n// raise",
		Package: "./internal/configminimum", Tests: "TestREL24",
	},
	{
		Name: "what is taken back is on record", File: "internal/configminimum/configminimum.go",
		Old: "return weakened, record(ctx, tx, audit.MinimumAccepted, by, weakened)", New: "return weakened, nil",
		Package: "./internal/configminimum", Tests: "TestREL24",
	},
	{
		Name: "clocks agree", File: "internal/app/checks.go",
		Old: "skew.Abs() > most {", New: "skew.Abs() > 1000*most {",
		Package: acceptance, Tests: "TestREL14_AClock",
	},
	{
		Name: "a replica that is not fit says so", File: "internal/app/app.go",
		Old: " || a.unfit.Load() != nil", New: "",
		Package: acceptance, Tests: "TestREL14_AClock",
	},
	{
		Name: "PostgreSQL keeps what it confirms", File: "internal/app/checks.go",
		Old: "return s.Forgetful()", New: "return nil",
		Package: acceptance, Tests: "TestREL10_ADatabase",
	},
	{
		Name: "a standby is not served from", File: "internal/app/checks.go",
		Old: "case s.Standby:", New: "case s.Standby && s.Version == \"\":",
		Package: acceptance, Tests: "TestREL10_ADatabase",
	},
	{
		Name: "one program serves from a file", File: "internal/db/home.go",
		Old: "return errors.Join(err, f.Close())", New: "_ = err",
		Package: "./internal/db", Tests: "TestREL9_",
	},
	{
		Name: "nobody trusts half of the world", File: "internal/config/validate.go",
		Old: "widestProxies4 = 8 ", New: "widestProxies4 = 0 ",
		Package: "./internal/config", Tests: "TestREL24",
	},
	{
		Name: "a file with secrets is its owner's", File: "internal/config/load.go",
		Old: "mode&0o007 != 0 && telling", New: "mode&0o007 == 0o010 && telling",
		Package: "./internal/config", Tests: "TestREL24",
	},
	{
		Name: "a file that others may change is refused", File: "internal/config/load.go",
		Old: "if mode&0o022 != 0 {", New: "if mode&0o022 == 0o100 {",
		Package: "./internal/config", Tests: "TestREL24",
	},
	{
		Name: "private keys are their owner's", File: "internal/app/start.go",
		Old: "if err != nil || info.Mode().Perm()&0o007 == 0 {", New: "if err != nil || info.Mode().Perm() != 0 {",
		Package: acceptance, Tests: "TestREL24_Everything",
	},
	{
		Name: "a listener that comes back tells that it was away", File: "internal/db/listen.go",
		Old: "conn.Close(context.WithoutCancel(ctx)) }()\n\theard(\"\")", New: "conn.Close(context.WithoutCancel(ctx)) }()",
		Package: "./internal/app", Tests: "TestREL19_WhatWasMissed",
	},
	{
		Name: "replicas hear of the vendor's settings", File: "internal/tenant/installation.go",
		Old: "return tx.Notify(ctx, db.TopicInstallation)", New: "return nil",
		Package: "./internal/app", Tests: "TestREL15_AChange",
	},
	{
		Name: "replicas hear of a key that is withdrawn", File: "internal/keyring/keyring.go",
		Old: "errors.Join(r.replace(ctx, tx, spare), tx.Notify(ctx, db.TopicKeys))", New: "r.replace(ctx, tx, spare)",
		And:     []Edit{{"internal/keyring/keyring.go", "return id, tx.Notify(ctx, db.TopicKeys)", "return id, nil"}},
		Package: "./internal/app", Tests: "TestREL15_AChange",
	},
	{
		Name: "nobody puts a second author before a signed mail", File: "internal/message/email/dkim.go",
		Old: "s.OversignHeaders(twice...)", New: "",
		Package: "./internal/message/email", Tests: "TestMailsAreSigned",
	},
	{
		Name: "no key that can be broken signs mails", File: "internal/message/email/dkim.go",
		Old: "const leastRSA = 2048", New: "const leastRSA = 512",
		Package: "./internal/message/email", Tests: "TestREL24_DKIM",
	},
}
