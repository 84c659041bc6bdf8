package notify

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/ratelimit"
)

// limitAlerts bounds how often the owners of a company get one kind of alert: an administrator can cause some of them
// again and again. The first ones arrive; what follows is in the activity. Each kind has a budget of its own, so that
// none hides another.
var limitAlerts = ratelimit.Limit{Name: "alert.company",
	Windows: []ratelimit.Window{{Count: 5, Per: time.Hour}, {Count: 20, Per: 24 * time.Hour}}}

// SendAlertToOwners sends an alert to the owners of tx.Tenant, unless they have had many of the same purpose. content
// writes it; the last one before a pause says when the next can come, so that silence is not taken for calm.
func (n *Notifier) SendAlertToOwners(
	ctx context.Context, tx *db.Tx, purpose string, content func(next time.Time) email.Content,
) error {
	key := ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limitAlerts, Subject: purpose}
	budget := ratelimit.Budgets{ratelimit.FromStored(key, nil)}
	if err := budget.Lock(ctx, tx); err != nil {
		return fmt.Errorf("read the alerts: %w", err)
	}
	if budget.Spend(tx) > 0 {
		return nil
	}
	if err := budget.Write(ctx, tx); err != nil {
		return fmt.Errorf("count an alert: %w", err)
	}
	var next time.Time
	if wait := budget[0].Wait(tx.Now); wait > 0 {
		next = tx.Now.Add(wait)
	}
	return n.SendToOwners(ctx, tx, Notice{Purpose: purpose, Content: content(next)})
}
