package flow

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Close ends one flow; only the first caller gets true.
func Close(ctx context.Context, tx *db.Tx, id, because string) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE flows SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, id)
	return n > 0, err
}

// CloseAll ends every flow of a user that is under way, in the unit of work that takes something
// away from the account: none may go on with what was shown before (SEC-50, SEC-64).
func CloseAll(ctx context.Context, tx *db.Tx, userID, because string) error {
	_, err := tx.Exec(ctx, `
		UPDATE flows SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, userID)
	return err
}

// CloseStepUps ends the step-ups that a session of a user began.
func CloseStepUps(ctx context.Context, tx *db.Tx, userID, sessionID, because string) error {
	_, err := tx.Exec(ctx, `
		UPDATE flows SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND stepping_up = $5 AND closed_at = 0`,
		tx.Now, because, tx.Tenant, userID, sessionID)
	return err
}

// Lock takes the row of a flow until the transaction ends. It reports false where the flow has
// ended.
func Lock(ctx context.Context, tx *db.Tx, id string) (open bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE flows SET sends = sends
		WHERE tenant_id = $1 AND id = $2 AND closed_at = 0`, tx.Tenant, id)
	return n > 0, err
}

// Disown records, once, that the owner of the account says that a flow was not theirs. It
// reports false where that was said before, or where the flow began before since.
func Disown(ctx context.Context, tx *db.Tx, id string, since time.Time) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE flows SET disowned_at = $1
		WHERE tenant_id = $2 AND id = $3 AND disowned_at = 0 AND started_at > $4`, tx.Now, tx.Tenant, id, since)
	return n > 0, err
}

// Chain lists a flow and the step-ups from its session, also one that set something up and was
// not finished: the person who made the one made the others.
func Chain(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	return tx.Texts(ctx, `
		WITH RECURSIVE line (id) AS (
			SELECT f.id FROM flows f WHERE f.tenant_id = $1 AND f.id = $2
			UNION SELECT n.flow_id FROM line l
				JOIN sessions s ON s.tenant_id = $1 AND s.flow_id = l.id
				JOIN sessions n ON n.tenant_id = $1 AND n.user_id = s.user_id AND n.continues = s.id
				JOIN flows f ON f.tenant_id = $1 AND f.id = n.flow_id AND f.stepping_up = s.id)
		SELECT l.id FROM line l
		UNION SELECT f.id FROM line l
			JOIN sessions s ON s.tenant_id = $1 AND s.flow_id = l.id
			JOIN authenticators a ON a.tenant_id = $1 AND a.user_id = s.user_id AND a.bound_in <> ''
			JOIN flows f ON f.tenant_id = $1 AND f.id = a.bound_in AND f.stepping_up = s.id`, tx.Tenant, id)
}

// Kept is how long flows stay after their end, for "this wasn't me" and for questions.
const Kept = 30 * 24 * time.Hour
