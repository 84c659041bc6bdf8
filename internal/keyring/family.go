package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"fmt"
)

// The algorithms that sign tokens (RFC 7518 3.3 and 3.4).
const (
	ES256 = "ES256"
	RS256 = "RS256" // for apps that know nothing else
)

// Algorithms lists what every installation has keys for; the first one is what an app gets
// unless it is registered for another.
var Algorithms = []string{ES256, RS256}

// rsaBits is what NIST SP 800-57 asks of keys that are used after 2030.
const rsaBits = 3072

// family is the keys of one algorithm. Families rotate independently. Each has a table of
// its own: a version that knows only EC keys reads every row of signing_keys, and runs
// beside this one during an upgrade.
type family struct {
	algorithm, table string
	idPurpose        string // what the key file mixes into the ids
	generate         func() (crypto.Signer, error)
}

var families = []family{
	{ES256, "signing_keys", "signing key id",
		func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }},
	{RS256, "rsa_signing_keys", "rsa signing key id",
		func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }},
}

func familyOf(algorithm string) (family, error) {
	for _, f := range families {
		if f.algorithm == algorithm {
			return f, nil
		}
	}
	return family{}, fmt.Errorf("there is no signing algorithm %q", algorithm)
}

// Fresh is a private key that is not stored yet.
type Fresh struct {
	family family
	der    []byte // PKCS #8
}

// Generate makes a private key. An RSA key takes up to some seconds, so this happens outside
// any transaction.
func Generate(algorithm string) (Fresh, error) {
	f, err := familyOf(algorithm)
	if err != nil {
		return Fresh{}, err
	}
	private, err := f.generate()
	if err != nil {
		return Fresh{}, fmt.Errorf("make %s signing key: %w", algorithm, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Fresh{}, fmt.Errorf("encode signing key: %w", err)
	}
	return Fresh{f, der}, nil
}

// parse reads a stored private key, which must be of the family that it is stored with.
func (f family) parse(der []byte) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	switch private := parsed.(type) {
	case *ecdsa.PrivateKey:
		if f.algorithm == ES256 && private.Curve == elliptic.P256() {
			return private, nil
		}
	case *rsa.PrivateKey:
		if f.algorithm == RS256 {
			return private, nil
		}
	}
	return nil, fmt.Errorf("a %T is no key for %s", parsed, f.algorithm)
}

func (f family) place(id string) []string { return []string{f.table, "sealed", id} }

var idLetters = base32.StdEncoding.WithPadding(base32.NoPadding)
