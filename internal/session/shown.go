package session

import (
	"context"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Shown names the user and the security version of the remembered browser that ref belongs to,
// whichever app it is remembered for. found is false where the token is neither its newest nor
// the one before it, or it has ended or expired. It is no proof of anything: only Recall decides
// whether a browser is remembered.
func Shown(ctx context.Context, tx *db.Tx, ref secret.Reference) (userID string, version int64, found bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT user_id, security_version FROM remembered_browsers
		WHERE tenant_id = $1 AND id = $2 AND ended_at = 0 AND expires_at > $3
			AND (token_hash = $4 OR previous_hash = $4 AND rotated_at > $5)`,
		ref.Tenant, ref.ID, tx.Now, ref.Hash(), tx.Now.Add(-lostWithin)).Scan(&userID, &version)
	if db.IsNoRows(err) {
		return "", 0, false, nil
	}
	return userID, version, err == nil, err
}
