package db

import (
	"errors"
	"fmt"
	"os"
)

// location is where the data is: a file of SQLite, or the address of PostgreSQL.
type location struct {
	file, dsn string
	mark      *os.File // held by the one program that serves from a file
	listeners listeners
}

// ErrTaken says that another program serves from the same SQLite file.
var ErrTaken = errors.New(
	"another countersign serves from this database file: stop it first, or use PostgreSQL for several replicas")

// ServeAlone keeps every other program from serving from the same SQLite file, until Close
// or the end of the process. Commands that only look or change something need not ask. On
// PostgreSQL any number may serve. The mark is a file of its own, beside the data: locks on
// SQLite's own file are SQLite's.
func (d *DB) ServeAlone() error {
	if d.location.file == "" || d.location.mark != nil {
		return nil
	}
	f, err := os.OpenFile(d.location.file+".serving", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("mark the database file as served: %w", err)
	}
	if err := tryLock(f); err != nil {
		return errors.Join(err, f.Close())
	}
	d.location.mark = f
	return nil
}

// Served reports whether some program serves from this SQLite file.
func (d *DB) Served() bool {
	f, err := os.Open(d.location.file + ".serving")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(tryLock(f), ErrTaken)
}

// releaseMark gives the mark back. The file stays: to remove it would let two programs hold a
// lock on two files of one name.
func (h *location) releaseMark() error {
	if h.mark == nil {
		return nil
	}
	return h.mark.Close()
}
