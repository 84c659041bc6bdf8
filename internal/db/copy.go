package db

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Snapshot runs fn, which only reads. Unlike in View, all of its statements see the
// database as it is at one instant, however long it takes; others go on meanwhile. On
// SQLite the log beside the file cannot be shortened until it ends.
func (d *DB) Snapshot(ctx context.Context, fn func(*Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if d.Dialect == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	sqlTx, err := d.scans.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = sqlTx.Rollback() }() // nothing was written
	return fn(newTx(d, sqlTx, Installation))
}

// Table is a table as the database itself describes it.
type Table struct {
	Name    string
	Columns []Column
}

// Column is one column of a Table.
type Column struct {
	Name string
	Type ColumnType
}

// ColumnType is one of the few types that both engines share.
type ColumnType string

// The types.
const (
	Text    ColumnType = "text"
	Bigint  ColumnType = "bigint"
	Bytea   ColumnType = "bytea"
	Boolean ColumnType = "boolean"
)

// MigrationsTable says which migrations a database has seen; Migrate writes it.
const MigrationsTable = "schema_migrations"

var creating = regexp.MustCompile(`(?m)^CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)`)

// Tables lists the program's tables that exist in this database, MigrationsTable first and
// then in the order in which migrations make them: a table comes after those it refers to.
func (t *Tx) Tables(ctx context.Context) ([]Table, error) {
	names, err := tableNames()
	if err != nil {
		return nil, err
	}
	var out []Table
	for _, name := range names {
		columns, err := t.columns(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("describe table %s: %w", name, err)
		}
		if len(columns) > 0 {
			out = append(out, Table{Name: name, Columns: columns})
		}
	}
	return out, nil
}

// HasTable reports whether this database has a table.
func (t *Tx) HasTable(ctx context.Context, name string) (bool, error) {
	columns, err := t.columns(ctx, name)
	return len(columns) > 0, err
}

// tableNames reads the names off the migrations, which cannot refer to what is made later.
func tableNames() ([]string, error) {
	files, err := migrationNames()
	if err != nil {
		return nil, err
	}
	names := []string{MigrationsTable}
	for _, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, found := range creating.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(names, found[1]) {
				names = append(names, found[1])
			}
		}
	}
	return names, nil
}

func (t *Tx) columns(ctx context.Context, table string) (out []Column, err error) {
	query := `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`
	if t.db.Dialect == Postgres {
		query = `SELECT column_name, data_type FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`
	}
	rows, err := t.Query(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, declared string
		if err := rows.Scan(&name, &declared); err != nil {
			return nil, err
		}
		c := Column{Name: name, Type: ColumnType(strings.ToLower(declared))}
		if !slices.Contains([]ColumnType{Text, Bigint, Bytea, Boolean}, c.Type) {
			return nil, fmt.Errorf("column %s has the type %q, which the engines do not share", name, declared)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Migrations lists those that the database has seen, in order; none for an empty one.
func (t *Tx) Migrations(ctx context.Context) (names []string, err error) {
	if ok, err := t.HasTable(ctx, MigrationsTable); err != nil || !ok {
		return nil, err
	}
	return t.Texts(ctx, `SELECT name FROM schema_migrations ORDER BY name`)
}

// MigrateTo applies these migrations and no others, in order, and then also, in one
// transaction: a copy is restored into the schema that it was taken from, and brought up to
// date then.
func (d *DB) MigrateTo(ctx context.Context, names []string, also func(*Tx) error) error {
	return d.InTx(ctx, Installation, func(tx *Tx) error {
		if _, err := tx.Exec(ctx,
			`CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)`); err != nil {
			return err
		}
		known, err := migrationNames()
		if err != nil {
			return err
		}
		for _, name := range names {
			file := "migrations/" + name
			if !slices.Contains(known, file) {
				return fmt.Errorf(
					"the migration %s is not known here: use the program that made the copy, or a newer one", name)
			}
			if _, err := tx.applyMigration(ctx, file); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return also(tx)
	})
}
