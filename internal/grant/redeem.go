package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// OfflineAccess is the scope that asks for a refresh token (OpenID Connect Core 11).
const OfflineAccess = "offline_access"

// Family is the line of tokens that began with one code. Its id is in every access token
// of the line, so that ending the family ends them.
type Family struct {
	Tenant, ID          string
	ClientID, UserID    string
	SessionID           string
	Scope, Nonce        string
	Refresh             secret.Text // empty where the scope lacks OfflineAccess
	AuthorizedAt, Until time.Time
	repeated            bool // answered within the grace
}

// Has reports whether a space-separated scope holds one value.
func Has(scope, value string) bool { return slices.Contains(strings.Fields(scope), value) }

// Redemption is an attempt to turn a code into tokens.
type Redemption struct {
	Keys                                  *secret.Keys // mark the refresh token
	Code, ClientID, RedirectURI, Verifier string
	AccessLife, RefreshLife               time.Duration
	// a code that was asked for without a challenge is good without a verifier
	PKCEOptional   bool
	ReachedMailbox bool // the sign-in behind the code proved that the person reads their mailbox
	// Refuse says why the sign-in behind the code is not enough any more. The code is
	// spent all the same; empty lets the attempt be judged by itself.
	Refuse string
	Event  audit.Event // who asked; the outcome is filled in
}

