package app

import (
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// versioned lists, for each table with a version, the columns that a decision reads. Anyone who
// sets one adds one to the version in the same statement.
var versioned = map[string]string{
	"tenants": "tenant_id kind mandate mandate_from switched_on_at switched_off_at remember_days suspended_at " +
		"methods choice roles covered_apps set_up_by set_up_days set_up_laters sms_countries lock_after lock_minutes " +
		"networks network_scope vendor_methods vendor_days step_days step_stop steps_stopped_at steps_resumed_at " +
		"steps_delay",
	"installation": "id mandate mandate_from remember_days methods",
	"clients":      "id kind secret_hash exempt_until disabled_at signing_alg pkce",
	"users": "tenant_id id email email_key role security_version password_flagged_at disabled_at second_step_at " +
		"first_factor_at released_at recovery_until set_up_by password_reset_at exempt_until " +
		"newcomer_until set_up_laters_used",
}

// unversioned lists their other columns: what is shown, and what is guarded by itself.
var unversioned = map[string]string{
	"tenants":      "version name created_at shadow_methods shadow_choice shadow_roles shadow_from shadow_until",
	"installation": "version name support_email support_url support_phone setup_hash set_up_at created_at logo logo_hash accent",
	"clients":      "version name home_url created_at",
	"users":        "version name language created_at signed_in_at exempt_reason exempt_by",
}

func TestEveryColumnIsVersionedOrNot(t *testing.T) {
	columns := schemaColumns(t)
	for _, table := range slices.Sorted(maps.Keys(versioned)) {
		placed := strings.Fields(versioned[table] + " " + unversioned[table])
		slices.Sort(placed)
		found := slices.Sorted(slices.Values(columns[table]))
		if !slices.Equal(placed, found) {
			t.Errorf("%s has the columns %v; versioned and unversioned name %v: does a decision read it?",
				table, found, placed)
		}
	}
}

// TestSettersCountVersions reads every statement that writes a table with a version.
// guard: "version = version + 1" in the setters of users, tenants, installation and clients
func TestSettersCountVersions(t *testing.T) {
	seen, owners := 0, 0
	for _, s := range statements(t) {
		table, set := assigned(s.text)
		if versioned[table] != "" {
			seen++
		}
		if why := checkVersion(s.text); why != "" {
			t.Errorf("%s: %s: %s", s.where, why, words(s.text))
		}
		if changesMethods(s.text, set) {
			owners++
			if s.function == nil || !calls(s.function, "OwnerChanged") {
				t.Errorf("%s: changes which authenticators work and does not call OwnerChanged: %s",
					s.where, words(s.text))
			}
		}
	}
	if seen < 35 || owners < 6 {
		t.Errorf("only %d setters and %d changes of authenticators found; the reader is broken", seen, owners)
	}
}

// TestOnlyChangedMethodsCountAnOwner: what a wrong answer, a use or a name writes of an
// authenticator adds nothing to its user's version.
func TestOnlyChangedMethodsCountAnOwner(t *testing.T) {
	changes := map[*ast.FuncDecl]bool{}
	all := statements(t)
	for _, s := range all {
		_, set := assigned(s.text)
		changes[s.function] = changes[s.function] || changesMethods(s.text, set)
	}
	for _, s := range all {
		if table, _ := assigned(s.text); table == "authenticators" && s.function != nil &&
			calls(s.function, "OwnerChanged") && !changes[s.function] {
			t.Errorf("%s: counts a change of the user that no decision reads: %s", s.where, words(s.text))
		}
	}
}

func TestVersionCheckFindsMistakes(t *testing.T) {
	for text, wrong := range map[string]bool{
		`UPDATE users SET role = $1 WHERE id = $2`:                                                 true,
		`UPDATE users SET role = $1, version = version + 1 WHERE id = $2`:                          false,
		`UPDATE users SET language = $1, version = version + 1 WHERE id = $2`:                      true,
		`UPDATE users SET language = $1 WHERE id = $2`:                                             false,
		`UPDATE users SET disabled_at = disabled_at WHERE id = $2`:                                 false,
		`UPDATE users SET version = version + 1 WHERE id = $2`:                                     false,
		`UPDATE users SET language = $1, disabled_at = CASE WHEN f(a, b) > 0 THEN 1 ELSE 0 END`:    true,
		`UPDATE tenants SET methods = $1, name = $2, version = $3 WHERE tenant_id = $4`:            true,
		`UPDATE installation SET logo = $1 WHERE id = $2`:                                          false,
		`INSERT INTO clients (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET pkce = excluded.pkce`: true,
	} {
		if why := checkVersion(text); (why != "") != wrong {
			t.Errorf("%s: %q", text, why)
		}
	}
}

// checkVersion says what is wrong with how a statement counts a version.
func checkVersion(text string) string {
	table, set := assigned(text)
	if strings.Contains(text, "DO UPDATE") && versioned[inserted(text)] != "" {
		return "writes over a row with a version"
	}
	if versioned[table] == "" {
		return ""
	}
	decides := false
	for name := range set {
		decides = decides || slices.Contains(strings.Fields(versioned[table]), name)
	}
	value, counted := set["version"]
	switch {
	case counted && !strings.HasPrefix(value, "version + 1"):
		return "sets the version to something else than the next one"
	case decides && !counted:
		return "sets what a decision reads and does not add to version"
	case counted && !decides && len(set) > 1:
		return "adds to version and sets nothing that a decision reads"
	}
	return ""
}

func changesMethods(text string, set map[string]string) bool {
	text = words(text)
	if strings.HasPrefix(text, "INSERT INTO authenticators ") ||
		strings.HasPrefix(text, "DELETE FROM authenticators ") {
		return true
	}
	_, disabled := set["disabled_at"]
	_, suspended := set["suspended_at"]
	return strings.HasPrefix(text, "UPDATE authenticators ") && (disabled || suspended)
}

// inserted is the table that a text inserts into.
func inserted(text string) string {
	after, ok := strings.CutPrefix(words(text), "INSERT INTO ")
	if !ok {
		return ""
	}
	return strings.Fields(after)[0]
}

var update = regexp.MustCompile(`^UPDATE ([a-z_]+) SET (.*)$`)

// assigned reads the table and the assignments of an UPDATE. A column that is set to itself is
// left out: such a statement locks a row.
func assigned(text string) (table string, set map[string]string) {
	m := update.FindStringSubmatch(words(text))
	if m == nil {
		return "", nil
	}
	set = map[string]string{}
	for _, part := range topLevel(m[2]) {
		name, value, _ := strings.Cut(part, " = ")
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); name != value {
			set[name] = value
		}
	}
	return m[1], set
}

// topLevel splits assignments at the commas that are in no parentheses, up to the WHERE.
func topLevel(text string) (parts []string) {
	depth, from := 0, 0
	for i := range text {
		switch {
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		case depth == 0 && text[i] == ',':
			parts, from = append(parts, text[from:i]), i+1
		case depth == 0 && strings.HasPrefix(text[i:], " WHERE "):
			return append(parts, text[from:i])
		}
	}
	return append(parts, text[from:])
}

func calls(f *ast.FuncDecl, name string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}
