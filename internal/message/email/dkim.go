package email

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DKIM signs mails in the name of a domain (RFC 6376).
type DKIM struct {
	Domain, Selector string
	key              crypto.Signer
}

// leastRSA is what RFC 8301 section 3.2 asks of signers.
const leastRSA = 2048

// signed are the headers under the signature, each once more than the mail has it, so that
// nobody can add a second one (RFC 6376 section 8.15).
var signed = []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}

// ReadDKIM takes a private key in PEM: RSA of 2048 bits or more (PKCS #1 or #8), or Ed25519
// (PKCS #8, RFC 8463).
func ReadDKIM(domain, selector string, pem []byte) (*DKIM, error) {
	key, err := gomail.PrivKeyFromPEM(pem)
	if err != nil {
		return nil, errors.New("it holds no private key in PEM, RSA or Ed25519") // the cause may quote the key
	}
	if r, ok := key.(*rsa.PrivateKey); ok && r.N.BitLen() < leastRSA {
		return nil, fmt.Errorf("an RSA key of %d bits can be broken: make one of %d", r.N.BitLen(), leastRSA)
	}
	return &DKIM{Domain: strings.ToLower(domain), Selector: strings.ToLower(selector), key: key}, nil
}

// Name is where the record stands in DNS.
func (d *DKIM) Name() string { return d.Selector + "._domainkey." + d.Domain }

// Record is the text to be published there. It holds the public key only.
func (d *DKIM) Record() string {
	if public, ok := d.key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	der, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		return "" // of an RSA key never
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// signer is made anew for each mail: the library's one changes while it signs.
func (d *DKIM) signer(now func() time.Time) *gomail.DKIMSigner {
	s := gomail.NewDKIMSigner(d.Domain, d.Selector, d.key)
	s.NowFunc = now
	s.SignHeaders(signed...)
	s.OversignHeaders(signed...)
	return s
}
