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

// Unavailable reports whether err says that the database cannot work at the moment, though nothing
// is wrong with the statement: it is gone, starting, full, read-only, or busy for too long. The
// caller may try again later.
func Unavailable(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return unavailableCode(pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return unavailableSQLite(lite.Code() & 0xff) // the low byte is the kind
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errClosed) ||
		pgconn.Timeout(err)
}

// unavailableCode reports whether an error code of PostgreSQL (appendix A of its manual) is about
// connections, resources, an operator's intervention, a failure of the system, or a standby.
func unavailableCode(code string) bool {
	for _, class := range []string{"08", "53", "57P", "57014", "58", "25006"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

func unavailableSQLite(code int) bool {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}
