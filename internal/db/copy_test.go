package db_test

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// Both engines describe one schema, and every table comes after those it refers to.
func TestEnginesDescribeTheSameTables(t *testing.T) {
	var seen [][]db.Table
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		err := d.Snapshot(t.Context(), func(tx *db.Tx) error {
			tables, err := tx.Tables(t.Context())
			seen = append(seen, tables)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if len(seen) != 2 || len(seen[0]) < 20 {
		t.Fatalf("%d engines", len(seen))
	}
	if !slices.EqualFunc(seen[0], seen[1],
		func(a, b db.Table) bool { return a.Name == b.Name && slices.Equal(a.Columns, b.Columns) }) {
		t.Errorf("the engines differ:\n%v\n%v", seen[0], seen[1])
	}
	place := map[string]int{}
	for i, table := range seen[0] {
		place[table.Name] = i
	}
	if place["tenants"] > place["users"] || place["flows"] > place["challenges"] ||
		place["sessions"] > place["refresh_families"] {
		t.Errorf("out of order: %v", place)
	}
}

// What is committed while a snapshot is open is not in it.
func TestASnapshotIsOneInstant(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		count := func(tx *db.Tx) (n int) {
			if err := tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM clients`).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		err := d.Snapshot(t.Context(), func(tx *db.Tx) error {
			if n := count(tx); n != 0 {
				t.Errorf("%d clients", n)
			}
			err := d.InTx(t.Context(), db.Installation, func(w *db.Tx) error {
				_, err := w.Exec(t.Context(), `INSERT INTO clients (id, name, kind, home_url, exempt_until,
					created_at, disabled_at) VALUES ('c', 'c', 'public', '', 0, 0, 0)`)
				return err
			})
			if n := count(tx); n != 0 {
				t.Errorf("%d clients after someone else's commit", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
