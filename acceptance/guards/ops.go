package main

const operations = "./internal/ops"

// watching are the guards of what watches: it must tell enough, and of nobody.
var watching = []Guard{
	{
		Name: "watching: labels come from lists", File: "internal/ops/words.go",
		Old: "\t\treturn k\n\t}\n\treturn other\n}\n\n// all", New: "\t\treturn k\n\t}\n\treturn s\n}\n\n// all",
		Package: operations, Tests: "TestHostileWords|TestWhatHappens",
	},
	{
		Name: "watching: a token is needed", File: "internal/ops/ops.go",
		Old: "return ok && subtle.ConstantTimeCompare(got[:], want[:]) == 1", New: "return ok || subtle.ConstantTimeCompare(got[:], want[:]) == 1",
		Package: operations, Tests: "TestATokenGuards",
	},
	{
		Name: "watching: a bare answer tells no reasons", File: "internal/ops/ops.go",
		Old: "report.Checks = nil", New: "_ = report.Checks",
		Package: operations, Tests: "TestATokenGuards",
	},
	{
		Name: "watching: nobody waits for a database that hangs", File: "internal/ops/ready.go",
		Old: "case <-timer.C:", New: "case <-make(chan int):",
		Package: operations, Tests: "TestREL19",
	},
	{
		Name: "watching: a question is asked once at a time", File: "internal/ops/ready.go",
		Old: "if p.running != nil {", New: "if p.running == nil && p.asked {",
		Package: operations, Tests: "TestREL19|TestManyWhoAsk",
	},
	{
		Name: "watching: advice keeps nobody out", File: "internal/ops/ready.go",
		Old: "report.Ready = report.Ready && (c.OK || c.Advisory)", New: "report.Ready = report.Ready && c.OK",
		Package: operations, Tests: "TestReadiness",
	},
	{
		Name: "watching: only what is durable counts", File: "internal/db/watch.go",
		Old: "t.OnCommit(func() { t.db.Watch.Told(what) })", New: "t.db.Watch.Told(what)",
		Package: operations, Tests: "TestOnlyWhatIsDurable",
	},
	{
		Name: "watching: no figure is better than an old one", File: "internal/ops/sample.go",
		Old: "\tif !b.up {\n\t\treturn", New: "\tif b.up && b.due < 0 {\n\t\treturn",
		Package: operations, Tests: "TestWhatWaits",
	},
	{
		Name: "watching: a database that is gone shows", File: "internal/db/writable.go",
		Old: "if d.Dialect == SQLite {", New: "if d.Dialect == \"\" {",
		Package: operations, Tests: "TestWritable",
	},
	{
		Name: "watching: the address of operations is guarded", File: "internal/config/ops.go",
		Old: "o.Token == \"\" && o.Auth != AuthNetwork,", New: "o.Token == \"\" && o.Auth != AuthNetwork && o.Auth == \"\",",
		Package: "./internal/config", Tests: "TestREL24",
	},
	{
		Name: "watching: a stranger does not choose what is traced", File: "internal/trace/trace.go",
		Old: "if obey && !from.none() {", New: "if !from.none() {",
		Package: "./internal/trace", Tests: "TestAStranger",
	},
	{
		Name: "watching: traces are not kept for ever", File: "internal/trace/trace.go",
		Old: "queue: make(chan *Span, queued)", New: "queue: make(chan *Span, 2*queued)",
		Package: "./internal/trace", Tests: "TestWhatDoesNotFit",
	},
	{
		Name: "watching: a token goes where it was sent", File: "internal/app/ops.go",
		Old: "{ return http.ErrUseLastResponse }", New: "{ return nil }",
		Package: "./internal/app", Tests: "TestTheCollector",
	},
	{
		Name: "watching: only our proxies choose what is traced", File: "internal/app/ops.go",
		Old: "return err == nil && slices.ContainsFunc(", New: "return err == nil || slices.ContainsFunc(",
		Package: "./internal/app", Tests: "TestOnlyOurProxies",
	},
	{
		Name: "watching: profiles are not for the network", File: "internal/app/ops.go",
		Old: "Profiles: local || o.Token != \"\"", New: "Profiles: true",
		Package: "./internal/app", Tests: "TestProfilesNeed",
	},
	{
		Name: "watching: unready before the end", File: "internal/app/ops.go",
		Old: "a.ready.Drain()", New: "_ = a.ready",
		Package: acceptance, Tests: "TestREL27_Unready",
	},
	{
		Name: "watching: a span shows that it failed", File: "internal/trace/export.go",
		Old: "if s.failed {", New: "if s.name == \"\" {",
		Package: "./internal/trace", Tests: "TestSpansReach",
	},
}
