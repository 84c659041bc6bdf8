package db_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

func TestInstantsAreReadAsTheyWereWritten(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000, time.UTC)
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		for _, want := range []time.Time{at, {}, db.Forever} {
			got := time.Now()
			err := d.View(t.Context(), "t1", func(tx *db.Tx) error {
				return tx.QueryRow(t.Context(), `SELECT CAST($1 AS BIGINT)`, want).Scan(db.ScanTime(&got))
			})
			if err != nil || got != want {
				t.Errorf("%v became %v, %v", want, got, err)
			}
		}
	})
	var kept time.Time
	for _, bad := range []any{nil, "1", 1.5, at} {
		if err := db.ScanTime(&kept).Scan(bad); err == nil {
			t.Errorf("%T was read as an instant", bad)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = db.ScanTime(&kept) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCollectClosesWhatItReads(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		bad := errors.New("bad")
		err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
			for range 20 { // more than there are connections
				rows, err := tx.Query(t.Context(), `SELECT name FROM schema_migrations`)
				_, err = db.Collect(rows, err, func(db.Row) (string, error) { return "", bad })
				if !errors.Is(err, bad) {
					t.Errorf("the error was lost: %v", err)
				}
			}
			if _, err := db.Collect(nil, bad, func(db.Row) (string, error) { return "", nil }); !errors.Is(err, bad) {
				t.Errorf("the error of the query was lost: %v", err)
			}
			names, err := tx.Texts(t.Context(), `SELECT name FROM schema_migrations ORDER BY name`)
			if len(names) < 10 || !slices.IsSorted(names) {
				t.Errorf("read %q", names)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestGivingUpNamesTheOperation(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		tries := 0
		err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
			tries++
			return db.ErrConflict
		})
		if !errors.Is(err, db.ErrConflict) || tries != 5 ||
			!strings.HasPrefix(err.Error(), "db_test.TestGivingUpNamesTheOperation") {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
}
