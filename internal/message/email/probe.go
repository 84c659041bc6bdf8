package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-smtp"
)

// Probe is what a mail server showed of itself without being given a mail.
type Probe struct {
	TLS     string    // "TLS 1.3", or empty where the connection is not protected
	Expires time.Time // when its certificate ends, zero without TLS
	UTF8    bool      // it takes addresses with letters beyond ASCII before the @ (RFC 6531)
}

// Probe talks to the mail server like a mail, but names no recipient: it connects, begins TLS, signs
// in and offers the sender. The error does not quote the server.
func (s *Sender) Probe(ctx context.Context) (Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return Probe{}, err
	}
	defer quit(c)
	defer context.AfterFunc(ctx, func() { _ = c.raw.Close() })()
	var p Probe
	p.UTF8, _ = c.client.Extension("SMTPUTF8")
	if state, ok := c.client.TLSConnectionState(); ok {
		p.TLS, p.Expires = tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter
	}
	if err := c.client.Mail(s.from.Address, &smtp.MailOptions{}); err != nil {
		return p, failedAt(mailFrom, err)
	}
	return p, failedAt(mailFrom, c.client.Reset())
}

// Advice says what an operator can do about an error of Probe or Send.
func Advice(err error) string {
	var f *failure
	if !errors.As(err, &f) {
		return "look at the error"
	}
	switch f.at {
	case connecting:
		return "check smtp.host and smtp.port, and that a firewall lets this machine reach them"
	case greeting:
		return "check that smtp.tls fits the port: usually starttls with 587, implicit with 465"
	case securing:
		return "the certificate must name smtp.host and come from an authority that this machine or smtp.ca_file knows"
	case signingIn:
		return "check smtp.username and smtp.password with those who run the mail server"
	case mailFrom:
		return "the server refuses the sender: allow smtp.from for this account"
	}
	return fmt.Sprintf("ask those who run the mail server about the answer %d %s", f.code, f.enhanced)
}
