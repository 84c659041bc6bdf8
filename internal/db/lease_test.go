package db_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// empty runs fn with the address of a database in which nothing is, on both engines.
func empty(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, dbtest.SQLiteURL(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, dbtest.PostgresURL(t)) })
}

func open(t *testing.T, dsn string, now func() time.Time) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestOfTwoMigratorsOneWaits(t *testing.T) {
	empty(t, func(t *testing.T, dsn string) {
		var wg sync.WaitGroup
		var applied, worked atomic.Int64
		for range 3 {
			d := open(t, dsn, time.Now)
			wg.Go(func() {
				names, err := d.Migrate(t.Context())
				if err != nil {
					t.Error(err)
				}
				if len(names) > 0 {
					worked.Add(1)
				}
				applied.Add(int64(len(names)))
			})
		}
		wg.Wait()
		d := open(t, dsn, time.Now)
		missing, _, err := d.Schema(t.Context())
		if err != nil || len(missing) > 0 || worked.Load() != 1 || applied.Load() < 20 {
			t.Errorf("%d migrators applied %d migrations, %v missing, %v", worked.Load(), applied.Load(), missing, err)
		}
		if until := heldUntil(t, d); until != 0 {
			t.Errorf("the lock is still held until %d", until)
		}
	})
}

// TestADeadMigratorsLockEndsByItself: its lease ends, and the next one goes on.
func TestADeadMigratorsLockEndsByItself(t *testing.T) {
	empty(t, func(t *testing.T, dsn string) {
		var late atomic.Int64
		d := open(t, dsn, func() time.Time { return time.Now().Add(time.Duration(late.Load())) })
		err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `
				CREATE TABLE migration_lock (id TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL,
					held_until BIGINT NOT NULL)`)
			if err != nil {
				return err
			}
			_, err = tx.Exec(t.Context(), `INSERT INTO migration_lock (id, holder, held_until)
				VALUES ('schema', 'dead', $1)`,
				tx.Now.Add(time.Minute))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		soon, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if names, err := d.Migrate(soon); !errors.Is(err, context.DeadlineExceeded) || len(names) > 0 {
			t.Errorf("while another migrates: %v, %v", names, err)
		}
		late.Store(int64(2 * time.Minute))
		if names, err := d.Migrate(t.Context()); err != nil || len(names) < 20 {
			t.Errorf("after the lease: %v, %v", names, err)
		}
	})
}

func heldUntil(t *testing.T, d *db.DB) (until int64) {
	t.Helper()
	err := d.View(t.Context(), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT held_until FROM migration_lock WHERE id = 'schema'`).Scan(&until)
	})
	if err != nil {
		t.Fatal(err)
	}
	return until
}

// TestScansUseTheServersSettings: only statements that go by a key are planned for that.
func TestScansUseTheServersSettings(t *testing.T) {
	d := dbtest.Open(t, dbtest.PostgresURL(t), time.Now)
	settings := func(ctx context.Context) (modes [2]string) {
		read := func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan')`).
				Scan(&modes[0], &modes[1])
		}
		for _, run := range []func(context.Context, string, func(*db.Tx) error) error{d.View, d.InTx} {
			before := modes
			if err := run(ctx, db.Installation, read); err != nil {
				t.Fatal(err)
			}
			if before[0] != "" && before != modes {
				t.Errorf("a view has %v, a unit of work %v", before, modes)
			}
		}
		return modes
	}
	if got := settings(t.Context()); got != [2]string{"force_generic_plan", "off"} {
		t.Errorf("by key: %v", got)
	}
	if got := settings(db.UseServerDefaults(t.Context())); got != [2]string{"auto", "on"} {
		t.Errorf("scans: %v", got)
	}
}
