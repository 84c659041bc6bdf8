package app

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// forbidden are parts of SQL that one of the engines lacks, or that goes wrong where tables are
// spread over machines.
var forbidden = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`(?i)\b(now\(\)|current_timestamp|localtimestamp|random\(\)|gen_random_uuid)`),
		"calls a function whose value differs from one machine to the next: pass tx.Now or a value"},
	{regexp.MustCompile(`(?i)\bFOR (NO KEY )?(UPDATE|SHARE)\b|\bSKIP LOCKED\b|\bLOCK TABLE\b`),
		"locks rows by a clause: guard an UPDATE and read its row count"},
	{regexp.MustCompile(`(?i)\bILIKE\b|->|@>|\bARRAY\s*\[|\bANY\s*\(`), "is no part of what both engines understand"},
	{regexp.MustCompile(`(?i)\b(SERIAL|BIGSERIAL|AUTOINCREMENT|nextval)\b`), "counts with a sequence: make an id"},
	{regexp.MustCompile(`(?i)advisory`), "takes a lock that only one server of a cluster knows"},
}

// scans are the statements that read or write rows of more than one company, by the function or
// the list that they are in. None is part of a sign-in. They run with db.UseServerDefaults.
var scans = []string{
	"app.empty", "audit.Backlog", "audit.ListFailing",
	"audit.Reseal", "audit.Tenants", "audit.holdHeads", "audit.newest",
	"audit.personal", "audit.recordPending", "audit.waiting", "backup.listCompanies", "backup.list",
	"backup.readPosition", "binding.Sweep", "company.Sweep", "company.sumAdoption", "configminimum.InUse",
	"doctor.audit", "firststep.Sweep", "flow.Sweep",
	"grant.Sweep", "jobs.Backlog",
	"jobs.Sweep", "jobs.findDue", "keyring.list", "keyring.countSealed", "message.MoreHours", "message.ReadHealth",
	"message.Received", "message.Shown", "message.Sweep", "message.tenantOf", "passwordlink.Sweep", "people.Sweep",
	"ratelimit.Sweep", "session.Sweep",
	"sms.Sweep", "sms.Today", "tenant.List", "tenant.ListAfter", "tenant.Sweep", "tenant.Vendors",
	"tenant.WithSteps", "user.MoreEverywhere", "user.Sweep",
}

// parts are texts that are a statement only with what stands around them.
var parts = []string{"ratelimit.list", "user.list"}

func TestStatementsCanBeDistributed(t *testing.T) {
	spread, used := distributed(t), map[string]bool{}
	for _, s := range statements(t) {
		if why := checkRules(s.text, spread); why != "" {
			t.Errorf("%s: %s: %s", s.where, why, words(s.text))
		}
		if !crosses(s.text, spread) {
			continue
		}
		where := filepath.Base(filepath.Dir(s.where)) + "." + nameOf(s)
		used[where] = true
		if !slices.Contains(slices.Concat(scans, parts), where) {
			t.Errorf("%s: reads or writes rows of several companies; is it a scan (%s)? %s", s.where,
				where, words(s.text))
		}
	}
	for _, where := range slices.Concat(scans, parts) {
		if !used[where] {
			t.Errorf("%s is listed and has no such statement", where)
		}
	}
}

