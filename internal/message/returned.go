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
		n, unsent, err := reportable(ctx, tx, id)
		if db.IsNoRows(err) {
			return nil // deleted
		}
		if err != nil {
			return fmt.Errorf("read reported message: %w", err)
		}
		if !follows(n.from, state) {
			return nil // known already
		}
		changed, err := tx.Exec(ctx, `
			UPDATE messages SET state = $1, host = $2, state_at = $3, next_try_at = 0, sealed = NULL
			WHERE tenant_id = $4 AND id = $5 AND state = $6`, state, host, tx.Now, tx.Tenant, id, n.from)
		if err != nil {
			return fmt.Errorf("record report: %w", err)
		}
		if changed == 0 {
			return db.ErrConflict // the courier wrote its answer down meanwhile
		}
		tx.EmitOnCommit(Became{n.channel, state})
		return count(ctx, tx, n.reportedAs(state, unsent))
	})
}

// follows says whether a report is news about a message in a state.
func follows(was, reported State) bool {
	switch was {
	case Accepted:
		return true
	case Queued, Delayed:
		return reported == Bounced || reported == Delivered
	case Bounced:
		return reported == Delivered
	}
	return false
}

// reportable is what is known of a message before a report about it. unsent says that no server is known to have it.
func reportable(ctx context.Context, tx *db.Tx, id string) (n counted, unsent bool, err error) {
	err = tx.QueryRow(ctx, `SELECT channel, destination, queued_at, state, sealed IS NOT NULL FROM messages
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).
		Scan(&n.channel, &n.destination, db.ScanTime(&n.queuedAt), &n.from, &unsent)
	return n, unsent, err
}

// reportedAs is how a report changes the counts.
func (n counted) reportedAs(state State, unsent bool) counted {
	n.to, n.timed = state, unsent && state == Delivered
	if n.from == Queued {
		n.from = ""
	}
	switch state {
	case Bounced:
		n.problem = Returned
	case Delayed:
		n.problem = LateNotice
	}
	return n
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
