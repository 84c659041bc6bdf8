package passkey

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
)

// The reasons for which an answer is wrong. Each is a word of the audit log of its own.
const (
	Malformed     = "malformed"
	TimeOver      = "expired"
	Other         = "other_challenge"
	OtherOrigin   = "other_origin"
	OtherCeremony = "other_ceremony" // an answer to a set-up where a sign-in was asked for, or the reverse
	OtherHost     = "other_relying_party"
	OtherUser     = "other_user"
	NotPresent    = "user_not_present"
	Unknown       = "unknown_credential"
	Unverified    = "user_not_verified"
	BadBackup     = "backup_state_without_eligibility"
	BadSignature  = "bad_signature"
	BadID         = "other_credential_id" // of a set-up: the browser and the device name two
	Unsupported   = "unsupported_algorithm"
	Cloned        = "counter_regressed"
	Used          = "already_used"
	Taken         = "already_bound"
	Invalid       = "bad_assertion" // what has no reason of its own
)

// libraryReasons are the reasons for the error types of the library. Most of them are found
// before, by what is wrong itself; what is left keeps the library's distinction.
var libraryReasons = map[string]string{
	protocol.ErrBadRequest.Type:             "bad_request",
	protocol.ErrPolicyRestriction.Type:      "policy_restriction",
	protocol.ErrChallengeMismatch.Type:      Other,
	protocol.ErrParsingData.Type:            Malformed,
	protocol.ErrAuthData.Type:               "bad_authenticator_data",
	protocol.ErrVerification.Type:           "bad_response",
	protocol.ErrAttestation.Type:            "attestation_not_verified",
	protocol.ErrInvalidAttestation.Type:     "bad_attestation", // also of ErrAttestationFormat
	protocol.ErrMetadata.Type:               "bad_metadata",
	protocol.ErrAttestationCertificate.Type: "bad_attestation_certificate",
	protocol.ErrAssertionSignature.Type:     BadSignature,
	protocol.ErrUnsupportedKey.Type:         "unsupported_key",
	protocol.ErrUnsupportedAlgorithm.Type:   Unsupported,
	protocol.ErrNotSpecImplemented.Type:     "unsupported_by_standard",
	protocol.ErrNotImplemented.Type:         "unsupported_by_library",
}

// refusal names what is wrong with an answer that the library refused.
func (v *Verifier) refusal(err error, ceremony protocol.CeremonyType, c protocol.CollectedClientData,
	a protocol.AuthenticatorData) string {
	host := sha256.Sum256([]byte(v.rp.Config.RPID))
	var unknown *protocol.ErrorUnknownCredential
	var lib *protocol.Error
	switch {
	case c.Type != ceremony:
		return OtherCeremony
	case !bytes.Equal(a.RPIDHash, host[:]):
		return OtherHost
	case !a.Flags.UserPresent():
		return NotPresent
	case a.Flags.HasBackupState() && !a.Flags.HasBackupEligible():
		return BadBackup
	case errors.As(err, &unknown):
		return Unknown
	case errors.As(err, &lib) && libraryReasons[lib.Type] != "":
		return libraryReasons[lib.Type]
	}
	return Invalid
}

// advice is what a person can do about a refusal, as a catalogue key. What only an attacker or
// a broken device meets has none.
var advice = map[string]string{
	TimeOver:    "passkey.problem.late",
	Used:        "passkey.problem.late",
	OtherOrigin: "passkey.problem.origin",
	NotPresent:  "passkey.problem.touch",
	Unknown:     "passkey.problem.unknown",
	Unverified:  "passkey.problem.unverified",
	Cloned:      "passkey.problem.copied",
	Taken:       "passkey.problem.taken",
	Unsupported: "passkey.problem.unsupported",
}

// Advice is what a person who signs in with a passkey alone is told about a refusal; empty
// where nothing but the general answer may be given. It depends on an account only after the
// signature was right: anyone who has the key may know what is wrong with it.
func Advice(reason string) string {
	if reason == Unknown || reason == NotPresent {
		return ""
	}
	return advice[reason]
}
