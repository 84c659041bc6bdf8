package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// ErrInvalid is the one answer to a code or refresh token that cannot be used, whatever
// the reason (RFC 6749 5.2, invalid_grant).
var ErrInvalid = errors.New("invalid grant")

// Code is what an authorization code stands for.
type Code struct {
	ClientID, UserID, SessionID string
	RedirectURI, Scope, Nonce   string
	CodeChallenge               string
}

// IssueCode stores a code that lives for life and returns the form that travels.
func IssueCode(ctx context.Context, tx *db.Tx, c Code, life time.Duration) (secret.Text, error) {
	token, hash := secret.NewToken()
	ref := secret.Reference{Tenant: tx.Tenant, ID: tx.NewID(), Token: token}
	err := tx.ExecDeferred(ctx, `INSERT INTO authorization_codes (tenant_id, id, secret_hash, client_id, user_id,
		session_id, redirect_uri, scope, nonce, code_challenge, issued_at, expires_at, redeemed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
		tx.Tenant, ref.ID, hash, c.ClientID, c.UserID, c.SessionID, c.RedirectURI, c.Scope, c.Nonce, c.CodeChallenge,
		tx.Now, tx.Now.Add(life))
	if err != nil {
		return "", fmt.Errorf("store authorization code: %w", err)
	}
	return ref.Text(), nil
}

// ValidVerifier reports whether v has the form of a PKCE verifier (RFC 7636 4.1).
func ValidVerifier(v string) bool { return len(v) >= 43 && len(v) <= 128 && isUnreserved(v) }

// ValidChallenge reports whether c has the form of an S256 challenge (RFC 7636 4.2).
func ValidChallenge(c string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(c)
	return err == nil && len(b) == sha256.Size
}

func isUnreserved(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") == ""
}

// proves reports whether the verifier matches the challenge. One without the other is wrong, also
// for a client that may leave out both (RFC 9700 4.8).
func (r Redemption) proves(challenge string) bool {
	if challenge == "" {
		return r.PKCEOptional && r.Verifier == ""
	}
	return verifierMatches(r.Verifier, challenge)
}

func verifierMatches(verifier, challenge string) bool {
	if !ValidVerifier(verifier) || challenge == "" {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return secret.Equal([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge))
}