func TestRulesOfStatementsFindMistakes(t *testing.T) {
	spread := distributed(t)
	for text, wrong := range map[string]bool{
		`UPDATE users SET disabled_at = now()
			WHERE tenant_id = $1`: true,
		`SELECT id FROM jobs WHERE tenant_id = $1 FOR UPDATE`:                     true,
		`SELECT id FROM jobs WHERE tenant_id = $1 LIMIT 1 FOR UPDATE SKIP LOCKED`: true,
		`SELECT id FROM users WHERE tenant_id = $1
			AND email ILIKE $2`: true,
		`SELECT id FROM users WHERE tenant_id = $1
			AND id = ANY($2)`: true,
		`CREATE TABLE t (id BIGSERIAL)`:   true,
		`SELECT pg_advisory_xact_lock(1)`: true,
		`SELECT u.id FROM users u JOIN flows f ON f.user_id = u.id
			WHERE u.tenant_id = $1`: true,
		`SELECT u.id FROM users u JOIN flows f ON f.tenant_id = u.tenant_id
			WHERE u.tenant_id = $1`: false,
		`SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*)
			FROM flows)`: true,
		`SELECT u.id FROM users u JOIN directory d ON d.user_id = u.id
			WHERE u.tenant_id = d.tenant_id`: true,
		`SELECT u.id FROM directory d JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
			WHERE d.email_key = $1 AND u.tenant_id = $2`: true,
		`SELECT p.credential FROM passkey_directory d JOIN passkeys p ON p.tenant_id = d.tenant_id
			WHERE d.credential_key = $1`: true,
		`SELECT tenant_id, user_id FROM directory WHERE email_key = $1`: false,
		`SELECT f.id, b.stamps FROM flows f LEFT JOIN installation_budgets b ON b.subject = f.id
			WHERE f.tenant_id = $1`: true,
		`SELECT c.id FROM clients c JOIN installation_budgets b ON b.subject = c.id`: true,
		`INSERT INTO installation_budgets (name, subject) SELECT name, subject FROM budgets
			WHERE tenant_id = $1`: true,
		`DELETE FROM installation_budgets WHERE (name, subject) IN (SELECT name, subject
			FROM installation_budgets WHERE touched_at < $1)`: false,
		`DELETE FROM jobs WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM jobs
			WHERE done_at < $1)`: false,
		`SELECT f.id FROM flows f JOIN budgets b ON b.tenant_id = 'installation'
			WHERE f.tenant_id = $1 AND b.tenant_id = $1`: true,
		`SELECT id FROM users WHERE tenant_id = $1`: false,
	} {
		if why := checkRules(text, spread); (why != "") != wrong {
			t.Errorf("%s: %q", text, why)
		}
	}
	for text, want := range map[string]bool{
		`SELECT COUNT(*) FROM users WHERE tenant_id <> ''`:                    true,
		`UPDATE flows SET closed_at = $1 WHERE tenant_id <> ''`:               true,
		`SELECT COUNT(*) FROM users WHERE tenant_id = $1`:                     false,
		`INSERT INTO users (tenant_id, id) VALUES ($1, $2)`:                   false,
		`SELECT id FROM clients WHERE id = $1`:                                false,
		`SELECT tenant_id, id FROM jobs WHERE run_at <= $1 ORDER BY run_at`:   true,
		`DELETE FROM jobs WHERE tenant_id = $1 AND (id = $2 OR run_at <= $3)`: false,
	} {
		if crosses(text, spread) != want {
			t.Errorf("%s crosses companies: %v", text, !want)
		}
	}
}

var (
	named    = regexp.MustCompile(`\b(?:FROM|UPDATE|JOIN)\s+([a-z_]+)`)
	equality = regexp.MustCompile(`\btenant_id\s*=\s*(?:\$\d|\?|[a-z_]+\.tenant_id)|\btenant_id IN \(`)
	constant = regexp.MustCompile(`\btenant_id\s*=\s*(?:\$\d|\?)`)
	listed   = regexp.MustCompile(`(?i)\(tenant_id(?:, [a-z_]+)*\) (?:= |IN )\(`)
	foreign  = regexp.MustCompile(`\btenant_id\s*=\s*'`)
	used     = regexp.MustCompile(`\b(?:FROM|UPDATE|JOIN|INTO)\s+([a-z_]+)`)

	joinsInstallation = regexp.MustCompile(`(?i)\bJOIN\s+(?:installation_budgets|directory|passkey_directory)\b`)
)

