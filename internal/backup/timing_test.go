package backup

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

// people makes the timing below run: go test -run TimeOfABackup -people 100000 -v
var people = flag.Int("people", 0, "how many people the timed copy holds; 0 leaves it out")

// perPerson is what each of them has: a method more than none, ten sign-ins and their record.
var perPerson = map[string]int{
	"users": 1, "directory": 1, "authenticators": 2, "passwords": 1, "outofband_addresses": 1,
	"flows": 3, "challenges": 3, "sessions": 3, "remembered_browsers": 1, "refresh_families": 1,
	"audit_events": 10, "messages": 3,
}

// TestTimeOfABackup measures a copy and its restore, on both engines. It asserts no time.
func TestTimeOfABackup(t *testing.T) {
	if *people == 0 {
		t.Skip("runs with -people")
	}
	for engine, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		d, keys := dbtest.Open(t, url(t), time.Now), secret.NewKeys(time.Now())
		in(t, d, func(tx *db.Tx) error {
			if err := (&keyring.Masters{DB: d, Keys: keys}).Register(t.Context(), tx); err != nil {
				return err
			}
			return audit.Begin(t.Context(), tx, keys)
		})
		crowd(t, d, *people)
		path := filepath.Join(t.TempDir(), "copy")
		from := time.Now()
		m, size, err := MakeFile(t.Context(), d, keys, "test", path, false, silent)
		if err != nil {
			t.Fatal(err)
		}
		made := time.Since(from)
		from = time.Now()
		to := bare(t, url(t))
		to.Now = time.Now
		r := Restoring{DB: to, Keys: keys, Because: "timed", Progress: silent,
			Open: func() (io.ReadCloser, error) { return os.Open(path) }}
		if _, _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d people, %d rows: copied in %s (%.0f rows/s), %.0f MB, restored in %s (%.0f rows/s)", engine,
			*people, m.Rows(),
			made.Round(time.Millisecond), float64(m.Rows())/made.Seconds(), float64(size)/1e6,
			time.Since(from).Round(time.Millisecond), float64(m.Rows())/time.Since(from).Seconds())
	}
}

func crowd(t *testing.T, d *db.DB, n int) {
	t.Helper()
	in(t, d, func(tx *db.Tx) error {
		tables, err := tx.Tables(t.Context())
		if err != nil {
			return err
		}
		if err := fillRow(t.Context(), tx, tables[indexOf(tables, "tenants")], 0); err != nil {
			return err
		}
		for _, table := range tables {
			if err := crowdOf(t.Context(), tx, table, valuesAtOnce[d.Dialect], n, perPerson[table.Name]); err != nil {
				return fmt.Errorf("%s: %w", table.Name, err)
			}
		}
		return nil
	})
}

func indexOf(tables []db.Table, name string) int {
	for i, t := range tables {
		if t.Name == name {
			return i
		}
	}
	return -1
}

// crowdOf inserts rows as a restore does. Ids of people are shared by all tables, the row's
// own id is its own.
func crowdOf(ctx context.Context, tx *db.Tx, table db.Table, values, n, each int) error {
	l := loader{tx: tx, table: CopiedTable{Table: table}, progress: func(int64) {}}
	most := max(1, values/len(table.Columns)) * len(table.Columns)
	for i := range n * each {
		person := fmt.Sprintf("u%07d", i/each)
		own := person
		if each > 1 {
			own = fmt.Sprintf("%s%d", person, i%each)
		}
		for _, c := range table.Columns {
			l.args = append(l.args, sample(table.Name, c, person, own, i))
		}
		if len(l.args) >= most {
			if err := l.insert(ctx); err != nil {
				return err
			}
		}
	}
	return l.insert(ctx)
}

func sample(table string, c db.Column, person, own string, i int) any {
	switch {
	case c.Name == "tenant_id":
		return "k0"
	case table == "users" && c.Name == "id", c.Name == "user_id":
		return person
	case table == "directory" && c.Name == "email_key":
		return person + "@people.example.test"
	case c.Name == "session_id":
		return person + "0"
	case c.Name == "flow_id", c.Name == "id":
		return own
	case c.Name == "authenticator_id":
		return person + "0"
	case c.Name == "hash":
		return "$argon2id$v=19$m=19456,t=2,p=1$" + noise(22) + "$" + noise(43)
	case c.Name == "seq":
		return int64(0)
	case c.Name == "sealed":
		return nil
	case c.Type == db.Bigint:
		return int64(1_790_000_000_000_000 + i)
	case c.Type == db.Bytea:
		return secret.Hash(own)
	}
	return "some words of " + c.Name
}
