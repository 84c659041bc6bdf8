package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

// ErrNotEmpty says that the database to restore into holds data already.
var ErrNotEmpty = errors.New(
	"this database is not empty: a copy is restored into a new one only. For SQLite name a file that does not exist, for PostgreSQL create a new database; keep the old one until you are sure")

// The stages of a restore, as stored in the row of epochs whose number is 0.
const (
	stageNone   = ""
	stageBegun  = "restore begun"
	stageLoaded = "restore loaded"
)

// Restoring is one restore.
type Restoring struct {
	DB       *db.DB
	Keys     *secret.Keys
	Open     func() (io.ReadCloser, error) // the copy, from its beginning; may be called again
	Because  string
	Above    int64 // an epoch known from elsewhere; the new one is higher
	Notify   NotifyOwners
	Progress Progress
}

// Run puts a copy into an empty database, brings the schema up to date and raises the
// epoch. It may be killed at any moment and be run again: until the last commit nothing
// serves from the database, and the rows come in one transaction or not at all.
func (r *Restoring) Run(ctx context.Context) (Manifest, Epoch, error) {
	stage, err := r.checkStage(ctx)
	if err != nil {
		return Manifest{}, Epoch{}, err
	}
	m, err := r.readManifest()
	if err != nil {
		return m, Epoch{}, err
	}
	if stage != stageLoaded {
		if err := r.prepare(ctx, m); err != nil {
			return m, Epoch{}, err
		}
		if err := r.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error { return r.load(ctx, tx) }); err != nil {
			return m, Epoch{}, fmt.Errorf("restore: %w", err)
		}
	}
	if _, err := r.DB.Migrate(ctx); err != nil {
		return m, Epoch{}, fmt.Errorf("bring the schema up to date: %w", err)
	}
	e, err := r.finish(ctx)
	return m, e, err
}

// checkStage reads how far a restore into this database has come. It refuses a database that is in use.
func (r *Restoring) checkStage(ctx context.Context) (stage string, err error) {
	err = r.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		if stage, _, err = readStage(ctx, tx); err != nil || stage != stageNone {
			return err
		}
		tables, err := tx.Tables(ctx)
		if err == nil && len(tables) > 0 {
			err = ErrNotEmpty
		}
		return err
	})
	return stage, err
}

// readStage is the stage of an unfinished restore, and the instant of its copy.
func readStage(ctx context.Context, tx *db.Tx) (stage string, copyOf time.Time, err error) {
	if ok, err := tx.HasTable(ctx, "epochs"); err != nil || !ok {
		return stageNone, copyOf, err
	}
	err = tx.QueryRow(ctx, `SELECT because, copy_of FROM epochs WHERE number = 0`).Scan(&stage, db.ScanTime(&copyOf))
	if db.IsNoRows(err) {
		return stageNone, copyOf, nil
	}
	return stage, copyOf, err
}

// CheckFinished fails with ErrUnfinished while a restore into this database is not complete.
func CheckFinished(ctx context.Context, d *db.DB) error {
	return d.View(ctx, db.Installation, func(tx *db.Tx) error {
		stage, _, err := readStage(ctx, tx)
		if err == nil && stage != stageNone {
			err = ErrUnfinished
		}
		return err
	})
}

// openCopy opens the copy and reads its manifest; the rows come next.
func (r *Restoring) openCopy() (recordReader, Manifest, io.Closer, error) {
	f, err := r.Open()
	if err != nil {
		return recordReader{}, Manifest{}, nil, err
	}
	p, m, err := unpack(f, r.Keys)
	if err != nil {
		return recordReader{}, m, nil, errors.Join(err, f.Close())
	}
	return p, m, f, nil
}

func unpack(f io.Reader, keys *secret.Keys) (recordReader, Manifest, error) {
	sealed, _, err := newOpener(f, keys)
	if err != nil {
		return recordReader{}, Manifest{}, err
	}
	packed, err := gzip.NewReader(sealed)
	if err != nil {
		return recordReader{}, Manifest{}, asDamaged(err)
	}
	p := recordReader{bufio.NewReaderSize(packed, chunkSize)}
	m, err := p.readManifest()
	return p, m, err
}

func (r *Restoring) readManifest() (Manifest, error) {
	_, m, f, err := r.openCopy()
	if err != nil {
		return m, err
	}
	return m, f.Close()
}

