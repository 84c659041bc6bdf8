package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"
)

// Server is what the database engine says about itself.
type Server struct {
	Version string
	Standby bool // PostgreSQL: it follows another server and takes no changes

	// SQLite's journal and synchronous, or PostgreSQL's fsync, full_page_writes,
	// synchronous_commit and synchronous_standby_names.
	settings map[string]string
}

// Server asks the engine what it is and how it keeps what it confirms.
func (d *DB) Server(ctx context.Context) (Server, error) {
	if d.Dialect == SQLite {
		return d.sqliteServer(ctx)
	}
	var fsync, pages, commit, standbys string
	var s Server
	err := d.pool.QueryRowContext(ctx, `
		SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('fsync'),
			current_setting('full_page_writes'),
			current_setting('synchronous_commit'), current_setting('synchronous_standby_names')`).
		Scan(&s.Version, &s.Standby, &fsync, &pages, &commit, &standbys)
	s.settings = map[string]string{"fsync": fsync, "full_page_writes": pages, "synchronous_commit": commit,
		"synchronous_standby_names": standbys}
	return s, err
}

// sqliteServer looks at the connection that writes: its settings are the ones that count.
func (d *DB) sqliteServer(ctx context.Context) (s Server, err error) {
	var journal, synchronous string
	err = d.InTx(ctx, Installation, func(tx *Tx) error {
		if err := tx.QueryRow(ctx, `SELECT sqlite_version()`).Scan(&s.Version); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `PRAGMA synchronous`).Scan(&synchronous)
	})
	s.settings = map[string]string{"journal_mode": journal, "synchronous": synchronous}
	return s, err
}

// DurabilityProblems names every setting by which the engine may lose what it has confirmed, and
// what to do about it (REL-10).
func (s Server) DurabilityProblems() error {
	var found []error
	wrong := func(bad bool, words string) {
		if bad {
			found = append(found, errors.New(words))
		}
	}
	is := func(name, value string) bool { return s.settings[name] == value }
	wrong(is("fsync", "off"),
		"PostgreSQL runs with fsync = off: a power cut can lose or corrupt everything; set fsync = on")
	wrong(is("full_page_writes", "off"),
		"PostgreSQL runs with full_page_writes = off: a power cut can corrupt pages; set full_page_writes = on")
	wrong(is("synchronous_commit", "off"),
		"PostgreSQL runs with synchronous_commit = off: a crash brings spent codes and ended sessions back to life; set synchronous_commit = on")
	wrong(is("synchronous_commit", "local") && !is("synchronous_standby_names", ""),
		"PostgreSQL runs with synchronous_commit = local beside synchronous standbys: a promoted one lacks what was confirmed; set synchronous_commit = on")
	if journal, sqlite := s.settings["journal_mode"]; sqlite {
		wrong(journal != "wal",
			"SQLite does not keep a write-ahead log here (journal_mode = "+journal+"): put the file on a local disk")
		wrong(!is("synchronous", "2"),
			"SQLite does not wait for the disk (synchronous = "+s.settings["synchronous"]+", wanted 2)")
	}
	return errors.Join(found...)
}

// ErrStandby says that the database follows another one and takes no changes.
var ErrStandby = errors.New(
	`this PostgreSQL is a standby: name the primary in database.url, or all of them with target_session_attrs=read-write`)

// ClockSkew is how far the database's clock is ahead of ours, as near to zero as the time that
// the question took allows. On SQLite there is one clock only.
func (d *DB) ClockSkew(ctx context.Context) (time.Duration, error) {
	if d.Dialect == SQLite {
		return 0, nil
	}
	best, slack := time.Duration(0), time.Duration(-1)
	for range 3 { // the first question may open a connection
		skew, took, err := d.measureSkew(ctx)
		if err != nil {
			return 0, fmt.Errorf("ask the database for the time: %w", err)
		}
		if slack < 0 || took < slack {
			best, slack = skew, took
		}
		if slack < 200*time.Millisecond {
			break
		}
	}
	switch {
	case best > slack/2:
		return best - slack/2, nil
	case best < -slack/2:
		return best + slack/2, nil
	}
	return 0, nil
}

func (d *DB) measureSkew(ctx context.Context) (skew, took time.Duration, err error) {
	var us int64
	before := d.Now()
	err = d.pool.QueryRowContext(ctx, `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`).Scan(&us)
	took = d.Now().Sub(before)
	return Time(us).Sub(before.Add(took / 2)), took, err
}

// Size is the space that the data takes, in bytes, and that of SQLite's write-ahead log,
// which is zero on PostgreSQL.
func (d *DB) Size(ctx context.Context) (data, log int64, err error) {
	if d.Dialect == SQLite {
		return fileSize(d.location.file), fileSize(d.location.file + "-wal"), nil
	}
	err = d.pool.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&data)
	return data, 0, err
}

// Path is SQLite's file, empty on PostgreSQL.
func (d *DB) Path() string { return d.location.file }

// fileSize is zero where there is no file.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Schema compares the database with this program and changes nothing: what has yet to be
// applied, and what a newer program has applied.
func (d *DB) Schema(ctx context.Context) (missing, unknown []string, err error) {
	ours, err := migrationNames()
	if err != nil {
		return nil, nil, err
	}
	applied := map[string]bool{}
	err = d.View(ctx, Installation, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `SELECT name FROM schema_migrations`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			applied[name] = true
		}
		return rows.Err()
	})
	if err != nil && !noTable(err) {
		return nil, nil, err
	}
	for _, name := range ours {
		if !applied[path.Base(name)] {
			missing = append(missing, path.Base(name))
		}
		delete(applied, path.Base(name))
	}
	for name := range applied {
		unknown = append(unknown, name)
	}
	return missing, unknown, nil
}

// noTable holds for a database that no program has set up yet.
func noTable(err error) bool {
	return strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "42P01")
}