// Holder finds the session behind a code or a refresh token without spending it, so that
// the sign-in behind it can be looked at first. ErrInvalid where there is none.
func Holder(ctx context.Context, d *db.DB, text string) (tenant, sessionID string, err error) {
	ref, err := secret.ParseReference(text)
	if err != nil {
		return "", "", ErrInvalid
	}
	err = d.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT session_id FROM authorization_codes
			WHERE tenant_id = $1 AND id = $2 AND secret_hash = $3
			UNION SELECT session_id FROM refresh_families
				WHERE tenant_id = $1 AND id = $2`, ref.Tenant, ref.ID, ref.Hash()).Scan(&sessionID)
	})
	if db.IsNoRows(err) {
		return "", "", ErrInvalid
	}
	if err != nil {
		return "", "", fmt.Errorf("find grant: %w", err)
	}
	return ref.Tenant, sessionID, nil
}

// Redeem spends a code. Whatever is wrong with the attempt, the code is dead afterwards;
// a code spent before takes the tokens of its first use with it (RFC 6749 4.1.2).
func Redeem(ctx context.Context, d *db.DB, r Redemption) (f Family, err error) {
	ref, err := secret.ParseReference(r.Code)
	if err != nil {
		return f, ErrInvalid
	}
	refused := ""
	err = audit.OrLater(ctx, d, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		refused = ""
		c, why, err := redeemCode(ctx, tx, ref, r)
		if err != nil {
			return err
		}
		if why != "" {
			refused = why
			return refuseCode(ctx, tx, ref, r.Event, c, why)
		}
		if audit.Later(ctx) {
			return errUnrecorded
		}
		if f, err = storeFamily(ctx, tx, ref.ID, c, r); err != nil {
			return err
		}
		return recordMailbox(ctx, tx, c, r)
	})
	if err == nil && refused != "" {
		err = ErrInvalid
	}
	if err != nil {
		return Family{}, err
	}
	return f, nil
}

// recordMailbox writes down that a sign-in reached the mailbox, for apps that read the address.
// signin does so too, a moment later (gate.Seen): the next sign-in, with another method, may be
// sooner.
func recordMailbox(ctx context.Context, tx *db.Tx, c Code, r Redemption) error {
	if !r.ReachedMailbox || !Has(c.Scope, "email") {
		return nil
	}
	if err := outofband.Prove(ctx, tx, c.UserID); err != nil {
		return fmt.Errorf("record a proved mailbox: %w", err)
	}
	return nil
}

const spent = "code_spent"

// redeemCode takes the code out of use and says what, if anything, is wrong with the attempt.
func redeemCode(ctx context.Context, tx *db.Tx, ref secret.Reference, r Redemption) (c Code, why string, err error) {
	var expires time.Time
	var alive bool
	err = tx.QueryRow(ctx, `UPDATE authorization_codes SET redeemed_at = $1
		WHERE tenant_id = $2 AND id = $3 AND secret_hash = $4 AND redeemed_at = 0
		RETURNING client_id, user_id, session_id, redirect_uri, scope, nonce, code_challenge, expires_at,
		EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = authorization_codes.tenant_id
			AND s.id = authorization_codes.session_id AND s.ended_at = 0)`,
		tx.Now, tx.Tenant, ref.ID, ref.Hash()).
		Scan(&c.ClientID, &c.UserID, &c.SessionID, &c.RedirectURI, &c.Scope, &c.Nonce, &c.CodeChallenge,
			db.ScanTime(&expires), &alive)
	switch {
	case db.IsNoRows(err):
		return c, spent, nil
	case err != nil:
		return c, "", fmt.Errorf("spend authorization code: %w", err)
	case c.ClientID != r.ClientID:
		return c, "other_client", nil
	case c.RedirectURI != r.RedirectURI:
		return c, "other_redirect_uri", nil
	case !r.proves(c.CodeChallenge):
		return c, "wrong_verifier", nil
	case !tx.Now.Before(expires):
		return c, "code_expired", nil
	case !alive:
		return c, "session_ended", nil
	case r.Refuse != "":
		return c, r.Refuse, nil
	}
	return c, "", nil
}

// refuseCode records why, and for a spent code ends the family of its first use. A code that
// never existed leaves no trace: anyone could write audit rows with it.
func refuseCode(ctx context.Context, tx *db.Tx, ref secret.Reference, e audit.Event, c Code, why string) error {
	e.Action, e.Result, e.Reason, e.UserID, e.SubjectID = audit.TokenRefused, audit.Refused, why, c.UserID, ref.ID
	if why == spent {
		userID, err := endReplayed(ctx, tx, ref)
		if err != nil || userID == "" {
			return err
		}
		e.Action, e.UserID = audit.TokenReuse, userID
	}
	return audit.Record(ctx, tx, e)
}

// endReplayed ends the family of a code's first use, and names its user; "" where there is
// none to end.
func endReplayed(ctx context.Context, tx *db.Tx, ref secret.Reference) (userID string, err error) {
	err = tx.QueryRow(ctx, `UPDATE refresh_families SET ended_at = $1, ended_because = 'code_replayed'
		WHERE tenant_id = $2 AND id = $3 AND ended_at = 0
		AND EXISTS (SELECT 1 FROM authorization_codes c WHERE c.tenant_id = $2 AND c.id = $3 AND c.secret_hash = $4)
		RETURNING user_id`,
		tx.Now, tx.Tenant, ref.ID, ref.Hash()).Scan(&userID)
	if err != nil && !db.IsNoRows(err) {
		return "", fmt.Errorf("end replayed family: %w", err)
	}
	return userID, nil
}

// storeFamily stores the family under the id of its code. Without OfflineAccess no one learns
// the refresh token, and the row only lets the access token be ended.
func storeFamily(ctx context.Context, tx *db.Tx, id string, c Code, r Redemption) (Family, error) {
	f := Family{
		Tenant:       tx.Tenant,
		ID:           id,
		ClientID:     c.ClientID,
		UserID:       c.UserID,
		SessionID:    c.SessionID,
		Scope:        c.Scope,
		Nonce:        c.Nonce,
		AuthorizedAt: tx.Now,
	}
	token, hash := r.Keys.NewBound(refreshPurpose, tx.Tenant, id)
	f.Until = tx.Now.Add(r.AccessLife)
	if Has(c.Scope, OfflineAccess) {
		f.Refresh = secret.Reference{Tenant: tx.Tenant, ID: id, Token: token}.Text()
		f.Until = tx.Now.Add(r.RefreshLife)
	}
	err := tx.ExecDeferred(ctx, `INSERT INTO refresh_families (tenant_id, id, secret_hash, client_id, user_id,
		session_id, scope, generation, created_at, expires_at, ended_at, ended_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, 0,
			'')`, tx.Tenant, id, hash, c.ClientID, c.UserID, c.SessionID, c.Scope, tx.Now, f.Until)
	if err != nil {
		return f, fmt.Errorf("store refresh family: %w", err)
	}
	e := r.Event
	e.Action, e.Result, e.UserID, e.ClientID, e.SubjectID = audit.TokenIssued, audit.OK, c.UserID, c.ClientID, id
	return f, audit.Record(ctx, tx, e)
}
