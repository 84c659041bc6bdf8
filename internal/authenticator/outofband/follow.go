package outofband

import (
	"context"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// UndoPath is the path of the link that brings an e-mail address back, before the reference.
const UndoPath = "/undo/"

// UndoLink is the address at which whoever reads the old mailbox undoes a change of address.
func UndoLink(origin string, keys *secret.Keys, tenant, changeID string) string {
	return origin + UndoPath + secret.Reference{Tenant: tenant, ID: changeID, Token: keys.Token("undo-address", tenant, changeID)}.Text().Reveal()
}

// Follow points the mailbox of a user to another verified address. What was sent to the old
// one is no answer any more: codes are bound to where they went.
func Follow(ctx context.Context, tx *db.Tx, userID, address string) error {
	_, err := tx.Exec(ctx, `
		UPDATE outofband_addresses SET address = $1, verified_at = $2 WHERE tenant_id = $3
			AND authenticator_id IN (SELECT a.id FROM authenticators a WHERE a.tenant_id = $3 AND a.user_id = $4 AND a.kind = 'email')`, address, tx.Now, tx.Tenant, userID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE authenticators SET label = $1 WHERE tenant_id = $2 AND user_id = $3 AND kind = 'email'`, Mask(address), tx.Tenant, userID)
	return err
}
