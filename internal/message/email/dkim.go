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

// signed are the headers under the signature; those of twice are signed once more than the
// mail has them, so that no one can put another author, subject or body in front (RFC 6376
// section 8.15). The library breaks a list of names, a domain or a selector that does not
// fit on one line in a way that receivers then refuse, so the two lists are no longer.
var (
	signed = []string{"From", "To", "Subject", "Date", "Message-ID", "Content-Type"}
	twice  = []string{"From", "Subject", "Content-Type"}
)

const longestName = 60

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
	if len(domain) > longestName || len(selector) > longestName {
		return nil, fmt.Errorf("a domain or selector has at most %d letters here", longestName)
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
	s.OversignHeaders(twice...)
	return s
}
