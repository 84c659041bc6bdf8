package app

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// overTenants are the functions, and the files for texts outside functions, whose statements
// read or write rows of several tenants, with the reason. Functions named Sweep may, too: they
// forget what is too old, no matter who owns it.
var overTenants = map[string]string{
	"app.empty":            "an installation is empty when no tenant has anything",
	"audit.Backlog":        "the sealer's backlog is one number for the installation",
	"audit.ListFailing":    "lists the tenants in which many sign-ins fail, one row for each",
	"audit.Tenants":        "lists the tenants that have a chain",
	"audit.holdHeads":      "the sealer links the rows of several tenants in one commit",
	"audit.newest":         "as holdHeads",
	"audit.personal":       "personal fields are erased at the same age everywhere",
	"audit.recordPending":  "lists the tenants with rows to write",
	"audit.Reseal":         "lists the tenants whose chain head an older key seals",
	"audit.waiting":        "lists the tenants with rows to link",
	"backup.listCompanies": "lists the tenants to write a row for",
	"backup.readPosition":  "sums up the whole copy",
	"backup/epoch.go":      "a restore ends what is open everywhere",
	"company.sumAdoption":  "adds up the companies' counts of each day",
	"configminimum.InUse":  "an installation is in use when any tenant exists",
	"doctor.audit":         "as audit.Backlog",
	"jobs.Backlog":         "the backlog is one number for the installation",
	"jobs.findDue":         "workers look for jobs of every tenant and claim each by its own",
	"keyring.countSealed":  "a master key may go when no tenant needs it",
	"keyring/need.go":      "as unsealed",
	"message.MoreHours":    "looks how much ReadHealth would add up",
	"message.ReadHealth":   "adds up the companies' counts of each mail domain and country",
	"message.Received":     "a provider names the message only; the answer tells the tenant",
	"message.Shown":        "as Received, for a receiver",
	"message.tenantOf":     "as Received",
	"message/sms.Today":    "the installation's spending, company by company",
	"ratelimit/tables.go":  "a prefix; each budget is added with its tenant",
	"tenant.List":          "lists the tenants",
	"user.MoreEverywhere":  "looks how many people a plan for all companies is about",
	"tenant.ListAfter":     "lists the tenants, a page at a time",
	"tenant.WithSteps":     "lists the tenants that may have to be stopped, a page at a time",
	"tenant.Vendors":       "lists the vendor's own tenants",
}

var (
	tableUse  = regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE) ([a-z_]+)(?: AS)?(?: ([a-z][a-z0-9]*)\b)?`)
	insertion = regexp.MustCompile(`INTO ([a-z_]+)(?: AS [a-z]+)? \(([^)]*)\)`)
	toValue   = regexp.MustCompile(`(?:\b([a-z0-9_]+)\.)?\btenant_id = (?:\$|'|\?|ANY)`)
	toAnother = regexp.MustCompile(`\b([a-z0-9_]+)\.tenant_id = ([a-z0-9_]+)\.tenant_id`)
)

// unconstrained are the tables of tenants that a statement uses without fixing their tenant:
// by an equality of their tenant_id with a value or with that of a table whose tenant is
// fixed, or by inserting it.
func unconstrained(text string, tenantTables []string) (loose []string) {
	text = words(text)
	uses, fixed := map[string]string{}, map[string]bool{}
	for _, m := range tableUse.FindAllStringSubmatch(text, -1) {
		name := m[2]
		if alias := m[3]; alias != "" {
			name = alias
		}
		uses[name] = m[2]
		fixed[name] = !slices.Contains(tenantTables, m[2]) // of the installation, or made by the statement itself
	}
	for _, m := range insertion.FindAllStringSubmatch(text, -1) {
		if slices.Contains(strings.Split(m[2], ", "), "tenant_id") || strings.Contains(m[2], "?") {
			fixed[m[1]] = true
		}
	}
	for _, m := range toValue.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			fixed[m[1]] = true
			continue
		}
		for name, table := range uses {
			fixed[name] = fixed[name] || name == table || len(uses) == 1
		}
	}
	isFixed := func(name string) bool { // what a part of a statement refers to is fixed in the rest of it
		_, used := uses[name]
		return fixed[name] || !used
	}
	for range uses { // each round fixes at least one more, or none is left to fix
		for _, m := range toAnother.FindAllStringSubmatch(text, -1) {
			either := isFixed(m[1]) || isFixed(m[2])
			fixed[m[1]], fixed[m[2]] = either, either
		}
	}
	for name, table := range uses {
		if !fixed[name] {
			loose = append(loose, table)
		}
	}
	slices.Sort(loose)
	return loose
}

// TestEveryStatementFixesTheTenant: to mention tenant_id is not enough.
func TestEveryStatementFixesTheTenant(t *testing.T) {
	var ofTenants []string
	for table, columns := range schemaColumns(t) {
		if slices.Contains(columns, "tenant_id") && !slices.Contains(installationTables, table) {
			ofTenants = append(ofTenants, table)
		}
	}
	unused := maps.Clone(overTenants)
	for _, s := range statements(t) {
		loose := unconstrained(s.text, ofTenants)
		if len(loose) == 0 {
			continue
		}
		name := owner(s)
		if strings.HasSuffix(name, ".Sweep") {
			continue
		}
		delete(unused, name)
		if overTenants[name] == "" {
			t.Errorf("%s (%s): the tenant of %v is not fixed: %.300s", s.where, name, loose, words(s.text))
		}
	}
	for name := range unused {
		t.Errorf("%s is an exception without need", name)
	}
}

// owner names the function of a statement, or its file where it stands in none.
func owner(s statement) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(s.where, "../"), ":")
	if s.function == nil {
		return path
	}
	return filepath.Dir(path) + "." + s.function.Name.Name
}

func TestALooseTenantIsSeen(t *testing.T) {
	ofTenants := []string{"users", "sessions", "flows"}
	for text, want := range map[string]string{
		`SELECT tenant_id, id FROM users WHERE id = $1`: "users",
		`SELECT id FROM users WHERE tenant_id <> ''
			AND id = $1`: "users",
		`UPDATE users SET tenant_id = tenant_id
			WHERE id = $1`: "users",
		`DELETE FROM users WHERE id = $1`:    "users",
		`INSERT INTO users (id) VALUES ($1)`: "users",
		`SELECT u.id FROM users u JOIN sessions s ON s.user_id = u.id
			WHERE u.tenant_id = $1`: "sessions",
		`SELECT u.id FROM users u JOIN sessions s ON s.tenant_id = u.tenant_id
			WHERE u.id = $1`: "sessions users",
		`SELECT u.id FROM users u JOIN sessions s ON s.tenant_id = $1
			WHERE u.id = $1`: "users",
		`SELECT id FROM users WHERE tenant_id = $1`: "",
		`INSERT INTO users (tenant_id, id)
			VALUES ($1, $2)`: "",
		`SELECT u.id FROM users u JOIN sessions s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
			WHERE u.tenant_id = $1`: "",
		`SELECT u.id FROM directory d JOIN users u ON u.tenant_id = d.tenant_id
			AND u.id = d.user_id`: "",
		`SELECT 1 FROM sessions s WHERE s.tenant_id = u.tenant_id
			AND s.user_id = u.id`: "",
	} {
		if got := strings.Join(unconstrained(text, ofTenants), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
