package client

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/ratelimit"
)

// limitRefused bounds what strangers can write to the log and the installation's audit trail
// by sending wrong requests: so many of one client and one reason.
var limitRefused = ratelimit.Limit{
	Name:    "client.refused",
	Windows: []ratelimit.Window{{Count: 6, Per: 10 * time.Minute}, {Count: 30, Per: 24 * time.Hour}},
}

// RecordRefusal writes to the installation's audit trail that an app was refused. recorded is
// false where there have been too many of the same subject.
func RecordRefusal(ctx context.Context, d *db.DB, subject string, e audit.Event) (recorded bool, err error) {
	err = d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		wait, err := ratelimit.SpendIn(ctx, tx, limitRefused, subject)
		if recorded = err == nil && wait == 0; !recorded {
			return err
		}
		return audit.Record(ctx, tx, e)
	})
	if err != nil {
		return false, fmt.Errorf("record a refused app: %w", err)
	}
	return recorded, nil
}
