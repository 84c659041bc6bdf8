// Package dbtest opens throwaway databases for tests, one per engine. It refuses to
// pass where PostgreSQL is missing: a test that ran on one engine has not run.
package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Each runs fn once per engine, on a migrated database of its own.
func Each(t *testing.T, now func() time.Time, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, Open(t, SQLiteURL(t), now)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Open(t, PostgresURL(t), now)) })
}

// Open opens and migrates the database at dsn, and closes it when the test ends. A new
// SQLite file begins as a copy of one that was migrated before, in the same test binary:
// under the race detector the migrations cost half a second of computing each time.
func Open(t testing.TB, dsn string, now func() time.Time) *db.DB {
	t.Helper()
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		begin(t, path)
	}
	d, err := db.Open(t.Context(), dsn, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	applied, err := d.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if script := os.Getenv("TEST_CITUS"); script != "" && len(applied) > 0 && d.Dialect == db.Postgres {
		distribute(t, dsn, script)
	}
	return d
}

// distribute spreads the tables of a new database over the machines of a Citus cluster. TEST_CITUS
// names the script, which is deploy/citus.sql, and TEST_POSTGRES_URL the coordinator.
func distribute(t testing.TB, dsn, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("default_query_exec_mode", "simple_protocol") // a text of several statements cannot be prepared
	u.RawQuery = q.Encode()
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if _, err := admin.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatalf("distribute the tables: %v", err)
	}
}

// migrated is an SQLite file in which every migration has been done, and nothing else.
var migrated struct {
	once sync.Once
	file []byte
}

// begin puts the migrated file at path, unless something is there.
func begin(t testing.TB, path string) {
	t.Helper()
	migrated.once.Do(func() { migrated.file = migrate(t, filepath.Join(t.TempDir(), "migrated.db")) })
	if migrated.file == nil {
		t.Fatal("the migrations failed in the test before")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(migrated.file)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// migrate makes a database at path and returns the file.
func migrate(t testing.TB, path string) []byte {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite:"+path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Migrate(t.Context())
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = raw.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`) // everything in the one file
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// SQLiteURL names a new file.
func SQLiteURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "house.db") }

// PostgresURL names a new schema on the server at TEST_POSTGRES_URL.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("TEST_POSTGRES_URL is not set: run ./test, or scripts/postgres start and export what it prints")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "t" + secret.NewID(time.Now(), 0)
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		_ = admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
