package main

const (
	keysPackage    = "./internal/secret"
	keyringPackage = "./internal/keyring"
	backupPackage  = "./internal/backup"
)

// custody are the guards of keys, copies and the epoch.
var custody = []Guard{
	{
		Name: "keys: a generation seals from its instant on", File: "internal/secret/keys.go",
		Old: "if !m.from.After(at) {", New: "if m.id != \"\" {",
		Package: keysPackage, Tests: "TestREL016",
	},
	{
		Name: "keys: an unknown generation is looked for once more", File: "internal/secret/keys.go",
		Old: "\t\ts = k.reread()\n", New: "\t\ts = k.set.Load()\n",
		Package: keysPackage, Tests: "TestREL016",
	},
	{
		Name: "keys: a file without the sealing key is not taken over", File: "internal/secret/keyfile.go",
		Old: "!ok || !Equal(m.key, current.key) {", New: "!ok && m.id != current.id && len(m.key) > 32 {",
		Package: keysPackage, Tests: "TestREL024",
	},
	{
		Name: "keys: a file that others may read is not taken over", File: "internal/secret/keyfile.go",
		Old: "mode&0o077 != 0 {", New: "mode&0o077 > 0o777 {",
		Package: keysPackage, Tests: "TestREL024|TestKeyFileIsCreated",
	},
	{
		Name: "keys: the sealing key is not dropped", File: "internal/secret/generation.go",
		Old: "if i >= s.current {", New: "if i > len(s.all) {",
		Package: keysPackage, Tests: "TestREL016",
	},
	{
		Name: "keys: lasting names outlive their key", File: "internal/secret/keyfile.go",
		Old: "if !Equal(s.lasting, subkey(s.all[0].key, \"lasting\")) {", New: "if len(s.all) == 0 {",
		Package: keysPackage, Tests: "TestREL016",
	},
	{
		Name: "keys: two changes of the file follow each other", File: "internal/secret/generation.go",
		Old: "if err := lock(folder); err != nil {", New: "if err := error(nil); err != nil {",
		Package: keysPackage, Tests: "TestKeyFileIsReplacedInOneStep",
	},
	{
		Name: "keys: a program without the key is not ready", File: "internal/keyring/master.go",
		Old: "!m.DB.Now().Before(k.From.Add(-notice)) {", New: "m.DB.Now().IsZero() {",
		Package: keyringPackage, Tests: "TestREL016_AProgram",
	},
	{
		Name: "keys: a foreign file is not registered", File: "internal/keyring/master.go",
		Old: "common = common || secret.Equal(known[g.ID], m.Keys.Mark(g.ID))", New: "common = common || g.ID != \"\"",
		Package: keyringPackage, Tests: "TestAForeign",
	},
	{
		Name: "keys: sealing anew replaces only what was read", File: "internal/keyring/reseal.go",
		Old: "` = $1 WHERE ` + p.column + ` = $2`", New: "` = $1 WHERE ($2 = $2 OR ` + p.column + ` = $2)`",
		Package: keyringPackage, Tests: "TestREL016_Sealing",
	},
	{
		Name: "keys: a generation in need is not dropped", File: "internal/keyring/need.go",
		Old: "if len(why) > 0 {", New: "if len(why) > 1000 {",
		Package: keyringPackage, Tests: "TestREL016|TestAGeneration",
	},
	{
		Name: "keys: chain heads are sealed anew", File: "internal/keyring/reseal.go",
		Old: "n, failed := audit.Reseal(ctx, m.DB, m.Keys)", New: "n, failed := 0, error(nil)\n\t_ = audit.Reseal",
		Package: keyringPackage, Tests: "TestREL016_Everything",
	},
	{
		Name: "copy: a chunk stands in its place", File: "internal/backup/envelope.go",
		Old: "binary.BigEndian.PutUint64(out[3:], n)", New: "binary.BigEndian.PutUint64(out[3:], 0*n)",
		Package: backupPackage, Tests: "TestTheSeal",
	},
	{
		Name: "copy: the end is the end", File: "internal/backup/envelope.go",
		Old: "\tif last {\n", New: "\tif last && n > 1<<60 {\n",
		Package: backupPackage, Tests: "TestTheSeal",
	},
	{
		Name: "copy: only into an empty database", File: "internal/backup/restore.go",
		Old: "err = ErrNotEmpty", New: "err = nil",
		Package: backupPackage, Tests: "TestREL018_ARestoreEnds",
	},
	{
		Name: "copy: what is not finished serves nothing", File: "internal/backup/restore.go",
		Old: "err = ErrUnfinished", New: "err = nil",
		Package: backupPackage, Tests: "TestAnInterrupted",
	},
	{
		Name: "copy: a key file without its keys is refused", File: "internal/backup/restore.go",
		Old: "errors.Join(p.end(), r.opens(ctx, tx))", New: "p.end()",
		Package: backupPackage, Tests: "TestACopyNeeds",
	},
	{
		Name: "copy: a file is not replaced", File: "internal/backup/make.go",
		Old: "err == nil && !force {", New: "err == nil && path == \"\" {",
		And:     []Edit{{"internal/backup/make.go", "return os.Link(made, path)", "return os.Rename(made, path)"}},
		Package: backupPackage, Tests: "TestFilesAreNew",
	},
	{
		Name: "epoch: sessions end", File: "internal/backup/epoch.go",
		Old: "`UPDATE sessions SET ended_at = $1, ended_because = 'restored' WHERE tenant_id <> '' AND ended_at = 0`", New: "`UPDATE sessions SET ended_at = $1 WHERE tenant_id = ''`",
		Package: backupPackage, Tests: "TestREL018_ARestoreEnds",
	},
	{
		Name: "epoch: it is acknowledged before anything serves", File: "internal/backup/epoch.go",
		Old: "e.Number > 0 && e.AcknowledgedAt.IsZero() {\n\t\terr =", New: "e.Number < 0 {\n\t\terr =",
		Package: backupPackage, Tests: "TestREL018_ARestoreEnds",
	},
	{
		Name: "epoch: a database that went back is noticed", File: "internal/backup/mark.go",
		Old: "p.Recorded < q.Recorded", New: "p.Recorded < 0",
		Package: backupPackage, Tests: "TestREL007",
	},
	{
		Name: "epoch: a server asks whether it may start", File: "internal/app/start.go",
		Old: ", h.newest(ctx));", New: ");",
		And:     []Edit{{"internal/app/checks.go", ", {\"epoch\", h.newest}", ""}},
		Package: acceptance, Tests: "TestREL007_AFile",
	},
}
