// Package passkey verifies and binds passkeys and security keys (W3C Web Authentication
// Level 3). It owns their rows, the directory that finds an account by a credential, and
// the challenges that are asked before anyone is known. It refuses what comes from another
// origin or from a frame, what answers another challenge than the one asked, and a counter
// that runs backwards; whether a proof is enough is decided elsewhere.
package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/internal/secret"
)

// Life is how long a challenge may be answered (SEC-91), and what browsers are told.
const Life = 5 * time.Minute

// ErrAddress says that browsers offer no passkeys at a public address: they want https and
// a host name, or localhost (WebAuthn L3 §5.1.3, §13.4.9).
var ErrAddress = errors.New("passkeys need a public_url with https and a host name, or http://localhost")

// Verifier is the relying party: one host, one origin.
type Verifier struct {
	keys   *secret.Keys
	rp     *webauthn.WebAuthn
	origin string
	decoy  []byte // a public key that signs for no one
}

// New returns the relying party of a public address. It returns ErrAddress where browsers
// would refuse it.
func New(publicURL string, keys *secret.Keys) (*Verifier, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || host == "" || u.Scheme != "https" &&
		(u.Scheme != "http" || host != "localhost") {
		return nil, ErrAddress
	}
	origin := u.Scheme + "://" + u.Host
	rp, err := webauthn.New(&webauthn.Config{
		RPID:                  host,
		RPDisplayName:         host,
		RPOrigins:             []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		// Password managers report extensions that no one asked for; none changes a decision.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	decoy, err := decoyKey()
	return &Verifier{
		keys:   keys,
		rp:     rp,
		origin: origin,
		decoy:  decoy,
	}, err
}

// decoyKey makes a public key whose private half is thrown away: what names no credential
// is compared with it, so that it takes as long as a bad signature.
func decoyKey() ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return webauthncbor.Marshal(webauthncose.EC2PublicKeyData{
		PublicKeyData: webauthncose.PublicKeyData{KeyType: int64(webauthncose.EllipticKey),
			Algorithm: int64(webauthncose.AlgES256)},
		Curve:  int64(webauthncose.P256),
		XCoord: point[1:33],
		YCoord: point[33:],
	})
}

// algorithms are what we accept, the best first.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// handle names a user to authenticators. It tells no one anything and stays the same for
// as long as the installation does (WebAuthn L3 §14.6.1).
func (v *Verifier) handle(tenant, userID string) []byte {
	return v.keys.Lasting("passkey/user", tenant, userID)
}

// newChallenge is 256 random bits; §13.4.3 asks for 128.
func newChallenge() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

// holder is a user as the library wants to see one.
type holder struct {
	handle      []byte
	name, shown string
	credentials []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.name }
func (h holder) WebAuthnDisplayName() string                { return h.shown }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }
