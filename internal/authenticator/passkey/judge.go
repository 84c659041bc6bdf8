package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/internal/authenticator"
)

// maxAnswer bounds what a browser sends, in bytes; with a long attestation it is near 6000.
const maxAnswer = 32 << 10

// Answer is an assertion that could be read. Nothing in it is believed yet.
type Answer struct {
	parsed *protocol.ParsedCredentialAssertionData
}

// Read reads what a browser sent; ok is false for anything that is no assertion.
func Read(assertion []byte) (a Answer, ok bool) {
	if len(assertion) > maxAnswer {
		return a, false
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(assertion)
	return Answer{p}, err == nil
}

// Key is what the credential that is claimed is found by.
func (a Answer) Key() string { return credentialKey(a.parsed.RawID) }

// credentialKey is short and of one length, however long a credential's id is.
func credentialKey(id []byte) string {
	h := sha256.Sum256(id)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// Stored is a bound credential as it was read.
type Stored struct {
	AuthenticatorID string
	Credential      []byte // the whole record, JSON
	SignCount       int64
}

func (s Stored) open() (c webauthn.Credential, err error) {
	err = json.Unmarshal(s.Credential, &c)
	c.Authenticator.SignCount = uint32(s.SignCount) // changes with use, so that it has a column of its own
	return c, err
}

// Found is what came of judging an answer.
type Found struct {
	OK        bool
	Reason    string // for the audit log
	Kind      authenticator.Kind
	SignCount int64
	Synced    Copies
}

// judge follows WebAuthn L3 §7.2. alone says that nothing else was shown, so that the device
// must have checked its user, now and when it was bound (SEC-93).
func (v *Verifier) judge(challenge []byte, handle []byte, s Stored, a Answer, alone bool) Found {
	c, err := s.open()
	if err != nil {
		return Found{Reason: Malformed}
	}
	p := a.parsed
	client, flags := p.Response.CollectedClientData, p.Response.AuthenticatorData.Flags
	// BE says whether copies can be made, and should never change (WebAuthn L3 §6.1.3); some
	// keepers changed it. The key is the same one, and nothing is believed for BE's sake.
	c.Flags.BackupEligible = flags.HasBackupEligible()
	if alone && !bytes.Equal(p.Response.UserHandle, handle) {
		return Found{Reason: Unknown}
	}
	session := webauthn.SessionData{
		Challenge:            protocol.URLEncodedBase64(challenge).String(),
		UserID:               handle,
		AllowedCredentialIDs: [][]byte{c.ID},
		UserVerification:     protocol.VerificationPreferred,
	}
	after, err := v.rp.ValidateLogin(holder{handle: handle, credentials: []webauthn.Credential{c}}, session, p)
	switch {
	case client.Challenge != session.Challenge:
		return Found{Reason: Other}
	case !v.ours(client):
		return Found{Reason: OtherOrigin}
	case len(p.Response.UserHandle) > 0 && !bytes.Equal(p.Response.UserHandle, handle):
		return Found{Reason: OtherUser}
	case err != nil:
		return Found{Reason: v.refusal(err, protocol.AssertCeremony, client, p.Response.AuthenticatorData)}
	case after.Authenticator.CloneWarning:
		return Found{Reason: Cloned}
	case alone && (!flags.HasUserVerified() || !c.Flags.UserVerified):
		return Found{Reason: Unverified}
	}
	return Found{
		OK:        true,
		Kind:      kindOf(flags.HasUserVerified() && c.Flags.UserVerified),
		SignCount: int64(after.Authenticator.SignCount),
		Synced:    copiesOf(flags),
	}
}

// ours is exact, where the library compares origins loosely: a browser writes ours in one
// way only, and never from within a frame.
func (v *Verifier) ours(c protocol.CollectedClientData) bool {
	return c.Origin == v.origin && !c.CrossOrigin && c.TopOrigin == ""
}

// kindOf is what was shown. That a key cannot be copied is never among it: without a verified
// attestation, a device only says so (SEC-97).
func kindOf(verified bool) authenticator.Kind {
	if verified {
		return authenticator.Passkey + authenticator.UserVerified
	}
	return authenticator.Passkey
}

// unknownCredential judges an answer that names no credential of ours, in the time of a bad signature.
func (v *Verifier) unknownCredential(challenge []byte, a Answer) Found {
	record, err := json.Marshal(webauthn.Credential{ID: a.parsed.RawID, PublicKey: v.decoy})
	if err == nil {
		v.judge(challenge, a.parsed.Response.UserHandle, Stored{Credential: record}, a, true)
	}
	return Found{Reason: Unknown}
}
