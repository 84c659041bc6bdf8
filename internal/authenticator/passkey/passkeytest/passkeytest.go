// Package passkeytest gives tests passkeys on virtual devices.
package passkeytest

import (
	"context"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/user"
)

// Key is someone's passkey on a virtual device.
type Key struct {
	virtualwebauthn.Authenticator
	virtualwebauthn.Credential
	ID   string // of the authenticator
	site virtualwebauthn.RelyingParty
}

// NewCredential makes a key pair that the test double attests to without a mistake.
func NewCredential() (c virtualwebauthn.Credential) {
	for c.Key == nil || len(c.Key.AttestationData()) != 77 { // shorter ones are the test double's mistake
		c = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return c
}

// Bind gives a person of tx.Tenant a passkey of the site at https://host.
func Bind(ctx context.Context, t testing.TB, tx *db.Tx, v *passkey.Verifier, host, address string,
	options virtualwebauthn.AuthenticatorOptions) (*Key, error) {
	t.Helper()
	k := &Key{
		Authenticator: virtualwebauthn.NewAuthenticatorWithOptions(options),
		Credential:    NewCredential(),
		site:          virtualwebauthn.RelyingParty{Name: "Vendor", ID: host, Origin: "https://" + host},
	}
	u, err := user.ByEmail(ctx, tx, address)
	if err != nil {
		return nil, err
	}
	d := authenticator.PendingEnrollment{ID: tx.NewID(), Ends: tx.Now.Add(time.Hour)}
	who := authenticator.Subject{UserID: u.ID, Email: u.Email, Name: u.Name}
	if d.State, err = v.Propose(ctx, tx, who, d, ""); err != nil {
		return nil, err
	}
	card, err := passkey.Show(d)
	if err != nil {
		return nil, err
	}
	creation, err := virtualwebauthn.ParseAttestationOptions(string(card.Options))
	if err != nil {
		return nil, err
	}
	if _, err = authenticator.BindAs(ctx, tx, d.ID, u.ID, authenticator.Passkey, "Key"); err != nil {
		return nil, err
	}
	answer := virtualwebauthn.CreateAttestationResponse(k.site, k.Authenticator, k.Credential, *creation)
	verdict, err := v.Confirm(ctx, tx, who, d, authenticator.Response{Assertion: []byte(answer)})
	if err == nil && !verdict.OK {
		t.Fatalf("not bound: %s", verdict.Reason)
	}
	k.ID, k.Options.UserHandle = d.ID, []byte(creation.UserID)
	return k, err
}

// Answer is what the device says to a request.
func (k *Key) Answer(t testing.TB, options []byte) []byte {
	t.Helper()
	request, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	k.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(k.site, k.Authenticator, k.Credential, *request))
}
