package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// firstMigration is the one that creates epochs; older schemas are not copied.
const firstMigration = "0004_epochs.sql"

// progressEvery is how many rows lie between two reports of progress.
const progressEvery = 10_000

// ErrExists says that a file is there already.
var ErrExists = errors.New("the file exists already: choose another name, or replace it with --force")

// MakeFile writes a copy to a new file with mode 0600, which appears whole or not at all.
// An existing file is replaced only if force is set.
func MakeFile(ctx context.Context, d *db.DB, keys *secret.Keys, program, path string, force bool,
	progress Progress) (m Manifest, size int64, err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return m, 0, fmt.Errorf("%s: %w", path, ErrExists)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".countersign-backup-*") // mode 0600
	if err != nil {
		return m, 0, fmt.Errorf("write the copy: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when it got its name
	m, err = Make(ctx, d, keys, program, tmp, progress)
	if err != nil {
		return m, 0, errors.Join(err, tmp.Close())
	}
	info, err := tmp.Stat()
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return m, 0, fmt.Errorf("write the copy: %w", err)
	}
	if err := moveToPath(tmp.Name(), path, force); err != nil {
		return m, 0, fmt.Errorf("name the copy: %w", err)
	}
	return m, info.Size(), syncFolder(filepath.Dir(path))
}

// moveToPath gives the finished file its name. Without force a file that appeared meanwhile stays.
func moveToPath(made, path string, force bool) error {
	if force {
		return os.Rename(made, path)
	}
	return os.Link(made, path)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Make writes a copy of everything in the database, as it is at one instant, while others
// go on using it.
func Make(ctx context.Context, d *db.DB, keys *secret.Keys, program string, to io.Writer,
	progress Progress) (m Manifest, err error) {
	sealed, err := newSealer(to, keys, newHead(keys, d.Now()))
	if err != nil {
		return m, err
	}
	packed, err := gzip.NewWriterLevel(sealed, gzip.BestSpeed)
	if err != nil {
		return m, err
	}
	w := &recordWriter{to: bufio.NewWriterSize(packed, chunkSize)}
	err = d.Snapshot(ctx, func(tx *db.Tx) (err error) {
		if m, err = describeDatabase(ctx, tx, program, d.Dialect); err != nil {
			return err
		}
		if err := w.writeManifest(m); err != nil {
			return err
		}
		return w.writeTables(ctx, tx, m, progress)
	})
	if err != nil {
		return m, fmt.Errorf("copy: %w", err)
	}
	if err := errors.Join(w.to.Flush(), packed.Close(), sealed.Close()); err != nil {
		return m, fmt.Errorf("write the copy: %w", err)
	}
	return m, nil
}

func describeDatabase(ctx context.Context, tx *db.Tx, program string, engine db.Dialect) (m Manifest, err error) {
	m = Manifest{TakenAt: tx.Now, Program: program, Engine: engine}
	if m.Migrations, err = tx.Migrations(ctx); err != nil {
		return m, err
	}
	if !slices.Contains(m.Migrations, firstMigration) {
		return m, errors.New("the database's schema is not up to date: run countersign migrate first")
	}
	tables, err := tx.Tables(ctx)
	if err != nil {
		return m, err
	}
	for _, t := range tables {
		if t.Name == db.MigrationsTable {
			continue // Migrations has it
		}
		c := CopiedTable{Table: t}
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM `+t.Name).Scan(&c.Rows); err != nil {
			return m, fmt.Errorf("count %s: %w", t.Name, err)
		}
		m.Tables = append(m.Tables, c)
	}
	last, err := LatestEpoch(ctx, tx)
	m.Epoch = last.Number
	return m, err
}

func (w *recordWriter) writeTables(ctx context.Context, tx *db.Tx, m Manifest, progress Progress) error {
	done, total := int64(0), m.Rows()
	for _, t := range m.Tables {
		n, err := w.writeTable(ctx, tx, t.Table, func(n int64) {
			if (done+n)%progressEvery == 0 {
				progress(done+n, total)
			}
		})
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
		if n != t.Rows {
			return fmt.Errorf("copy table %s: %d rows of %d", t.Name, n, t.Rows)
		}
		done += n
	}
	return nil
}

func (w *recordWriter) writeTable(
	ctx context.Context, tx *db.Tx, t db.Table, progress func(int64),
) (n int64, err error) {
	rows, err := tx.Query(ctx, `SELECT `+strings.Join(columnNames(t), ", ")+` FROM `+t.Name)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	values, to := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		to[i] = &values[i]
	}
	for ; rows.Next(); n++ {
		if err := rows.Scan(to...); err != nil {
			return n, err
		}
		for i, c := range t.Columns {
			if values[i], err = copiedForm(values[i], c.Type); err != nil {
				return n, fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		if err := w.writeRow(values); err != nil {
			return n, err
		}
		progress(n + 1)
	}
	w.writeByte(endOfRows)
	return n, errors.Join(rows.Err(), w.err)
}

func columnNames(t db.Table) []string {
	out := make([]string, 0, len(t.Columns))
	for _, c := range t.Columns {
		out = append(out, c.Name)
	}
	return out
}
