package audit

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// Failing is a company in which many sign-ins failed.
type Failing struct {
	Tenant           string
	Failed, Accounts int
}

// ListFailing lists the tenants with at least so many wrong passwords and codes since an instant, and more of them than
// sign-ins that were finished: where many people sign in, many mistype something.
func ListFailing(ctx context.Context, d *db.DB, since time.Time, atLeast int) (out []Failing, err error) {
	err = d.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT tenant_id, SUM(CASE WHEN result = $1 THEN 1 ELSE 0 END),
				COUNT(DISTINCT CASE WHEN result = $1 THEN user_id END)
			FROM audit_events
			WHERE at >= $2 AND personal_salt IS NOT NULL AND seq > 0
				AND (result = $1 AND action IN ($3, $4) OR action = $5 AND result = $6)
			GROUP BY tenant_id
			HAVING SUM(CASE WHEN result = $1 THEN 1 ELSE -1 END) > 0
				AND SUM(CASE WHEN result = $1 THEN 1 ELSE 0 END) >= $7`,
			string(Failed), since, string(SignInPassword), string(SignInSecondFactor), string(SignInCompleted),
			string(OK), atLeast)
		out, err = db.Collect(rows, err, func(row db.Row) (f Failing, err error) {
			err = row.Scan(&f.Tenant, &f.Failed, &f.Accounts)
			return f, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list failing sign-ins: %w", err)
	}
	return out, nil
}

// failuresRead is how many events of a person FailuresOf looks at.
const failuresRead = 100

// FailuresOf counts the wrong passwords and codes of a person's account since an instant, and since the last sign-in
// with a second step, among its newest hundred events.
func FailuresOf(ctx context.Context, tx *db.Tx, userID string, since time.Time) (n int, err error) {
	rows, err := tx.Query(ctx, `
		SELECT action, result, reason FROM audit_events
		WHERE tenant_id = $1 AND user_id = $2 AND at >= $3
		ORDER BY id DESC LIMIT $4`, tx.Tenant, userID, since, failuresRead)
	events, err := db.Collect(rows, err, func(row db.Row) (e Event, err error) {
		err = row.Scan(&e.Action, &e.Result, &e.Reason)
		return e, err
	})
	if err != nil {
		return 0, fmt.Errorf("read events: %w", err)
	}
	for _, e := range events {
		switch {
		case e.Action == SignInCompleted && e.Reason != ReasonRemembered:
			return n, nil
		case e.Result == Failed && (e.Action == SignInPassword || e.Action == SignInSecondFactor):
			n++
		}
	}
	return n, nil
}

// ReasonRemembered is the reason of a sign-in that was finished without a second step in a remembered browser.
const ReasonRemembered = "remembered_browser"
