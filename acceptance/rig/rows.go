package rig

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Dump returns everything at rest: the files of SQLite, or every row of PostgreSQL.
func (w *World) Dump(t testing.TB) []byte {
	t.Helper()
	var all bytes.Buffer
	if w.Engine == "sqlite" {
		for _, suffix := range []string{"", "-wal"} {
			raw, err := os.ReadFile(w.file("house.db") + suffix)
			if err != nil && suffix == "" {
				t.Fatal(err)
			}
			all.Write(raw)
		}
		return all.Bytes()
	}
	for _, table := range w.Texts(t, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = current_schema()`) {
		for _, row := range w.Texts(t, fmt.Sprintf(`SELECT row_to_json(x)::text || x::text FROM %s x`, table)) {
			all.WriteString(row + "\n")
		}
	}
	return all.Bytes()
}

// Tamper writes to the rows behind the program's back.
func (w *World) Tamper(t testing.TB, statement string, args ...any) {
	t.Helper()
	handle, done := w.writing(t)
	defer done()
	if _, err := handle.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// write writes rows in one transaction.
func (w *World) write(t testing.TB, statements ...string) {
	t.Helper()
	handle, done := w.writing(t)
	defer done()
	tx, err := handle.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// writing is a handle that may write, until done.
func (w *World) writing(t testing.TB) (handle *sql.DB, done func()) {
	t.Helper()
	if w.Engine != "sqlite" {
		return w.rows, func() {}
	}
	path := strings.TrimPrefix(w.dsn, "sqlite:")
	// the program writes, too
	handle, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	return handle, func() { _ = handle.Close() }
}

// Rows is the database at rest, to be read.
func (w *World) Rows() *sql.DB { return w.rows }

// FaultsFile is where a rigged program looks for an order to die or to fail; internal/db
// says how it is written.
func (w *World) FaultsFile() string { return w.file("faults") }

// PID is the process of the program.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Printed waits until the program has written what a pattern's group matches.
func (s *Server) Printed(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(Slack * 5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if found := re.FindStringSubmatch(s.Log()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("nothing printed that matches %s:\n%s", pattern, s.Log())
	return ""
}

// Half opens a connection, sends the beginning of a request and leaves it there.
func (p *Person) Half(beginning string) (func(), error) {
	conn, err := p.connect()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte(beginning)); err != nil {
		return nil, err
	}
	return func() { _ = conn.Close() }, nil
}
