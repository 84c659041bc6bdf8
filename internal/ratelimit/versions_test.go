package ratelimit

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

var threeAnHour = Limit{Name: "password.account", Windows: []Window{{Count: 3, Per: time.Hour}}}

// spendBefore takes a try as the version before does: of the installation's row in budgets.
func spendBefore(t *testing.T, d *db.DB, subject string) (tries int) {
	t.Helper()
	in(t, d, func(ctx context.Context, tx *db.Tx) error {
		var kept []byte
		err := tx.QueryRow(ctx, `SELECT stamps FROM budgets WHERE tenant_id = $1 AND name = $2 AND subject = $3`,
			db.Installation, threeAnHour.Name, subject).Scan(&kept)
		if err != nil && !db.IsNoRows(err) {
			return err
		}
		stamps, tags := decode(kept)
		tries = len(stamps) + 1
		_, err = tx.Exec(ctx, `INSERT INTO budgets (tenant_id, name, subject, stamps, touched_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, name, subject) DO UPDATE SET stamps = excluded.stamps`,
			db.Installation, threeAnHour.Name, subject, encode(append(stamps, tx.Now), append(tags, 0)),
			endOfDay(tx.Now))
		return err
	})
	return tries
}

// rows counts the rows of the installation's budgets: in the old table and in their own.
func rows(t *testing.T, d *db.DB) (before, own int) {
	t.Helper()
	in(t, d, func(ctx context.Context, tx *db.Tx) error {
		return errors.Join(
			tx.QueryRow(ctx, `SELECT COUNT(*) FROM budgets WHERE tenant_id = $1`, db.Installation).Scan(&before),
			tx.QueryRow(ctx, `SELECT COUNT(*) FROM installation_budgets`).Scan(&own))
	})
	return before, own
}

func TestANewInstallationKeepsItsBudgetsOnce(t *testing.T) {
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		for range 2 {
			if err := Spend(t.Context(), d, db.Installation, threeAnHour, "x"); err != nil {
				t.Fatal(err)
			}
		}
		if before, own := rows(t, d); before != 0 || own != 1 {
			t.Errorf("%d rows in the old table, %d in the new one", before, own)
		}
	})
}

// TestTwoVersionsSpendOneBudget: what one version has counted counts at the other, from before the upgrade on.
func TestTwoVersionsSpendOneBudget(t *testing.T) {
	now := start
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		now = start
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DROP TABLE installation_budgets`)
			if err == nil {
				_, err = tx.Exec(ctx, `DELETE FROM schema_migrations WHERE name = $1`, tableMigration)
			}
			return err
		})
		spendBefore(t, d, "x")
		now = now.Add(time.Minute)
		if applied, err := d.Migrate(t.Context()); err != nil || len(applied) != 1 {
			t.Fatal(applied, err)
		}
		if before, own := rows(t, d); before != 1 || own != 1 {
			t.Errorf("after the upgrade: %d rows in the old table, %d in the new one", before, own)
		}
		now = now.Add(time.Minute)
		if err := Spend(t.Context(), d, db.Installation, threeAnHour, "x"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		if tries := spendBefore(t, d, "x"); tries != 3 {
			t.Errorf("the version before counts %d tries", tries)
		}
		if err := Spend(t.Context(), d, db.Installation, threeAnHour, "x"); err == nil {
			t.Error("a fourth try after one before the upgrade and one at each version")
		}
		spendBefore(t, d, "y") // only the version before knows it
		read(t, d, "y", 1)
		now = now.Add(time.Hour)
		read(t, d, "x", 3)
		refundTry(t, d, "x")
		read(t, d, "x", 2)
		if n, err := Sweep(t.Context(), d); n != 0 || err != nil {
			t.Errorf("%d swept, %v", n, err)
		}
		now = now.Add(longestWindow + 3*day)
		if n, err := Sweep(t.Context(), d); n != 3 || err != nil {
			t.Errorf("%d swept, %v", n, err)
		}
	})
}

// TestAWriteOverATryOfTheOtherVersion: it was faster, so the unit of work runs again and counts its try, too.
func TestAWriteOverATryOfTheOtherVersion(t *testing.T) {
	now := start
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		in(t, d, func(ctx context.Context, tx *db.Tx) error { // as if the other migrations had been applied before
			_, err := tx.Exec(ctx, `UPDATE schema_migrations SET applied_at = applied_at - 1 WHERE name <> $1`,
				tableMigration)
			return err
		})
		key := BudgetKey{Tenant: db.Installation, Limit: threeAnHour, Subject: "x"}
		var early Budgets
		err := d.View(t.Context(), "t1", func(tx *db.Tx) (err error) {
			early, err = Read(t.Context(), tx, key, BudgetKey{Tenant: "t1", Limit: threeAnHour, Subject: "x"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		spendBefore(t, d, "x")
		now = now.Add(time.Second)
		runs := 0
		in(t, d, func(ctx context.Context, tx *db.Tx) error {
			if runs++; tx.Attempt > 1 {
				if err := early.Lock(ctx, tx); err != nil {
					return err
				}
			}
			early.Spend(tx)
			return early.Write(ctx, tx)
		})
		if runs != 2 {
			t.Errorf("ran %d times", runs)
		}
		read(t, d, "x", 2)
	})
}

// read expects a number of tries.
func read(t *testing.T, d *db.DB, subject string, want int) {
	t.Helper()
	in(t, d, func(ctx context.Context, tx *db.Tx) error {
		l, err := Read(ctx, tx, BudgetKey{Tenant: db.Installation, Limit: threeAnHour, Subject: subject})
		if err == nil && l[0].Used(tx.Now, day) != want {
			t.Errorf("%s: %d tries, want %d", subject, l[0].Used(tx.Now, day), want)
		}
		return err
	})
}

func refundTry(t *testing.T, d *db.DB, subject string) {
	t.Helper()
	in(t, d, func(ctx context.Context, tx *db.Tx) error {
		l, err := Read(ctx, tx, BudgetKey{Tenant: db.Installation, Limit: threeAnHour, Subject: subject})
		if err != nil {
			return err
		}
		l[0].RefundTry()
		return l.Write(ctx, tx)
	})
}
