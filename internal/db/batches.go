package db

import (
	"context"
	"fmt"
	"time"
)

// batch keeps a deletion from holding the write lock for long.
const batch = 500

// DeleteOld sweeps what no one will ask for any more: it runs a DELETE until it finds no more, a few hundred rows at a time, each time in a
// transaction of its own, and returns how many rows went. $1, $2 and so on are the instants so
// long before now; the last parameter is the most rows that one run may take.
func (d *DB) DeleteOld(ctx context.Context, what, text string, keep ...time.Duration) (total int64, err error) {
	for n := int64(batch); n == batch; total += n {
		err := d.InTx(ctx, Installation, func(tx *Tx) (err error) {
			var args []any
			for _, k := range keep {
				args = append(args, tx.Now.Add(-k))
			}
			n, err = tx.Exec(ctx, text, append(args, batch)...)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep %s: %w", what, err)
		}
	}
	return total, nil
}
