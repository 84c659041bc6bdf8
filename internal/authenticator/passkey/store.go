package passkey

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/internal/audit"
	"countersign/internal/db"
)

// Copies says where copies of a passkey may be.
type Copies int64

// What the flags BE and BS of a device mean (WebAuthn L3 §6.1.3).
const (
	DeviceBound Copies = iota // it never leaves its device, as it says itself
	Copyable                  // its keeper may copy it, and has not yet
	Synced                    // copies live with its keeper's account
)

func copiesOf(f protocol.AuthenticatorFlags) Copies {
	switch {
	case f.HasBackupState():
		return Synced
	case f.HasBackupEligible():
		return Copyable
	}
	return DeviceBound
}

// Facts are what is known of a passkey beside its name.
type Facts struct {
	AuthenticatorID string
	Copies          Copies
	Alone           bool   // it checks its user, so that it may be used without a password
	Listed          *bool  // browsers list it without an address being typed; nil: not known
	Keeper          string // who makes or keeps it, where that is known
}

// Of lists the facts of a user's passkeys, the disabled ones too. One statement.
func Of(ctx context.Context, tx *db.Tx, userID string) (out []Facts, err error) {
	all, err := load(ctx, tx, userID, "")
	for _, k := range all {
		out = append(out, Facts{
			AuthenticatorID: k.id,
			Copies:          k.copies,
			Alone:           k.credential.Flags.UserVerified,
			Listed:          k.credential.Extensions.RK,
			Keeper:          keeper(k.credential.Authenticator.AAGUID),
		})
	}
	return out, err
}

type kept struct {
	id         string
	credential webauthn.Credential
	copies     Copies
}

// load reads the passkeys of a user that meet a condition on their authenticator a.
func load(ctx context.Context, tx *db.Tx, userID, condition string) ([]kept, error) {
	rows, err := tx.Query(ctx, `
		SELECT p.authenticator_id, p.credential, p.sign_count, p.synced
		FROM passkeys p JOIN authenticators a ON a.tenant_id = p.tenant_id AND a.id = p.authenticator_id
		WHERE p.tenant_id = $1 AND p.user_id = $2`+condition+` ORDER BY p.authenticator_id`, tx.Tenant, userID)
	return db.Collect(rows, err, func(row db.Row) (k kept, err error) {
		var s Stored
		if err := row.Scan(&s.AuthenticatorID, &s.Credential, &s.SignCount, &k.copies); err != nil {
			return k, err
		}
		k.id = s.AuthenticatorID
		k.credential, err = s.open()
		return k, err
	})
}

const usable = ` AND a.disabled_at = 0`

// descriptors name credentials to a browser.
func descriptors(all []kept) []protocol.CredentialDescriptor {
	out := make([]protocol.CredentialDescriptor, 0, len(all))
	for _, k := range all {
		out = append(out, k.credential.Descriptor())
	}
	return out
}

// find reads one usable credential of a user.
func find(ctx context.Context, tx *db.Tx, userID, key string) (s Stored, found bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT p.authenticator_id, p.credential, p.sign_count
		FROM passkeys p JOIN authenticators a ON a.tenant_id = p.tenant_id AND a.id = p.authenticator_id
		WHERE p.tenant_id = $1 AND p.user_id = $2 AND p.credential_key = $3`+usable, tx.Tenant, userID, key).
		Scan(&s.AuthenticatorID, &s.Credential, &s.SignCount)
	if db.IsNoRows(err) {
		return s, false, nil
	}
	return s, err == nil, err
}

// advance is the write that makes an answer count once: the counter must be as it was
// read, the challenge another than the last one, and the authenticator still usable. The
// first time that a unit of work runs, it travels with what comes next, and the unit runs
// again where it was too late.
func advance(ctx context.Context, tx *db.Tx, s Stored, f Found, challenge []byte) (first bool, err error) {
	args := []any{f.SignCount, int64(f.Synced), credentialKey(challenge), tx.Tenant, s.AuthenticatorID, s.SignCount}
	if tx.Attempt == 1 {
		return true, tx.ExecExpect(ctx, 1, advancing, args...)
	}
	n, err := tx.Exec(ctx, advancing, args...)
	return n > 0, err
}

// What could be copied once may have been: it is never on one device only again.
const advancing = `
	UPDATE passkeys SET sign_count = $1, synced = CASE WHEN $2 = 0 AND synced > 0 THEN 1 ELSE $2 END,
		last_challenge = $3
	WHERE tenant_id = $4 AND authenticator_id = $5 AND sign_count = $6 AND last_challenge <> $3
		AND EXISTS (SELECT 1 FROM authenticators a WHERE a.tenant_id = $4 AND a.id = $5 AND a.disabled_at = 0)`

// alarm records that two devices seem to hold one key (SEC-96).
func alarm(ctx context.Context, tx *db.Tx, userID, authenticatorID string) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:    audit.PasskeyCopied,
		Result:    audit.Refused,
		Reason:    Cloned,
		ActorID:   userID,
		UserID:    userID,
		Method:    "passkey",
		SubjectID: authenticatorID,
	})
}

// insert stores a new credential; free is false where someone of this installation has it
// already.
func insert(ctx context.Context, tx *db.Tx, userID, authenticatorID string,
	c *webauthn.Credential) (free bool, err error) {
	key := credentialKey(c.ID)
	n, err := tx.Exec(ctx, `
		INSERT INTO passkey_directory (credential_key, tenant_id, user_id, authenticator_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`,
		key, tx.Tenant, userID, authenticatorID)
	if err != nil || n == 0 {
		return false, err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO passkeys (tenant_id, authenticator_id, user_id, credential_key, credential, sign_count, synced,
			last_challenge) VALUES ($1, $2, $3, $4, $5, $6, $7, '')`,
		tx.Tenant, authenticatorID, userID, key, record, int64(c.Authenticator.SignCount),
		int64(copiesOf(c.Flags.ProtocolValue())))
	return err == nil, err
}

// has reports whether a state allows a credential.
func has(allowed []protocol.CredentialDescriptor, id []byte) bool {
	return slices.ContainsFunc(allowed,
		func(d protocol.CredentialDescriptor) bool { return string(d.CredentialID) == string(id) })
}
