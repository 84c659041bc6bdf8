package walk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// The roles in order, as the walk counts them: nobody changes an account at or above what the table of the
// documentation gives their role.
var ranks = []string{"agent", "supervisor", "admin", "owner", "support", "operator"}

func rank(role string) int { return slices.Index(ranks, role) }

// official is someone who presses what the pages for administrators offer.
type official struct {
	*rig.User
	id     string
	of     string // the company
	person *rig.Person
}

// office is one scene: two companies with all their roles, and the vendor's staff.
type office struct {
	t      *testing.T
	w      *rig.World
	staff  []*official // an operator, support
	people []*official
	homes  []*rig.Tenant
	apps   []string
	tables []table
	came   map[string]int
}

// table is what is compared before and after each step.
type table struct {
	name    string
	columns []string
	id      string // the column that names a row beside its company
}

// noise are columns that change while people only sign in.
var noise = []string{"version", "signed_in_at", "language", "failures", "last_used_at", "security_version", "logo"}

func tables(t *testing.T, w *rig.World) []table {
	t.Helper()
	out := []table{{name: "tenants"}, {name: "users", id: "id"}, {name: "authenticators", id: "id"}, {name: "brands"},
		{name: "clients", id: "id"}}
	for i := range out {
		query := `SELECT name FROM pragma_table_info('` + out[i].name + `') ORDER BY name`
		if w.Engine == "postgres" {
			query = `SELECT column_name FROM information_schema.columns
				WHERE table_schema = current_schema() AND table_name = '` + out[i].name + `' ORDER BY column_name`
		}
		out[i].columns = slices.DeleteFunc(w.Texts(t, query), func(c string) bool { return slices.Contains(noise, c) })
		if len(out[i].columns) == 0 {
			t.Fatalf("there is no table %s", out[i].name)
		}
	}
	return out
}

// row is what one row says, by column; its table and its company are columns, too.
type row map[string]string

// between stands between the columns of a row. The hash of a secret can have any byte in it, but not this text.
const between = "\x1f|between|\x1f"

// snapshot reads every row that an administrator could change, by table, company and id.
func (o *office) snapshot() map[string]row {
	out := map[string]row{}
	for _, table := range o.tables {
		var texts []string
		for _, c := range table.columns {
			texts = append(texts, "COALESCE(CAST("+c+" AS TEXT), '')")
		}
		query := "SELECT " + strings.Join(texts, " || '"+between+"' || ") + " FROM " + table.name
		for _, line := range o.w.Texts(o.t, query) {
			one := row{"table": table.name}
			for i, value := range strings.Split(line, between) {
				one[table.columns[i]] = value
			}
			out[table.name+" "+one["tenant_id"]+" "+one[table.id]] = one
		}
	}
	return out
}

// difference names the columns of a row that two snapshots disagree about.
func difference(before, after row) []string {
	names := map[string]bool{}
	for name := range before {
		names[name] = names[name] || before[name] != after[name]
	}
	for name := range after {
		names[name] = names[name] || before[name] != after[name]
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names))
}

// ownersOnly are columns of a company that its admins do not set.
var ownersOnly = []string{"name", "choice", "roles", "covered_apps", "switched_off_at", "networks", "network_scope",
	"shadow_methods",
	"shadow_choice", "shadow_roles", "shadow_from", "shadow_until"}

// vendorsOnly are columns of a company that no one in it sets.
var vendorsOnly = []string{"kind", "tenant_id", "mandate", "mandate_from", "mandate_until", "suspended_at",
	"vendor_methods", "vendor_days"}

