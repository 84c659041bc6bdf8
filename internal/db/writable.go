package db

import (
	"context"
	"errors"
	"fmt"
)

// Writable returns nil when the database takes changes at this moment. On SQLite it makes
// one that changes nothing, because a full disk still lets everyone read. PostgreSQL is
// asked whether it follows another server or was made read-only.
func (d *DB) Writable(ctx context.Context) error {
	if d.Dialect == SQLite {
		return d.writeNothing(ctx)
	}
	var standby bool
	var readOnly string
	err := d.pool.QueryRowContext(ctx,
		`SELECT pg_is_in_recovery(), current_setting('transaction_read_only')`).Scan(&standby, &readOnly)
	switch {
	case err != nil:
		return fmt.Errorf("ask the database: %w", err)
	case standby:
		return ErrStandby
	case readOnly == "on":
		return errors.New("the database is read-only")
	}
	return nil
}

func (d *DB) writeNothing(ctx context.Context) error {
	err := d.InTx(ctx, Installation, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `UPDATE installation SET id = id`)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	return nil
}