// Verify reads a copy to its end and changes nothing: it is whole, and these keys open it.
func Verify(f io.Reader, keys *secret.Keys) (Manifest, error) {
	p, m, err := unpack(f, keys)
	if err != nil {
		return m, err
	}
	for _, t := range m.Tables {
		row, n := make([]any, len(t.Columns)), int64(0)
		for more := true; more; n++ {
			if more, err = p.readRow(row); err != nil {
				return m, fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		if n-1 != t.Rows {
			return m, fmt.Errorf("table %s: %w", t.Name, ErrDamaged)
		}
	}
	return m, p.expectEnd()
}

// prepare creates the schema of the copy and marks the restore as unfinished.
func (r *Restoring) prepare(ctx context.Context, m Manifest) error {
	return r.DB.MigrateTo(ctx, m.Migrations, func(tx *db.Tx) error {
		return setStage(ctx, tx, stageBegun, m.TakenAt)
	})
}

func setStage(ctx context.Context, tx *db.Tx, stage string, copyOf time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO epochs (number, because, copy_of, raised_at, acknowledged_at)
		VALUES (0, $1, $2, $3, 0)
		ON CONFLICT (number) DO UPDATE SET because = excluded.because`, stage, copyOf, tx.Now)
	return err
}

// load inserts every row. It reads the copy to its very end, because the seal covers it all.
func (r *Restoring) load(ctx context.Context, tx *db.Tx) error {
	p, m, f, err := r.openCopy()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	tables, err := tx.Tables(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM epochs WHERE number = 0`); err != nil {
		return err
	}
	done, total := int64(0), m.Rows()
	for _, t := range m.Tables {
		if err := checkTable(tables, t.Table); err != nil {
			return err
		}
		l := loader{
			tx:       tx,
			table:    t,
			values:   valuesAtOnce[r.DB.Dialect],
			progress: func(n int64) { r.Progress(done+n, total) },
		}
		if err := l.run(ctx, p); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		done += t.Rows
	}
	if err := errors.Join(p.expectEnd(), r.checkKeys(ctx, tx)); err != nil {
		return err
	}
	return setStage(ctx, tx, stageLoaded, m.TakenAt)
}

// checkTable compares a table of the copy with the schema that its migrations made.
func checkTable(tables []db.Table, t db.Table) error {
	i := slices.IndexFunc(tables, func(h db.Table) bool { return h.Name == t.Name })
	if i < 0 || !slices.Equal(tables[i].Columns, t.Columns) {
		return fmt.Errorf("the copy's table %s is not the one that its migrations make", t.Name)
	}
	return nil
}

// checkKeys refuses a key file that lacks a generation which the copy needs.
func (r *Restoring) checkKeys(ctx context.Context, tx *db.Tx) error {
	return (&keyring.Masters{DB: r.DB, Keys: r.Keys}).Holds(ctx, tx)
}

// finish raises the epoch and ends the restore, in one commit.
func (r *Restoring) finish(ctx context.Context) (e Epoch, err error) {
	err = r.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		stage, copyOf, err := readStage(ctx, tx)
		if err != nil || stage != stageLoaded {
			return errors.Join(err, errors.New("another restore has finished here"))
		}
		if _, err := tx.Exec(ctx, `DELETE FROM epochs WHERE number = 0`); err != nil {
			return err
		}
		e, err = Raise(ctx, tx, r.Because, copyOf, r.Above, r.Notify)
		return err
	})
	return e, err
}

// loader inserts the rows of one table, many with one statement.
type loader struct {
	tx       *db.Tx
	table    CopiedTable
	progress func(int64)
	args     []any
	done     int64

	values int // at once
}

// valuesAtOnce is how many values one statement takes. SQLite's driver looks for each among
// all of them, PostgreSQL waits for each answer.
var valuesAtOnce = map[db.Dialect]int{db.SQLite: 40, db.Postgres: 2000}

func (l *loader) run(ctx context.Context, p recordReader) error {
	width := len(l.table.Columns)
	most := max(1, l.values/width) * width
	row := make([]any, width)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := p.readRow(row)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if l.args = append(l.args, row...); len(l.args) == most {
			if err := l.insert(ctx); err != nil {
				return err
			}
		}
	}
	if err := l.insert(ctx); err != nil {
		return err
	}
	if l.done != l.table.Rows {
		return ErrDamaged
	}
	return nil
}

func (l *loader) insert(ctx context.Context) error {
	if len(l.args) == 0 {
		return nil
	}
	width := len(l.table.Columns)
	var b strings.Builder
	b.WriteString(`INSERT INTO ` + l.table.Name + ` (` + strings.Join(columnNames(l.table.Table), ", ") + `) VALUES `)
	for i := range l.args {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")")
	n, err := l.tx.Exec(ctx, b.String(), l.args...)
	if err != nil {
		return err
	}
	before := l.done
	l.done, l.args = l.done+n, l.args[:0]
	if l.done/progressEvery != before/progressEvery {
		l.progress(l.done)
	}
	return nil
}
