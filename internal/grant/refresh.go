package grant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// Renewal is an attempt to turn a refresh token into the next of its family.
type Renewal struct {
	Keys            *secret.Keys // mark the refresh token
	Token, ClientID string
	Scope           string // asks for less than was granted; empty asks for all
	// Refuse says why the sign-in behind the token is not enough now. The token stays good
	// for when it is enough again, and is checked for reuse all the same.
	Refuse string
	Event  audit.Event // who asked; the outcome is filled in
}

// Refresh swaps a refresh token for the next of its family, bound to the client. A token
// that is not the newest, or that another client brings, ends the family, even where the
// request is refused anyway: one of the two who hold it stole it (RFC 9700 4.14.2).
// A token that we never made changes nothing: its family's id stands in every access token.
func Refresh(ctx context.Context, d *db.DB, r Renewal) (f Family, err error) {
	old, err := secret.ParseReference(r.Token)
	if err != nil || !r.Keys.IsBound(old.Token, refreshPurpose, old.Tenant, old.ID) {
		return f, ErrInvalid
	}
	refused := false
	err = audit.OrLater(ctx, d, old.Tenant, func(ctx context.Context, tx *db.Tx) error {
		found, e := false, r.Event
		if r.Refuse == "" {
			if f, found, err = rotateToken(ctx, tx, r.Keys, old, r.ClientID); err != nil {
				return err
			}
		}
		if refused = !found; refused {
			return endReused(ctx, tx, old, r.ClientID, e)
		}
		if audit.Later(ctx) {
			return errUnrecorded
		}
		if f.Scope, err = narrowScope(f.Scope, r.Scope); err != nil {
			return err // rolls the rotation back: the app keeps its token
		}
		e.Action, e.Result, e.UserID, e.ClientID, e.SubjectID = audit.TokenRefreshed, audit.OK, f.UserID,
			f.ClientID, f.ID
		if f.repeated {
			e.Reason = "repeated" // the family is no generation older for it
		}
		return audit.Record(ctx, tx, e)
	})
	if err == nil && refused {
		err = ErrInvalid
	}
	if err != nil {
		return Family{}, err
	}
	return f, nil
}

// errUnrecorded: a token may end without a record at once, and is not given out without one.
var errUnrecorded = errors.New("the audit cannot be written")

// refreshPurpose marks the tokens of a family, so that one that was once ours can be told.
const refreshPurpose = "refresh"

// ErrScope says that a refresh asked for more than was granted. Nothing was changed.
var ErrScope = errors.New("the refresh token does not hold this scope")

// narrowScope lets a refresh ask for less than was granted, never for more (RFC 6749 6). What
// it asks for holds for this one access token.
func narrowScope(granted, asked string) (string, error) {
	if asked == "" {
		return granted, nil
	}
	for _, s := range strings.Fields(asked) {
		if !Has(granted, s) {
			return "", ErrScope
		}
	}
	return strings.Join(strings.Fields(asked), " "), nil
}

// rotateToken replaces the hash only if it is still the one given: of twenty at once one wins.
func rotateToken(ctx context.Context, tx *db.Tx, keys *secret.Keys, old secret.Reference, clientID string) (f Family,
	found bool, err error) {
	f, hash := nextToken(keys, old, clientID)
	err = f.scan(tx.QueryRow(ctx, `
		UPDATE refresh_families SET secret_hash = $1, generation = generation + 1, previous_hash = secret_hash,
			rotated_at = $6, grace_used_at = 0
		WHERE tenant_id = $2 AND id = $3 AND secret_hash = $4 AND client_id = $5 AND ended_at = 0 AND expires_at > $6
			AND EXISTS (`+openSession+`)
		RETURNING user_id, session_id, scope, created_at, expires_at`,
		hash, tx.Tenant, old.ID, old.Hash(), clientID, tx.Now))
	if db.IsNoRows(err) {
		return repeatRotation(ctx, tx, keys, old, clientID)
	}
	if err != nil {
		return f, false, fmt.Errorf("rotate refresh token: %w", err)
	}
	return f, true, nil
}

// openSession finds the session that a family belongs to, while it is open.
const openSession = `SELECT 1 FROM sessions s
	WHERE s.tenant_id = $2 AND s.id = refresh_families.session_id AND s.ended_at = 0`

