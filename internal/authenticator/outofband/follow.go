package outofband

import (
	"context"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// UndoPath is the path of the link that brings an email address back, before the reference.
const UndoPath = "/undo/"

// UndoLink is the address at which anyone who reads the old mailbox undoes a change of address.
func UndoLink(origin string, keys *secret.Keys, tenant, changeID string) string {
	return origin + UndoPath + secret.Reference{
		Tenant: tenant,
		ID:     changeID,
		Token:  keys.Token("undo-address", tenant, changeID),
	}.Text().Reveal()
}

// Follow points the mailbox of a user to another address, which no one has proved yet. What was sent to the old
// one is no answer any more: codes are bound to where they went.
func Follow(ctx context.Context, tx *db.Tx, userID, address string) error {
	_, err := tx.Exec(ctx, `
		UPDATE outofband_addresses SET address = $1, verified_at = $2 WHERE tenant_id = $3
			AND authenticator_id IN (SELECT a.id FROM authenticators a
				WHERE a.tenant_id = $3 AND a.user_id = $4 AND a.kind = 'email')`, address, tx.Now, tx.Tenant, userID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE authenticators SET label = $1
		WHERE tenant_id = $2 AND user_id = $3 AND kind = 'email'`, MaskOwn(address), tx.Tenant, userID)
	return err
}

// FollowProved is Follow to an address that the person has just proved to read.
func FollowProved(ctx context.Context, tx *db.Tx, userID, address string) error {
	if err := Follow(ctx, tx, userID, address); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE authenticators SET last_used_at = $1
		WHERE tenant_id = $2 AND user_id = $3 AND kind = 'email'`, tx.Now, tx.Tenant, userID)
	return err
}

// Proved reports whether a code or link that went to the address of a user has ever come
// back. It stays so until the address changes, whatever method is used later.
func Proved(ctx context.Context, tx *db.Tx, userID string) (proved bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM authenticators a
			JOIN outofband_addresses o ON o.tenant_id = a.tenant_id AND o.authenticator_id = a.id
			WHERE a.tenant_id = $1 AND a.user_id = $2 AND a.kind = 'email'
				AND a.last_used_at > 0 AND a.last_used_at >= o.verified_at)`, tx.Tenant, userID).Scan(&proved)
	return proved, err
}

// Prove notes that the mailbox of a user was reached now, unless that is known.
func Prove(ctx context.Context, tx *db.Tx, userID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE authenticators SET last_used_at = $1
		WHERE tenant_id = $2 AND user_id = $3 AND kind = 'email' AND (last_used_at = 0 OR last_used_at < (
			SELECT o.verified_at FROM outofband_addresses o
			WHERE o.tenant_id = $2 AND o.authenticator_id = authenticators.id))`, tx.Now, tx.Tenant, userID)
	return err
}
