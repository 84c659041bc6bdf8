package acceptance

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// No command but serve, migrate and restore makes a database: each says that there is none.
func TestCLI_NoCommandMakesADatabase(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		dsn, folder := rig.NoDatabase(t, w.Engine)
		file := filepath.Join(folder, "a.backup")
		env := []string{"COUNTERSIGN_DATABASE_URL=" + dsn,
			"COUNTERSIGN_KEY_FILE=" + filepath.Join(folder, "countersign.key")}
		tried := 0
		for _, c := range every(&rig.User{Email: "sam@example.test", Tenant: &rig.Tenant{ID: "acme"}},
			"app", "made", file) {
			if slices.Contains([]string{"version", "migrate", "config", "healthcheck", "doctor", "restore"},
				c.args[0]) {
				continue
			}
			said, code := w.Run(t, env, c.args...)
			if code != 5 || !strings.Contains(said,
				"there is no database yet: run countersign serve or countersign migrate first") {
				t.Errorf("%v: %d, %s", c.args, code, said)
			}
			tried++
		}
		if _, code := w.Run(t, env, "doctor"); code != 1 {
			t.Errorf("doctor: %d", code)
		}
		left, err := os.ReadDir(folder)
		if err != nil || len(left) != 0 {
			t.Errorf("after %d commands there are %v, %v", tried, left, err)
		}
		if w.Engine == "postgres" && tables(t, dsn) != 0 {
			t.Error("a command made tables")
		}
		if said, code := w.Run(t, env, "migrate"); code != 0 {
			t.Errorf("migrate: %d, %s", code, said)
		}
		if said, code := w.Run(t, env, "tenant", "list"); code != 0 || strings.Contains(said, "no database") {
			t.Errorf("after migrate: %d, %s", code, said)
		}
	})
}

func tables(t *testing.T, dsn string) (n int) {
	t.Helper()
	d, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.QueryRow(`SELECT count(*) FROM information_schema.tables
		WHERE table_schema = current_schema()`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Commands need the database and the key file: no address of the sign-in pages and no mail
// server. serve needs both, and what is given must be right.
func TestCLI_CommandsNeedNoMailServer(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.NewTenant(t).User(t)
		bare := []string{"COUNTERSIGN_DATABASE_URL=" + w.DSN(),
			"COUNTERSIGN_KEY_FILE=" + filepath.Join(w.Dir, "countersign.key")}
		id := w.Unique("bare")
		for _, args := range [][]string{
			{"tenant", "create", "--id", id, "--name", "Bare"},
			{"tenant", "set", id, "--name", "Barer"},
			{"tenant", "list"},
			{"user", "create", "--tenant", id, "--email", id + "@example.test", "--name", "Sam", "--no-invitation"},
			{"user", "set", u.Email, "--role", "admin"},
			{"user", "set", u.Email, "--disable", "--yes"},
			{"user", "set", u.Email, "--enable"},
			{"user", "show", u.Email},
			{"client", "create", "--id", id, "--name", "Bare", "--redirect-uri", "https://bare.example.test/callback"},
			{"client", "show", id},
			{"client", "disable", id, "--yes"},
			{"policy", "explain", "--user", u.Email},
			{"installation", "show"},
			{"audit", "verify", "--tenant", id},
			{"keys", "list"},
		} {
			if said, code := w.Run(t, bare, args...); code != 0 {
				t.Errorf("%v: %d, %s", args, code, said)
			}
		}
		said, code := w.Run(t, bare, "user", "create", "--tenant", id, "--email", "second-"+id+"@example.test",
			"--name", "Sam")
		if says(t, said, "public_url is missing: an invitation carries a link"); code != 5 {
			t.Errorf("an invitation without an address: %d", code)
		}
		said, code = w.Run(t, bare, "serve")
		if says(t, said, "public_url is missing", "smtp.host is missing"); code != 5 {
			t.Errorf("serve: %d", code)
		}
		said, code = w.Run(t, append(bare, "COUNTERSIGN_PUBLIC_URL=nonsense"), "tenant", "list")
		if says(t, said, "public_url"); code != 5 {
			t.Errorf("a wrong address: %d, %s", code, said)
		}
	})
}