// grace is how long a replaced token is answered once more.
const grace = 10 * time.Second

// repeatRotation answers a token that the same client used a moment ago, as two tabs do that renew at
// once: with the very token that replaced it, once, and only while no one has used that one.
func repeatRotation(
	ctx context.Context, tx *db.Tx, keys *secret.Keys, old secret.Reference, clientID string,
) (f Family, found bool, err error) {
	f, hash := nextToken(keys, old, clientID)
	err = f.scan(tx.QueryRow(ctx, `
		UPDATE refresh_families SET grace_used_at = $1
		WHERE tenant_id = $2 AND id = $3 AND previous_hash = $4 AND client_id = $5 AND secret_hash = $6
			AND grace_used_at = 0 AND rotated_at > $7 AND rotated_at < $8 AND ended_at = 0 AND expires_at > $1
			AND EXISTS (`+openSession+`)
		RETURNING user_id, session_id, scope, created_at, expires_at`,
		tx.Now, tx.Tenant, old.ID, old.Hash(), clientID, hash, tx.Now.Add(-grace), tx.Now.Add(grace)))
	if db.IsNoRows(err) {
		return f, false, nil
	}
	if err != nil {
		return f, false, fmt.Errorf("repeat refresh token: %w", err)
	}
	f.repeated = true
	return f, true, nil
}

// nextToken is the family with the token that follows old.
func nextToken(keys *secret.Keys, old secret.Reference, clientID string) (f Family, hash []byte) {
	token, hash := keys.NextBound(old.Token, refreshPurpose, old.Tenant, old.ID)
	next := secret.Reference{Tenant: old.Tenant, ID: old.ID, Token: token}
	return Family{
		Tenant:   old.Tenant,
		ID:       old.ID,
		ClientID: clientID,
		Refresh:  next.Text(),
	}, hash
}

func (f *Family) scan(row db.Row) error {
	return row.Scan(&f.UserID, &f.SessionID, &f.Scope, db.ScanTime(&f.AuthorizedAt), db.ScanTime(&f.Until))
}

// endReused ends the family of a token that should not be here any more. One inside its
// grace ends nothing, even where the request is refused for another reason.
func endReused(ctx context.Context, tx *db.Tx, old secret.Reference, clientID string, e audit.Event) error {
	err := tx.QueryRow(ctx, `UPDATE refresh_families SET ended_at = $1, ended_because = 'reuse'
		WHERE tenant_id = $2 AND id = $3
		AND CASE WHEN previous_hash = $4 AND client_id = $5 AND grace_used_at = 0
			AND rotated_at > $6 AND rotated_at < $7 THEN 1 ELSE 0 END = 0
		AND ended_at = 0 AND (secret_hash <> $4 OR client_id <> $5) RETURNING user_id`,
		tx.Now, tx.Tenant, old.ID, old.Hash(), clientID, tx.Now.Add(-grace), tx.Now.Add(grace)).Scan(&e.UserID)
	if db.IsNoRows(err) {
		return nil // expired, or ended before
	}
	if err != nil {
		return fmt.Errorf("end reused family: %w", err)
	}
	e.Action, e.Result, e.Reason, e.SubjectID = audit.TokenReuse, audit.Refused, "older_refresh_token", old.ID
	return audit.Record(ctx, tx, e)
}

// keepFor is how long what is over stays, so that a late replay still finds it.
const keepFor = 24 * time.Hour

// Sweep deletes codes and families that have been over for a day, of every tenant, and returns how
// many.
func Sweep(ctx context.Context, d *db.DB) (total int64, err error) {
	for _, query := range []string{
		`DELETE FROM authorization_codes WHERE (tenant_id, id) IN (SELECT c.tenant_id, c.id
			FROM authorization_codes c WHERE c.expires_at < $1 LIMIT $2)`,
		`DELETE FROM refresh_families WHERE (tenant_id, id) IN (SELECT f.tenant_id, f.id FROM refresh_families f
			WHERE f.expires_at < $1 LIMIT $2)`,
	} {
		n, err := d.DeleteOld(ctx, "grants", query, keepFor)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}
