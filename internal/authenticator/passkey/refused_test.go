package passkey

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// TestEveryRefusalOfTheLibraryHasAReason: no error of the library ends in the reason that says
// nothing, and errors of two types end in two reasons.
func TestEveryRefusalOfTheLibraryHasAReason(t *testing.T) {
	v := &Verifier{rp: testParty(t)}
	data := protocol.AuthenticatorData{RPIDHash: hashOf("sign-in.test"), Flags: protocol.FlagUserPresent}
	client := protocol.CollectedClientData{Type: protocol.AssertCeremony}
	types := map[string]string{}
	for _, err := range []*protocol.Error{
		protocol.ErrBadRequest, protocol.ErrPolicyRestriction, protocol.ErrChallengeMismatch, protocol.ErrParsingData,
		protocol.ErrAuthData,
		protocol.ErrVerification, protocol.ErrAttestation, protocol.ErrInvalidAttestation, protocol.ErrMetadata,
		protocol.ErrAttestationFormat,
		protocol.ErrAttestationCertificate, protocol.ErrAssertionSignature, protocol.ErrUnsupportedKey,
		protocol.ErrUnsupportedAlgorithm,
		protocol.ErrNotSpecImplemented, protocol.ErrNotImplemented,
	} {
		reason := v.refusal(fmt.Errorf("refused: %w", err.WithDetails("changed")),
			protocol.AssertCeremony, client, data)
		if reason == Invalid || reason == "" {
			t.Errorf("%s: %q", err.Type, reason)
		}
		if before, seen := types[reason]; seen && before != err.Type {
			t.Errorf("%s and %s are both %s", before, err.Type, reason)
		}
		types[reason] = err.Type
	}
	unknown := &protocol.ErrorUnknownCredential{Err: protocol.ErrBadRequest}
	if got := v.refusal(unknown, protocol.AssertCeremony, client, data); got != Unknown {
		t.Error(got)
	}
	if got := v.refusal(fmt.Errorf("something else"), protocol.AssertCeremony, client, data); got != Invalid {
		t.Error(got)
	}
}

// What is told to someone who has shown no more than a credential's id does not depend on
// whether anyone has it.
func TestAdviceNamesNoAccount(t *testing.T) {
	for _, reason := range []string{Unknown, BadSignature, OtherUser, NotPresent, OtherHost, Invalid} {
		if got := Advice(reason); got != "" {
			t.Errorf("%s: %s", reason, got)
		}
	}
	for _, reason := range []string{TimeOver, OtherOrigin, Unverified, Cloned} {
		if Advice(reason) == "" {
			t.Errorf("%s: nothing is said", reason)
		}
	}
}

// A set-up with an algorithm that was not asked for has a reason that a person is told about.
func TestAKeyOfAnotherAlgorithmIsTold(t *testing.T) {
	v := &Verifier{rp: testParty(t)}
	for alg, want := range map[webauthncose.COSEAlgorithmIdentifier]string{webauthncose.AlgES384: Unsupported,
		webauthncose.AlgES256: "bad_attestation"} {
		key, err := webauthncbor.Marshal(webauthncose.PublicKeyData{KeyType: int64(webauthncose.EllipticKey),
			Algorithm: int64(alg)})
		if err != nil {
			t.Fatal(err)
		}
		p := &protocol.ParsedCredentialCreationData{}
		p.Response.CollectedClientData.Type = protocol.CreateCeremony
		p.Response.AttestationObject.AuthData = protocol.AuthenticatorData{
			RPIDHash: hashOf("sign-in.test"), Flags: protocol.FlagUserPresent,
			AttData: protocol.AttestedCredentialData{CredentialPublicKey: key},
		}
		if got := v.createRefusal(protocol.ErrAttestationFormat, p); got != want {
			t.Errorf("%d: %s, want %s", alg, got, want)
		}
	}
	if wrong(Unsupported).Notice == "" {
		t.Error("nothing is said")
	}
}

func testParty(t *testing.T) *webauthn.WebAuthn {
	t.Helper()
	rp, err := webauthn.New(&webauthn.Config{RPID: "sign-in.test", RPDisplayName: "x",
		RPOrigins: []string{"https://sign-in.test"}})
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func hashOf(host string) []byte {
	sum := sha256.Sum256([]byte(host))
	return sum[:]
}
