package message

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// ErrNotOurs says that a bounce does not carry what we gave its message on the way.
var ErrNotOurs = errors.New("not the bounce of one of our messages")

// returnDigits gives a forger one chance in 10¹⁸.
const returnDigits = 18

// returnTo names a message and proves that the name came from us. Digits and lower-case
// letters survive mail systems that fold case, and the whole fits into the 64 octets of a
// local part (RFC 5321 section 4.5.3.1.1) with two to spare.
func returnTo(keys *secret.Keys, id string) string {
	key := keys.Current()
	return id + "." + key + "." + keys.DerivedCode(key, returnDigits, secret.Text(id), "message.return")
}

// ReturnedID checks what a bounce carries and returns the id of the message, or ErrNotOurs.
func ReturnedID(keys *secret.Keys, returnTo string) (id string, err error) {
	parts := strings.Split(strings.ToLower(returnTo), ".")
	if len(parts) != 3 || len(parts[2]) != returnDigits {
		return "", ErrNotOurs
	}
	want := keys.DerivedCode(parts[1], returnDigits, secret.Text(parts[0]), "message.return")
	if subtle.ConstantTimeCompare([]byte(want), []byte(parts[2])) != 1 {
		return "", ErrNotOurs
	}
	return parts[0], nil
}

// Returned records what was reported after the message had left: a bounce (state Bounced), a
// notice of delay (Delayed) or its arrival (Delivered). host is the server that reported it.
// It returns ErrNotOurs for a forged or outdated returnTo; repeated notices change nothing.
func (c *Courier) Returned(ctx context.Context, returnTo string, state State, host string) error {
	id, err := ReturnedID(c.Keys, returnTo)
	if err != nil {
		return err
	}
	tenant, err := c.tenantOf(ctx, id)
	if err != nil {
		return err
	}
	return c.reported(ctx, tenant, id, state, host)
}

// Shown records that a receiver has shown a push, as the receiver itself tells. What was given
// to messages of other channels is not believed here.
func (c *Courier) Shown(ctx context.Context, returnTo string) error {
	id, err := ReturnedID(c.Keys, returnTo)
	if err != nil {
		return err
	}
	tenant, host := "", ""
	err = c.DB.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT tenant_id, host FROM messages
			WHERE id = $1 AND channel = 'push'`, id).Scan(&tenant, &host)
	})
	if db.IsNoRows(err) {
		return ErrNotOurs
	}
	if err != nil {
		return fmt.Errorf("find shown message: %w", err)
	}
	return c.reported(ctx, tenant, id, Delivered, host)
}

// reported writes a report down. It may come before the answer of the server that took the
// message, or when that answer never came; then nothing is sent again. Of two copies that
// were sent, the one that arrives is what counts.
func (c *Courier) reported(ctx context.Context, tenant, id string, state State, host string) error {
	return c.DB.InTx(ctx, tenant, func(tx *db.Tx) error {
		var channel string
		err := tx.QueryRow(ctx, `
			UPDATE messages SET state = $1, host = $2, state_at = $3, next_try_at = 0, sealed = NULL
			WHERE tenant_id = $4 AND id = $5 AND (state = 'accepted' OR (state IN ('queued', 'delayed')
				AND $6 IN ('bounced', 'delivered'))
				OR (state = 'bounced' AND $6 = 'delivered'))
			RETURNING channel`,
			state, host, tx.Now, tx.Tenant, id, state).Scan(&channel)
		if db.IsNoRows(err) {
			return nil // known already
		}
		if err != nil {
			return fmt.Errorf("record report: %w", err)
		}
		tx.EmitOnCommit(Became{channel, state})
		return nil
	})
}

// tenantOf finds whose message it is: a return address has no room for the tenant.
func (c *Courier) tenantOf(ctx context.Context, id string) (tenant string, err error) {
	err = c.DB.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT tenant_id FROM messages WHERE id = $1`, id).Scan(&tenant)
	})
	if db.IsNoRows(err) {
		return "", ErrNotOurs
	}
	if err != nil {
		return "", fmt.Errorf("find bounced message: %w", err)
	}
	return tenant, nil
}
