package app

import (
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
// the list that they are in. None is part of a sign-in. They run with db.UseServerDefaults, or
// have no parameters: Citus cannot plan a parameterised one with the settings for sign-ins.
var scans = []string{
	"app.empty", "audit.Backlog", "audit.Reseal", "audit.Tenants", "audit.holdHeads", "audit.newest",
	"audit.personal", "audit.recordPending", "audit.waiting", "backup.companies", "backup.list", "backup.now",
	"binding.Sweep", "configminimum.InUse", "doctor.audit", "flow.Sweep", "grant.Sweep", "jobs.Backlog",
	"jobs.Sweep", "jobs.due", "keyring.list", "keyring.unsealed", "message.Received", "message.Shown",
	"message.Sweep", "message.tenantOf", "passwordlink.Sweep", "ratelimit.Sweep", "session.Sweep", "signin.Sweep",
	"sms.Sweep", "sms.Today", "tenant.List", "tenant.ListAfter", "tenant.Vendors", "user.Sweep",
}

// byDirectory are the statements of a request that find a company by an address or a passkey.
var byDirectory = []string{"signin.lookUp", "signin.whose", "user.ByEmail"}

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
		if !slices.Contains(slices.Concat(scans, byDirectory, parts), where) {
			t.Errorf("%s: reads or writes rows of several companies; is it a scan (%s)? %s", s.where,
				where, words(s.text))
		}
	}
	for _, where := range slices.Concat(scans, byDirectory, parts) {
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
			WHERE u.tenant_id = d.tenant_id`: false,
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
	if len(tables) < 2 {
		return ""
	}
	if foreign.MatchString(text) {
		return "joins rows of the installation to a company's"
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
	for _, m := range regexp.MustCompile(`create_distributed_table\('([a-z_]+)'`).FindAllStringSubmatch(string(text),
		-1) {
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
