package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate applies every migration the database has not seen, in order, forward only, in one
// transaction. Replicas that start together wait for one another at the migration lock.
func (d *DB) Migrate(ctx context.Context) (applied []string, err error) {
	missing, _, err := d.Schema(ctx)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	ctx = UseServerDefaults(ctx)
	for {
		holder, err := d.lockMigrations(ctx)
		if err != nil {
			return nil, fmt.Errorf("wait for other replicas: %w", err)
		}
		applied, err = d.migrateAs(ctx, holder)
		if !errors.Is(err, errLeaseLost) {
			return applied, errors.Join(err, d.unlockMigrations(ctx, holder, err))
		}
	}
}

// migrateAs applies what is missing while holder has the lock, and gives the lock back with
// the same commit. The lock's row is written first: anyone who takes the lock over, because the
// lease ended meanwhile, waits for this transaction.
func (d *DB) migrateAs(ctx context.Context, holder string) (applied []string, err error) {
	err = d.InTx(ctx, Installation, func(tx *Tx) error {
		applied = nil
		if err := tx.renewLease(ctx, holder, tx.Now.Add(migrationLease)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx,
			`CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)`); err != nil {
			return err
		}
		names, err := migrationNames()
		if err != nil {
			return err
		}
		for _, name := range names {
			did, err := tx.applyMigration(ctx, name)
			if err != nil {
				return fmt.Errorf("%s: %w", path.Base(name), err)
			}
			if did {
				applied = append(applied, path.Base(name))
			}
		}
		return tx.renewLease(ctx, holder, time.Time{})
	})
	return applied, err
}

func migrationNames() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	sort.Strings(names)
	return names, err
}

func (t *Tx) applyMigration(ctx context.Context, name string) (bool, error) {
	n, err := t.Exec(ctx, `INSERT INTO schema_migrations (name, applied_at) VALUES ($1, $2)
		ON CONFLICT (name) DO NOTHING`, path.Base(name), t.Now)
	if err != nil || n == 0 {
		return false, err
	}
	text, err := migrations.ReadFile(name)
	if err != nil {
		return false, err
	}
	return true, t.execScript(ctx, string(text))
}

// execScript runs a text of several statements, which cannot be prepared.
func (t *Tx) execScript(ctx context.Context, text string) error {
	if t.db.writer != nil {
		_, err := t.db.writer.conn.ExecContext(ctx, text)
		return err
	}
	p, ok := t.on.(*pipeline)
	if !ok {
		return errors.New("a script needs a unit of work")
	}
	if _, err := p.flush(ctx); err != nil {
		return err
	}
	_, err := p.conn.ExecContext(ctx, text)
	return err
}

// UpgradedBy reports whether the database was in use before a migration was applied. Then programs
// of the version before may run beside this one, and know nothing of what the migration made.
func (t *Tx) UpgradedBy(ctx context.Context, migration string) (upgraded bool, err error) {
	if known, ok := t.db.upgraded.Load(migration); ok {
		return known.(bool), nil
	}
	err = t.on.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM schema_migrations f
			WHERE f.name < m.name AND f.applied_at <> m.applied_at)
		FROM schema_migrations m WHERE m.name = $1`, migration).Scan(&upgraded)
	if err != nil {
		return false, fmt.Errorf("read when %s was applied: %w", migration, err)
	}
	t.db.upgraded.Store(migration, upgraded)
	return upgraded, nil
}
