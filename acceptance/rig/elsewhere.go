package rig

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Elsewhere is the same installation on another database, which does not exist yet: the key
// file, the mail server and the folder are the world's. No program runs on it. It is gone
// with the test.
func (w *World) Elsewhere(t testing.TB, engine string) *World {
	t.Helper()
	other := &World{
		Engine:  engine,
		Sink:    w.Sink,
		Dir:     w.Dir,
		flavour: w.flavour,
		t:       t,
		bounces: w.bounces,
		clock:   w.clock,
		tenants: map[string]*Tenant{},
		apps:    map[string]*App{},
	}
	other.shift.Store(w.shift.Load())
	other.openDatabase(t, Options{Data: Folder(t)})
	other.config = other.writeConfig(t, "elsewhere-"+filepath.Base(Folder(t)), freeAddr(t), Options{})
	t.Cleanup(func() {
		if other.A != nil {
			other.A.Stop()
		}
		if engine == "postgres" {
			dropSchema(other.dsn)
		}
		_ = other.rows.Close()
	})
	return other
}

// Serve starts the first program of a world that has none.
func (w *World) Serve(t testing.TB) *Server {
	t.Helper()
	w.A = w.start(t, "serve-"+filepath.Base(w.config[:len(w.config)-len(".toml")]), Options{})
	return w.A
}

// Process prepares a subcommand that a test will stop or kill by itself.
func (w *World) Process(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Binary(t, w.flavour), append(args, "--config", w.config)...)
	cmd.Dir, cmd.Env = w.Dir, w.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// File is a path in the world's folder.
func (w *World) File(name string) string { return w.file(name) }

// SQLiteFile is the file of the world's database, empty on PostgreSQL.
func (w *World) SQLiteFile() string {
	path, ok := strings.CutPrefix(w.dsn, "sqlite:")
	if !ok {
		return ""
	}
	return path
}

// BrokenReferences counts rows that refer to rows which do not exist. PostgreSQL has none.
func (w *World) BrokenReferences(t testing.TB) int {
	t.Helper()
	if w.Engine != "sqlite" {
		return 0
	}
	handle, err := sql.Open("sqlite", "file:"+w.SQLiteFile())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = handle.Close() }()
	rows, err := handle.Query(`PRAGMA foreign_key_check`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		n++
	}
	return n
}

// NoDatabase is the address of a database that nothing has set up yet: in an empty folder, or
// an empty schema that is dropped with the test.
func NoDatabase(t testing.TB, engine string) (dsn, folder string) {
	t.Helper()
	folder = Folder(t)
	if engine == "sqlite" {
		return "sqlite:" + filepath.Join(folder, "house.db"), folder
	}
	dsn = newSchema(t, "")
	t.Cleanup(func() { dropSchema(dsn) })
	return dsn, folder
}

// CAFile is the certificate that this run's servers are signed with.
func (w *World) CAFile() string { return w.file("ca.pem") }

// BounceAddr is the address on which the program accepts delivery reports.
func (w *World) BounceAddr() string { return w.bounces }
