// Package email sends messages by SMTP and understands the bounces that come back. It
// renders what it sends, and it refuses to speak to a server whose certificate it cannot
// verify: there is no way back to clear text.
package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strings"
	"time"

	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/secret"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// How the connection to the mail server is protected.
const (
	StartTLS = "starttls" // RFC 3207; a server that does not offer it gets no mail
	Implicit = "implicit" // RFC 8314 section 3.3
	NoTLS    = "none"     // to this machine only
)

// Options say where mail goes and whom it is from.
type Options struct {
	Host         string
	Port         int
	Username     string // empty: no authentication
	Password     secret.Text
	From         string // "Harbor <sign-in@example.com>"
	TLS          string
	RootCAs      *x509.CertPool // nil: the system's
	Timeout      time.Duration  // the longest that one mail may take
	BounceDomain string         // empty: bounces go to From
	DKIM         *DKIM          // nil: mails leave unsigned
	Catalog      *locale.Catalog
	Look         func(ctx context.Context, tenant string) Look // nil = the zero Look
	Now          func() time.Time
	Log          *slog.Logger
}

// Sender sends mail over a few connections that it keeps for a while.
type Sender struct {
	o      Options
	from   *mail.Address
	domain string
	pool   pool
}

// New checks the options; it connects with the first mail only.
func New(o Options) (*Sender, error) {
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("smtp.from is not a mail address: %w", err)
	}
	if o.TLS != StartTLS && o.TLS != Implicit && (o.TLS != NoTLS || !isLoopback(o.Host)) {
		return nil, fmt.Errorf("smtp.tls %q is not possible with %s", o.TLS, o.Host)
	}
	if o.Timeout <= 0 || o.Timeout > 50*time.Second {
		o.Timeout = 20 * time.Second
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Sender{o: o, from: from, domain: domain}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close ends the connections that are kept.
func (s *Sender) Close() error {
	s.pool.close()
	return nil
}

// Send renders the mail and hands it to the server. The error is a *message.Refusal where
// the server refused this recipient or this mail for good; it never holds the server's
// words, which may quote the address or the mail.
func (s *Sender) Send(ctx context.Context, e message.Envelope) (host string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	to, err := onlyMailbox(e.To)
	if err != nil {
		return "", &message.Refusal{Cause: err}
	}
	text, err := s.compose(ctx, e, to)
	if err != nil {
		return "", err
	}
	if err := s.transmit(ctx, s.returnPath(e.ReturnTo), to, text); err != nil {
		return s.o.Host, classify(err)
	}
	return s.o.Host, nil
}

// onlyMailbox returns the one address in to, with its domain in the form that travels.
// A list, a display name, a comment or a line break is not an address.
func onlyMailbox(to string) (string, error) {
	parsed, err := mail.ParseAddress(to)
	if err != nil || parsed.Name != "" || parsed.Address != to || strings.ContainsAny(to, " \t\r\n<>,;\"") {
		return "", errors.New("not exactly one mailbox")
	}
	at := strings.LastIndexByte(to, '@')
	domain, err := idna.Lookup.ToASCII(to[at+1:])
	if err != nil {
		return "", errors.New("not a mail domain")
	}
	return to[:at+1] + domain, nil
}

func (s *Sender) returnPath(ref string) string {
	if s.o.BounceDomain == "" || ref == "" {
		return s.from.Address
	}
	return bouncePrefix + ref + "@" + s.o.BounceDomain
}

func (s *Sender) look(ctx context.Context, tenant string) Look {
	if s.o.Look == nil {
		return Look{}
	}
	return s.o.Look(ctx, tenant)
}

// compose makes the mail of RFC 5322. Its Message-ID follows from the message, so that a
// server or a person that gets it twice can tell.
func (s *Sender) compose(ctx context.Context, e message.Envelope, to string) ([]byte, error) {
	content, err := decodeContent(e.Template, e.Data)
	if err != nil {
		return nil, errors.New("mail content is not readable")
	}
	m, err := Render(s.o.Catalog.In(e.Language), s.look(ctx, e.Tenant), content)
	if err != nil {
		return nil, fmt.Errorf("render mail %s: %w", e.Template, err)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.To(to); err != nil {
		return nil, &message.Refusal{Cause: errors.New("not an address that mail can carry")}
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetDateWithValue(s.o.Now().UTC())
	msg.SetMessageIDWithValue(e.ID + "@" + s.domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 section 5: no holiday replies
	msg.SetGenHeader(gomail.HeaderContentLang, e.Language)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if s.o.DKIM != nil {
		msg.SetDKIM(s.o.DKIM.signer(s.o.Now))
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, errors.New("mail cannot be put together")
	}
	return b.Bytes(), nil
}

// oneLine keeps a header a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.o.Host, RootCAs: s.o.RootCAs, MinVersion: tls.VersionTLS12}
}
