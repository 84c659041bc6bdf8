package db_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// A question that is wrong stays wrong; a database that is away comes back.
func TestREL007_WhatIsWorthComingBackFor(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		wrong := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), `INSERT INTO nowhere (x) VALUES (1)`)
			return err
		})
		over, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		late := d.View(over, db.Installation, func(tx *db.Tx) error {
			var n int
			return tx.QueryRow(over, `SELECT 1`).Scan(&n)
		})
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		closed := d.InTx(t.Context(), db.Installation, func(*db.Tx) error { return nil })
		if db.Unavailable(nil) || db.Unavailable(errors.New("x")) || wrong == nil || db.Unavailable(wrong) ||
			late == nil || !db.Unavailable(late) || closed == nil || d.Dialect == db.SQLite && !db.Unavailable(closed) {
			t.Errorf("wrong %v, late %v, closed %v", wrong, late, closed)
		}
	})
	for code, want := range map[string]bool{"57P01": true, "57014": true, "53100": true, "25006": true, "08006": true,
		"58030": true, "23505": false, "42P01": false, "40001": false, "57000": false} {
		if db.Unavailable(fmt.Errorf("x: %w", &pgconn.PgError{Code: code})) != want {
			t.Errorf("%s: not %t", code, want)
		}
	}
	if !db.Unavailable(fmt.Errorf("x: %w", &net.OpError{Op: "read", Err: errors.New("reset")})) {
		t.Error("a broken connection")
	}
}
