package notify

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/ratelimit"
)

// limitAlerts bounds how often the owners of a company get one kind of alert: an administrator can cause some of them
// again and again. The first ones arrive; what follows is in the activity. Each kind has a budget of its own, so that
// none hides another.
var limitAlerts = ratelimit.Limit{Name: "alert.company",
	Windows: []ratelimit.Window{{Count: 5, Per: time.Hour}, {Count: 20, Per: 24 * time.Hour}}}

// SendAlertToOwners sends a notice to the owners of tx.Tenant, unless they have had many of the same purpose.
func (n *Notifier) SendAlertToOwners(ctx context.Context, tx *db.Tx, notice Notice) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitAlerts, notice.Purpose)
	if err != nil {
		return fmt.Errorf("spend an alert: %w", err)
	}
	if wait > 0 {
		return nil
	}
	return n.SendToOwners(ctx, tx, notice)
}
