package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

func put(ctx context.Context, tx *db.Tx, subject string) error {
	_, err := tx.Exec(ctx, `INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at)
		VALUES ($1, $2, $3, $4, $5)`,
		tx.Tenant, "n", subject, []byte{}, tx.Now)
	return err
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.View(t.Context(), "t1", func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM budgets WHERE tenant_id = $1`, tx.Tenant).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigrateIsIdempotent(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		applied, err := d.Migrate(t.Context())
		if err != nil || len(applied) != 0 {
			t.Fatalf("second run applied %v, %v", applied, err)
		}
	})
}

func TestEachCallerKeepsItsOwnFate(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ours := errors.New("ours")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
					if err := put(t.Context(), tx, fmt.Sprint(i)); err != nil {
						return err
					}
					if i%3 == 0 {
						return ours
					}
					return nil
				})
				if (i%3 == 0) != errors.Is(err, ours) {
					t.Errorf("unit %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 40 {
			t.Errorf("%d rows, want 40", n)
		}
	})
}

func TestPanicLosesOnlyItsOwnUnit(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if recover() != "boom" {
					t.Error("the panic did not come back to its caller")
				}
			}()
			_ = d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
				_ = put(t.Context(), tx, "lost")
				panic("boom")
			})
		}()
		if err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error { return put(t.Context(), tx, "kept") }); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

func TestGuardedUpdateHasOneWinner(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		if err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error { return put(t.Context(), tx, "once") }); err != nil {
			t.Fatal(err)
		}
		var wins int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				var n int64
				err := d.InTx(t.Context(), "t1", func(tx *db.Tx) (err error) {
					n, err = tx.Exec(t.Context(), `UPDATE budgets SET name = $1
						WHERE tenant_id = $2 AND subject = $3 AND name = $4`, "spent", tx.Tenant, "once", "n")
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				wins += int(n)
				mu.Unlock()
			})
		}
		wg.Wait()
		if wins != 1 {
			t.Errorf("%d winners", wins)
		}
	})
}

func TestOnCommitRunsOnlyAfterCommit(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ran := 0
		_ = d.InTx(t.Context(), "t1", func(tx *db.Tx) error { tx.OnCommit(func() { ran++ }); return errors.New("no") })
		if ran != 0 {
			t.Error("ran after a failure")
		}
		if err := d.InTx(t.Context(), "t1",
			func(tx *db.Tx) error { tx.OnCommit(func() { ran++ }); return nil }); err != nil || ran != 1 {
			t.Error(ran, err)
		}
	})
}

func TestACancelledCallerDoesNotTearDownOthers(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = d.InTx(ctx, "t1", func(tx *db.Tx) error { close(entered); cancel(); return put(ctx, tx, "cancelled") })
		})
		<-entered
		if err := d.InTx(t.Context(), "t1",
			func(tx *db.Tx) error { return put(t.Context(), tx, "other") }); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := count(t, d); n < 1 {
			t.Error("the other caller's row is missing")
		}
	})
}

func TestSameSchemaOnBothEngines(t *testing.T) {
	columns := map[string]map[string]bool{}
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		query := `SELECT m.name || '.' || p.name || CASE WHEN p."notnull" = 1 THEN ' required' ELSE '' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'`
		if d.Dialect == db.Postgres {
			query = `SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'NO' THEN ' required' ELSE '' END FROM information_schema.columns WHERE table_schema = current_schema()`
		}
		found := map[string]bool{}
		err := d.View(t.Context(), "", func(tx *db.Tx) error {
			rows, err := tx.Query(t.Context(), query)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				found[s] = true
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		columns[string(d.Dialect)] = found
	})
	if len(columns) != 2 {
		t.Fatal("one engine could not be read")
	}
	if len(columns["sqlite"]) < 100 {
		t.Fatalf("only %d columns read", len(columns["sqlite"]))
	}
	for c := range columns["sqlite"] {
		if !columns["postgres"][c] {
			t.Errorf("%s is not in postgres", c)
		}
	}
	for c := range columns["postgres"] {
		if !columns["sqlite"][c] {
			t.Errorf("%s is not in sqlite", c)
		}
	}
}

func BenchmarkDurableCommit(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("sqlite/%d", clients), func(b *testing.B) {
			d := dbtest.Open(b, dbtest.SQLiteURL(b), time.Now)
			if err := d.InTx(b.Context(), "t1",
				func(tx *db.Tx) error { return put(b.Context(), tx, "hot") }); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(clients)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_ = d.InTx(b.Context(), "t1", func(tx *db.Tx) error {
						_, err := tx.Exec(b.Context(), `UPDATE budgets SET touched_at = $1
							WHERE tenant_id = $2 AND subject = $3`, tx.Now, tx.Tenant, "hot")
						return err
					})
				}
			})
		})
	}
}

func TestOnlyTheOwnerReadsTheFile(t *testing.T) {
	dsn := dbtest.SQLiteURL(t)
	d, err := db.Open(t.Context(), dsn, time.Now) // the program's own way to make a file
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(strings.TrimPrefix(dsn, "sqlite:") + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("database%s: %v, %v", suffix, info.Mode(), err)
		}
	}
}

func TestNothingIsReadAfterTheCallerHasGone(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		one := func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT COUNT(*) FROM schema_migrations`).Scan(new(int))
		}
		some := func(tx *db.Tx) error {
			rows, err := tx.Query(ctx, `SELECT name FROM schema_migrations`)
			if err == nil {
				err = rows.Close()
			}
			return err
		}
		for _, read := range []func(*db.Tx) error{one, some} {
			if err := d.View(ctx, "t1", read); err != nil {
				t.Error(err)
			}
		}
		cancel()
		for _, read := range []func(*db.Tx) error{one, some} {
			if err := d.View(ctx, "t1", read); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}
