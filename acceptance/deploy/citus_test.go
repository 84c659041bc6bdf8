package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	distributed, alone := map[string]bool{}, map[string]bool{}
	for _, m := range spread.FindAllStringSubmatch(script, -1) {
		if _, twice := distributed[m[2]]; twice {
			t.Errorf("%s stands there twice", m[2])
		}
		alone[m[2]] = m[1] == "distributed" && strings.HasPrefix(m[3], ", NULL, colocate_with => 'none'")
		distributed[m[2]] = m[1] == "distributed" && !alone[m[2]]
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
		if alone[from] || alone[to] {
			t.Errorf("%s (%s to %s) refers to what lies on one machine", name, from, to)
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

// TestCitusServes runs the program on a Citus cluster, whose coordinator TEST_POSTGRES_URL names where TEST_CITUS is
// set: sign-ins with a code that is asked for again, tokens, mail, and the record of it all.
// guard: planByKey leaves the choice of plans to a cluster, and each statement of a sign-in is about one company
func TestCitusServes(t *testing.T) {
	if os.Getenv("TEST_CITUS") == "" {
		t.Skip("TEST_CITUS is not set")
	}
	w := rig.New(t, "postgres", rig.Options{})
	t.Cleanup(w.Close)
	for _, m := range spread.FindAllString(text(t, "deploy/citus.sql"), -1) {
		if _, err := w.Rows().Exec(m); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
	w.Restart(t, rig.Options{})
	b := w.StartAs(t, "b", rig.Release)
	t.Cleanup(b.Kill)
	company, app := w.Covered(t), w.Dashboard(t)
	for _, u := range []*rig.User{company.User(t), w.Covered(t).User(t)} {
		p := w.Person(t)
		visit := app.Visit()
		p.Visit(visit)
		p.Password(u.Email, "wrong")
		p.Password(u.Email, u.Password)
		w.Sink.Code(t, u.Email, 1)
		rig.Within(t, 2*time.Minute, "a new code", func() bool {
			p.Via(b).NewCode()
			return len(w.Sink.Codes(u.Email)) == 2
		})
		tokens := app.Via(b).Finish(t, visit, p.Code(w.Sink.Code(t, u.Email, 2).Code))
		if _, err := app.Refresh(tokens.Raw.RefreshToken); err != nil {
			t.Error(err)
		}
	}
	w.Drained(t)
	w.CLI(t, "audit", "verify")
}
