package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// Card is what the set-up page needs.
type Card struct {
	Options []byte // PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 §5.1.9)
	Ends    int64  // microseconds; afterwards the set-up must be begun anew
}

// Show reads a draft for the page.
func Show(d authenticator.PendingEnrollment) (c Card, err error) {
	var q asked
	if err := json.Unmarshal(d.State, &q); err != nil {
		return c, fmt.Errorf("read passkey draft: %w", err)
	}
	return Card{Options: q.Options, Ends: q.Ends}, nil
}

// Ends is when the challenge of a set-up is over, and the set-up with it. What cannot be read
// is over.
func (v *Verifier) Ends(state authenticator.State) time.Time {
	var q asked
	if json.Unmarshal(state, &q) != nil {
		return time.Time{}
	}
	return db.Time(q.Ends)
}

func draft(tenant string, who authenticator.Subject, d authenticator.PendingEnrollment) []string {
	return []string{toCreate, tenant, who.UserID, d.ID}
}

// Propose asks for a new passkey, on a device that holds none of this account yet. A passkey
// that can be found without an address, and that checks its user, is preferred.
func (v *Verifier) Propose(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	_ string) (authenticator.State, error) {
	all, err := load(ctx, tx, who.UserID, usable) // a disabled one may be set up anew on its device
	if err != nil {
		return nil, fmt.Errorf("load passkeys: %w", err)
	}
	q := v.ask(tx.Now, d.Ends, draft(tx.Tenant, who, d)...)
	user := holder{handle: v.handle(tx.Tenant, who.UserID), name: who.Email, shown: who.Name}
	creation, _, err := v.rp.BeginRegistration(user,
		webauthn.WithExclusions(descriptors(all)), webauthn.WithCredentialParameters(algorithms),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(
			protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred,
				UserVerification: protocol.VerificationPreferred}),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge, o.Timeout, o.Extensions.CredProps = q.Challenge, int(Life.Milliseconds()), true
			if who.Vendor != "" {
				o.RelyingParty.Name = who.Vendor
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	if q.Options, err = json.Marshal(creation.Response); err != nil {
		return nil, err
	}
	return json.Marshal(q)
}

// Confirm follows WebAuthn L3 §7.1 and stores the credential whole. A draft without a name
// gets the keeper's, where it is known.
func (v *Verifier) Confirm(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	r authenticator.Response) (authenticator.Verdict, error) {
	q, why := v.unfit(d.State, tx.Now, draft(tx.Tenant, who, d)...)
	if why != "" {
		return wrong(why), nil
	}
	c, why := v.created(q.Challenge, v.handle(tx.Tenant, who.UserID), r.Assertion)
	if why != "" {
		return wrong(why), nil
	}
	free, err := insert(ctx, tx, who.UserID, d.ID, c)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("store passkey: %w", err)
	}
	if !free {
		return wrong(Taken), nil
	}
	if err := name(ctx, tx, d, c); err != nil {
		return authenticator.Verdict{}, fmt.Errorf("name passkey: %w", err)
	}
	return authenticator.Verdict{OK: true, AuthenticatorID: d.ID, Proof: kindOf(c.Flags.UserVerified)}, nil
}

// created judges what a browser says of a new credential.
func (v *Verifier) created(challenge, handle, answer []byte) (c *webauthn.Credential, why string) {
	if len(answer) > maxAnswer {
		return nil, Malformed
	}
	p, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, Malformed
	}
	session := webauthn.SessionData{
		Challenge:        protocol.URLEncodedBase64(challenge).String(),
		UserID:           handle,
		CredParams:       algorithms,
		UserVerification: protocol.VerificationPreferred,
	}
	session.Extensions.Requested = []string{string(protocol.ExtensionCredProps)}
	c, err = v.rp.CreateCredential(holder{handle: handle}, session, p)
	client := p.Response.CollectedClientData
	switch {
	case client.Challenge != session.Challenge:
		return nil, Other
	case !v.ours(client):
		return nil, OtherOrigin
	case err != nil:
		return nil, v.createRefusal(err, p)
	}
	return c, ""
}

// createRefusal names what is wrong with a new credential that the library refused.
func (v *Verifier) createRefusal(err error, p *protocol.ParsedCredentialCreationData) string {
	data := p.Response.AttestationObject.AuthData
	why := v.refusal(err, protocol.CreateCeremony, p.Response.CollectedClientData, data)
	if why == libraryReasons[protocol.ErrVerification.Type] && !bytes.Equal(p.RawID, data.AttData.CredentialID) {
		return BadID
	}
	if why == libraryReasons[protocol.ErrInvalidAttestation.Type] && !offered(data.AttData.CredentialPublicKey) {
		return Unsupported
	}
	return why
}

// offered reports whether a public key is for one of our algorithms.
func offered(key []byte) bool {
	var k webauthncose.PublicKeyData
	return webauthncbor.Unmarshal(key, &k) == nil &&
		slices.ContainsFunc(algorithms, func(p protocol.CredentialParameter) bool {
			return int64(p.Algorithm) == k.Algorithm
		})
}

// name gives an unnamed passkey the name of its keeper.
func name(ctx context.Context, tx *db.Tx, d authenticator.PendingEnrollment, c *webauthn.Credential) error {
	if d.Label != "" {
		return nil
	}
	label := keeper(c.Authenticator.AAGUID)
	if label == "" {
		label = "Passkey"
	}
	_, err := tx.Exec(ctx, `UPDATE authenticators SET label = $1
		WHERE tenant_id = $2 AND id = $3 AND label = ''`, label, tx.Tenant, d.ID)
	return err
}
