package session

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Remembered is a browser that need not show a second step to one client for one user.
type Remembered struct {
	ID, UserID, ClientID string
	FlowID               string
	SecurityVersion      int64
	Visitor
	ProvedAt, ExpiresAt time.Time // ExpiresAt counts from the last real second step and never slides
}

// Remember stores a remembered browser and returns the reference that the browser keeps.
func Remember(ctx context.Context, tx *db.Tx, r Remembered) (Remembered, secret.Reference, error) {
	token, hash := secret.NewToken()
	r.ID = tx.NewID()
	_, err := tx.Exec(ctx, `
		INSERT INTO remembered_browsers (tenant_id, id, token_hash, previous_hash, user_id, client_id, flow_id,
			security_version, ip, place, browser, proved_at, rotated_at, expires_at, ended_at, ended_because)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, '')`,
		tx.Tenant, r.ID, hash, r.UserID, r.ClientID, r.FlowID, r.SecurityVersion, r.IP, r.Place, r.Browser, r.ProvedAt,
		tx.Now, r.ExpiresAt)
	return r, secret.Reference{Tenant: tx.Tenant, ID: r.ID, Token: token}, err
}

// Recalled is what a browser's references say.
type Recalled struct {
	Remembered Remembered       // the zero Remembered: this browser is not remembered
	By         secret.Reference // what it showed
	Stale      string           // the row of which an older token was shown: it was copied
	Twin       bool             // the token before the newest, a moment ago: two tabs at once
	Over       []string         // rows whose time is over, and which no one has ended
}

// The token before the newest is good again while the newest has never been shown: its
// answer was lost on the way (docs/adr/0013).
const (
	twinWithin = 5 * time.Second  // so soon after its use it means another tab, whose answer is still on its way
	lostWithin = 10 * time.Minute // and later than this a copy
)

// Recall finds the remembered browser among what a browser presents. It must be this
// user's, for this client, made under the present security version, and neither ended nor
// expired.
func Recall(ctx context.Context, tx *db.Tx, presented []secret.Reference, userID, clientID string,
	securityVersion int64) (out Recalled, err error) {
	for _, ref := range presented {
		if ref.Tenant != tx.Tenant {
			continue
		}
		var rotated time.Time
		var right, previous bool
		found := Remembered{ID: ref.ID}
		err := tx.QueryRow(ctx, `
			SELECT user_id, client_id, proved_at, rotated_at, expires_at, token_hash = $1, previous_hash = $1
				FROM remembered_browsers
			WHERE tenant_id = $2 AND id = $3
				AND user_id = $4 AND client_id = $5 AND security_version = $6 AND ended_at = 0`,
			ref.Hash(), tx.Tenant, ref.ID, userID, clientID, securityVersion).
			Scan(&found.UserID, &found.ClientID, db.ScanTime(&found.ProvedAt), db.ScanTime(&rotated),
				db.ScanTime(&found.ExpiresAt), &right, &previous)
		if db.IsNoRows(err) {
			continue
		}
		if err != nil {
			return Recalled{}, err
		}
		since := tx.Now.Sub(rotated)
		switch {
		case !tx.Now.Before(found.ExpiresAt):
			out.Over = append(out.Over, ref.ID)
		case right, previous && since >= twinWithin && since < lostWithin:
			return Recalled{Remembered: found, By: ref, Over: out.Over}, nil
		case previous && since < twinWithin:
			out.Twin = true
		default:
			out.Stale = ref.ID
		}
	}
	return out, nil
}

// Rotate replaces a remembered browser's token when it is used. False means that another
// use of the same token was a moment faster. A newest token that no one has shown dies
// with it, so that there is never more than one.
func Rotate(ctx context.Context, tx *db.Tx, ref secret.Reference) (next secret.Reference, first bool, err error) {
	token, hash := secret.NewToken()
	n, err := tx.Exec(ctx, `
		UPDATE remembered_browsers SET token_hash = $1, previous_hash = $2, rotated_at = $3
		WHERE tenant_id = $4 AND id = $5 AND ended_at = 0 AND expires_at > $3
			AND (token_hash = $2 OR previous_hash = $2 AND rotated_at <= $6 AND rotated_at > $7)`,
		hash, ref.Hash(), tx.Now, tx.Tenant, ref.ID, tx.Now.Add(-twinWithin), tx.Now.Add(-lostWithin))
	return secret.Reference{Tenant: tx.Tenant, ID: ref.ID, Token: token}, n > 0, err
}

// Forget ends a remembered browser; only the first caller gets true.
func Forget(ctx context.Context, tx *db.Tx, id, because string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE remembered_browsers SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND id = $4 AND ended_at = 0`, tx.Now, because, tx.Tenant, id)
	return n > 0, err
}

// EndRemembered ends the sessions that a remembered browser opened or keeps open. After its
// token was copied, no one knows which of them are the owner's.
func EndRemembered(ctx context.Context, tx *db.Tx, userID, id, because string) error {
	_, err := tx.Exec(ctx, `
		UPDATE sessions SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND remembered_id = $5 AND ended_at = 0`,
		tx.Now, because, tx.Tenant, userID, id)
	return err
}

// ForgetAll ends every remembered browser of a user.
func ForgetAll(ctx context.Context, tx *db.Tx, userID, because string) error {
	_, err := tx.Exec(ctx, `UPDATE remembered_browsers SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND ended_at = 0`, tx.Now, because, tx.Tenant, userID)
	return err
}