// checkRules says which rule a statement breaks.
func checkRules(text string, spread []string) string {
	text = words(text)
	for _, f := range forbidden {
		if f.pattern.MatchString(text) {
			return f.why
		}
	}
	tables := spreadTables(text, spread)
	if why := checkInstallation(text, len(tables) > 0); why != "" || len(tables) < 2 {
		return why
	}
	equal, needed := len(equality.FindAllString(text, -1))+len(listed.FindAllString(text, -1)), len(tables)
	if !constant.MatchString(text) {
		needed-- // a scan; what is joined belongs to the same company as what is scanned
	}
	if equal < needed {
		return "joins companies' tables and does not hold each to the same company"
	}
	return ""
}

// checkInstallation says what is wrong with a statement about what belongs to no company. Its budgets lie on one
// machine and are joined to nothing. The directories lie on every machine: a statement that joins them asks all
// machines for the rows of one company, so the company is found first, and its rows are read by a statement that
// names it.
func checkInstallation(text string, ofCompany bool) string {
	var all []string
	for _, m := range used.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	others := func(table string) bool { return table != "installation_budgets" }
	switch {
	case slices.Contains(all, "installation_budgets") && slices.ContainsFunc(all, others):
		return "joins budgets of the installation: read them by a statement of their own"
	case ofCompany && (slices.Contains(all, "directory") || slices.Contains(all, "passkey_directory")):
		return "joins a directory to rows of a company: find the company first"
	case ofCompany && len(all) > 1 && foreign.MatchString(text):
		return "joins rows of the installation to a company's"
	}
	return ""
}

// TestNoPartOfAStatementJoinsTheInstallation reads every text, also those that a function puts together to a statement.
func TestNoPartOfAStatementJoinsTheInstallation(t *testing.T) {
	seen := 0
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			seen++
			if why := checkPart(literal.Value); why != "" {
				t.Errorf("%s: %s: %s", set.Position(literal.Pos()), why, words(literal.Value))
			}
			return true
		})
	})
	if seen < 5000 {
		t.Fatalf("only %d texts found; the reader is broken", seen)
	}
	for part, wrong := range map[string]bool{
		`LEFT JOIN budgets sd ON sd.tenant_id = 'installation' AND sd.subject = ch.sent_key`: true,
		`LEFT JOIN installation_budgets sd ON sd.subject = ch.sent_key`:                      true,
		`JOIN directory d ON d.user_id = u.id`:                                               true,
		`LEFT JOIN budgets sa ON sa.tenant_id = f.tenant_id`:                                 false,
		`JOIN installation i ON i.id = 'installation'`:                                       false,
	} {
		if why := checkPart(part); (why != "") != wrong {
			t.Errorf("%s: %q", part, why)
		}
	}
}

func checkPart(text string) string {
	switch {
	case joinsInstallation.MatchString(text):
		return "joins what a statement of its own must read"
	case foreign.MatchString(text):
		return "names the installation where a company is named: what belongs to it has tables of its own"
	}
	return ""
}

// crosses reports whether a statement is about rows of more than one company.
func crosses(text string, spread []string) bool {
	text = words(text)
	return len(spreadTables(text, spread)) > 0 && !constant.MatchString(text)
}

// spreadTables are the companies' tables that a statement names, each as often as it does.
func spreadTables(text string, spread []string) (out []string) {
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if slices.Contains(spread, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// distributed are the tables that deploy/citus.sql spreads by company.
func distributed(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/citus.sql")
	if err != nil {
		t.Fatal(err)
	}
	placed := regexp.MustCompile(`create_distributed_table\('([a-z_]+)', 'tenant_id'`)
	for _, m := range placed.FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) < 20 {
		t.Fatalf("only %d distributed tables found", len(out))
	}
	return out
}

func nameOf(s statement) string {
	if s.function == nil {
		return "list"
	}
	return s.function.Name.Name
}
