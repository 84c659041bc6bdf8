package db

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Row is what one row of a result is read from: *sql.Row and *sql.Rows.
type Row interface{ Scan(dest ...any) error }

// Instant scans an instant from its stored form, see Micros.
type Instant time.Time

// ScanTime makes a field the target of a Scan. Nothing is allocated for it.
func ScanTime(t *time.Time) *Instant { return (*Instant)(t) }

// Scan implements sql.Scanner.
func (i *Instant) Scan(stored any) error {
	us, ok := stored.(int64)
	if !ok {
		return fmt.Errorf("an instant is stored as a number, not as %T", stored)
	}
	*i = Instant(Time(us))
	return nil
}

// ForEach gives every row of a query to read and closes the rows. It takes what Query returns.
func ForEach(rows *sql.Rows, err error, read func(Row) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // an error while reading comes from Err
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Collect reads every row of a query and closes the rows. It takes what Query returns.
func Collect[T any](rows *sql.Rows, err error, scan func(Row) (T, error)) ([]T, error) {
	var out []T
	err = ForEach(rows, err, func(row Row) error {
		value, err := scan(row)
		out = append(out, value)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// EscapeLike makes text mean itself in a pattern of LIKE … ESCAPE '\'.
func EscapeLike(text string) string { return likeEscaper.Replace(text) }