// judge holds what a step changed to what the actor's role may do. It reads the role as it was before.
func (o *office) judge(a *official, before, after map[string]row) {
	role := before["users "+a.of+" "+a.id]["role"]
	for _, key := range slices.Sorted(maps.Keys(union(before, after))) {
		was, is := before[key], after[key]
		changed := difference(was, is)
		if len(changed) == 0 {
			continue
		}
		table, of := strings.Fields(key)[0], was["tenant_id"]
		if was == nil {
			of = is["tenant_id"]
		}
		what := fmt.Sprintf("%s (%s) changes %s of %s: %v: %v -> %v", a.Email, role, key, of, changed, was, is)
		o.came[role+" changes "+table]++
		switch {
		case role == "agent" || role == "supervisor" || role == "support":
			broken("%s", what)
		case role != "operator" && (of != a.of || table == "clients"):
			broken("across companies: %s", what)
		case table == "users":
			o.judgePerson(a, role, was, is, changed, what)
		case table == "authenticators" && role != "operator":
			holder := before["users "+of+" "+was["user_id"]]
			if was != nil && rank(holder["role"]) >= rank(role) {
				broken("a method of someone who is not below: %s", what)
			}
		case table == "tenants" && role != "operator" && slices.ContainsFunc(changed, in(vendorsOnly)):
			broken("the vendor decides that: %s", what)
		case table == "tenants" && role == "admin" && slices.ContainsFunc(changed, in(ownersOnly)):
			broken("owners decide that: %s", what)
		}
	}
}

// judgePerson: an admin changes those below, an owner adds, invites and disables owners as well and does nothing else
// to them, an operator takes over no owner, and nobody changes their own account.
func (o *office) judgePerson(a *official, role string, was, is row, changed []string, what string) {
	own := was != nil && was["id"] == a.id
	wasRank, isRank := rank(was["role"]), rank(is["role"])
	switch {
	case own:
		broken("their own account: %s", what)
	case is == nil:
		broken("an account is gone: %s", what)
	case role == "admin" && slices.Contains(changed, "released_at") && is["released_at"] != "0":
		broken("an account is left to its mailbox: %s", what)
	case role == "admin" && max(wasRank, isRank) >= rank("admin"),
		role == "owner" && max(wasRank, isRank) > rank("owner"):
		broken("above: %s", what)
	case wasRank >= rank("owner") && slices.ContainsFunc(changed, in([]string{"role", "email", "email_key",
		"recovery_until", "released_at", "exempt_until"})):
		broken("an owner is taken over: %s", what)
	}
}

func in(list []string) func(string) bool {
	return func(s string) bool { return slices.Contains(list, s) }
}

func union(a, b map[string]row) map[string]row {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// owned: each company that had an active owner keeps one.
func (o *office) owned(before, after map[string]row) {
	count := func(all map[string]row, of string) (n int) {
		for _, one := range all {
			if one["tenant_id"] == of && one["role"] == "owner" && one["disabled_at"] == "0" {
				n++
			}
		}
		return n
	}
	for _, home := range o.homes {
		if count(before, home.ID) > 0 && count(after, home.ID) == 0 {
			broken("company %s has no owner left", home.ID)
		}
	}
}

// reads holds a page to whom it is for: someone of a company reads nothing of another one.
func (o *office) reads(a *official, pg *rig.Page, sent string) {
	if pg.Status >= 500 {
		broken("%s %s: status %d: %s", a.Email, pg.URL, pg.Status, rig.Quietly(pg.Text()))
	}
	if slices.Contains(o.staff, a) {
		return
	}
	for _, other := range o.people {
		if other.of != a.of && strings.Contains(pg.Body, other.Email) && !strings.Contains(sent, other.Email) {
			broken("%s reads %s of another company on %s", a.Email, other.Email, pg.URL)
		}
	}
	for _, home := range o.homes {
		name := "Company " + home.ID
		if home.ID != a.of && names(pg.Body, name) && !strings.Contains(sent, name) {
			broken("%s reads the name of another company on %s", a.Email, pg.URL)
		}
	}
}

// names reports whether a text holds a name that is not the beginning of a longer one.
func names(text, name string) bool {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, name)
		if !found {
			return false
		}
		if after == "" || after[0] < '0' || after[0] > '9' {
			return true
		}
		rest = after
	}
}
