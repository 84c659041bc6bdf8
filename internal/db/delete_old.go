package db

import (
	"context"
	"fmt"
	"time"
)

// rowsPerDelete keeps a deletion from holding the write lock for long.
const rowsPerDelete = 500

// DeleteOld deletes rows that are no longer needed, and returns how many. It runs the DELETE again
// and again until there are no more, a few hundred rows at a time, each time in a transaction of its
// own. $1, $2 and so on are the instants so long before now; the last parameter is the most rows
// that one run may delete.
func (d *DB) DeleteOld(ctx context.Context, what, text string, keep ...time.Duration) (total int64, err error) {
	for n := int64(rowsPerDelete); n == rowsPerDelete; total += n {
		err := d.InTx(ctx, Installation, func(tx *Tx) (err error) {
			var args []any
			for _, k := range keep {
				args = append(args, tx.Now.Add(-k))
			}
			n, err = tx.Exec(ctx, text, append(args, rowsPerDelete)...)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep %s: %w", what, err)
		}
	}
	return total, nil
}
