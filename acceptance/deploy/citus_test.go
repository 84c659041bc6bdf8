package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

var (
	spread  = regexp.MustCompile(`(?m)^SELECT create_(reference|distributed)_table\('([a-z_]+)'(.*)\);$`)
	dropped = regexp.MustCompile(`(?m)^ALTER TABLE ([a-z_]+) DROP CONSTRAINT ([a-z_]+);$`)
)

// TestCitusTablesAreTheSchemas holds deploy/citus.sql to the schema that PostgreSQL really
// has: every table once, distributed by the first column of its key, and no foreign key left
// that Citus would refuse (a reference across companies, or from a reference table).
// guard: the list in deploy/citus.sql
func TestCitusTablesAreTheSchemas(t *testing.T) {
	w := rig.New(t, "postgres", rig.Options{})
	t.Cleanup(w.Close)
	script := text(t, "deploy/citus.sql")
	distributed := map[string]bool{}
	for _, m := range spread.FindAllStringSubmatch(script, -1) {
		if _, twice := distributed[m[2]]; twice {
			t.Errorf("%s stands there twice", m[2])
		}
		distributed[m[2]] = m[1] == "distributed"
		if distributed[m[2]] && !strings.HasPrefix(m[3], ", 'tenant_id'") {
			t.Errorf("%s is not distributed by tenant_id", m[2])
		}
	}
	tables := w.Texts(t, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1`)
	for table := range distributed {
		if !slices.Contains(tables, table) {
			t.Errorf("there is no table %s", table)
		}
	}
	for _, table := range tables {
		apart, named := distributed[table]
		if !named {
			t.Errorf("deploy/citus.sql does not say where %s lies", table)
		}
		if begins := keys(t, w, table); apart != begins {
			t.Errorf("%s: distributed %v, but its unique keys begin with tenant_id: %v", table, apart, begins)
		}
	}
	gone := map[string]bool{}
	for _, m := range dropped.FindAllStringSubmatch(script, -1) {
		gone[m[2]] = true
	}
	for _, row := range w.Texts(t, `SELECT conname || ' ' || conrelid::regclass || ' ' || confrelid::regclass || ' ' ||
			(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) || ' ' ||
			(SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1])
		FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`) {
		f := strings.Fields(row)
		name, from, to := f[0], f[1], f[2]
		if gone[name] {
			delete(gone, name)
			continue
		}
		if distributed[to] && (!distributed[from] || f[3] != "tenant_id" || f[4] != "tenant_id") {
			t.Errorf("%s (%s to %s) is a reference that Citus refuses", name, from, to)
		}
	}
	if len(gone) > 0 || len(tables) < 20 {
		t.Errorf("no such constraint: %v; %d tables", gone, len(tables))
	}
}

// keys reports whether every unique key of a table begins with tenant_id.
func keys(t *testing.T, w *rig.World, table string) bool {
	t.Helper()
	return w.Number(t, fmt.Sprintf(`SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
		AND a.attnum = i.indkey[0]
		WHERE i.indrelid = '%s'::regclass AND i.indisunique AND a.attname <> 'tenant_id'`, table)) == 0
}
