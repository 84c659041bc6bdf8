package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unavailable reports whether err says that the database cannot do its work for now,
// though nothing is wrong with the question: it is gone, starting, full, read-only, or
// busy for longer than anyone waits. What was asked may be asked again later.
func Unavailable(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return unable(pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return unwritable(lite.Code() & 0xff) // the low byte is the kind
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errClosed) ||
		pgconn.Timeout(err)
}

// unable lists the classes and codes of PostgreSQL (appendix A of its manual): connections,
// resources, an operator's intervention, failures of the system; a standby.
func unable(code string) bool {
	for _, class := range []string{"08", "53", "57P", "57014", "58", "25006"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

func unwritable(code int) bool {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}
