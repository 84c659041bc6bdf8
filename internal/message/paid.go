package message

import (
	"context"
	"errors"
	"fmt"

	"countersign/internal/db"
)

// MaxSubmits is how often a message may be handed to someone who takes money for it and
// then does not say whether they have it: the second time is the last (REL-13).
const MaxSubmits = 2

// ErrSubmitted says that a message was handed over as often as it may be, or waits no more.
var ErrSubmitted = errors.New("handed over as often as it may be")

// TakeSubmit counts a handing-over before it is made, so that one that no one survived to
// write down counts as well. n is 1 for the first.
func TakeSubmit(ctx context.Context, tx *db.Tx, id string) (n int, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE messages SET submits = submits + 1
		WHERE tenant_id = $1 AND id = $2 AND submits < $3 AND state IN ('queued', 'delayed') AND sealed IS NOT NULL
		RETURNING submits`, tx.Tenant, id, MaxSubmits).Scan(&n)
	if db.IsNoRows(err) {
		return 0, ErrSubmitted
	}
	if err != nil {
		return 0, fmt.Errorf("count a submit: %w", err)
	}
	return n, nil
}

// ReturnSubmit takes a count back when it is certain that no one has taken the message.
func ReturnSubmit(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET submits = submits - 1
		WHERE tenant_id = $1 AND id = $2 AND submits > 0`, tx.Tenant, id)
	return err
}

// Handed remembers the name under which a carrier reports on a message.
func Handed(ctx context.Context, tx *db.Tx, id, handle string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET handed_as = $1 WHERE tenant_id = $2 AND id = $3`, handle, tx.Tenant, id)
	return err
}

// Received records a report that names the message as its carrier does (see Handed). It
// returns ErrNotOurs where no message is called so.
func (c *Courier) Received(ctx context.Context, handle string, state State, host string) error {
	var tenant, id string
	err := c.DB.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT tenant_id, id FROM messages
			WHERE handed_as = $1 AND handed_as <> ''`, handle).Scan(&tenant, &id)
	})
	if db.IsNoRows(err) {
		return ErrNotOurs
	}
	if err != nil {
		return fmt.Errorf("find reported message: %w", err)
	}
	return c.reported(ctx, tenant, id, state, host)
}
