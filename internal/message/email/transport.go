package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"countersign/internal/message"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// step is where in the conversation something failed.
type step string

const (
	connecting step = "connect"
	greeting   step = "greeting"
	securing   step = "tls"
	signingIn  step = "auth"
	mailFrom   step = "mail"
	rcptTo     step = "rcpt"
	data       step = "data"
)

// failure is an SMTP or network error without the server's words.
type failure struct {
	at       step
	code     int    // RFC 5321 section 4.2; 0 = the connection failed
	enhanced string // RFC 3463
	network  error
}

func (f *failure) Error() string {
	if f.code == 0 {
		return fmt.Sprintf("smtp %s: %v", f.at, f.network)
	}
	return fmt.Sprintf("smtp %s: %d %s", f.at, f.code, f.enhanced)
}

func (f *failure) Unwrap() error { return f.network }

func failedAt(at step, err error) error {
	if err == nil {
		return nil
	}
	var answer *smtp.SMTPError
	if errors.As(err, &answer) {
		e := answer.EnhancedCode
		return &failure{at: at, code: answer.Code, enhanced: fmt.Sprintf("%d.%d.%d", e[0], e[1], e[2])}
	}
	return &failure{at: at, network: err}
}

// classify separates errors about this recipient from errors about us. Only a 5xx to the
// recipient or the mail itself is final; a server that does not let us in at all may be
// mended while the code lives, and must not be shown to people as their mailbox's fault.
func classify(err error) error {
	var f *failure
	switch {
	case !errors.As(err, &f) || f.code == 0:
		return err
	case f.code < 500:
		return &message.Temporary{Problem: message.Postponed, Cause: err}
	case f.at != rcptTo && f.at != data:
		return &message.Temporary{Problem: message.NotLetIn, Cause: err}
	}
	switch f.code {
	case 500, 501, 502, 503, 504, 530, 534, 535, 538: // syntax, sequence and authentication: ours
		return &message.Temporary{Problem: message.NotLetIn, Cause: err}
	}
	return &message.Refusal{Cause: f}
}

// transmit uses a kept connection if there is one. That may have died meanwhile, so until
// the server has answered on it, a failure only means that a new one is needed.
func (s *Sender) transmit(ctx context.Context, from, to string, text []byte) error {
	if c := s.pool.take(); c != nil {
		err := s.converse(ctx, c, from, to, text)
		if !isStale(err) {
			return err
		}
	}
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	return s.converse(ctx, c, from, to, text)
}

// isStale reports whether the server closed a kept connection before it accepted anything.
func isStale(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.at == mailFrom && (f.code == 0 || f.code == 421)
}

// converse sends one mail over c and keeps c for the next one if all went well.
func (s *Sender) converse(ctx context.Context, c *connection, from, to string, text []byte) error {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := c.send(from, to, text)
	if !stop() || isBroken(err) {
		_ = c.client.Close()
		return err
	}
	if err == nil || c.client.Reset() == nil {
		s.pool.put(c)
		return err
	}
	_ = c.client.Close()
	return err
}

func isBroken(err error) bool {
	var f *failure
	return errors.As(err, &f) && (f.code == 0 || f.code == 421)
}

type connection struct {
	raw    net.Conn
	client *smtp.Client
	mails  int
	expire *time.Timer
}

func (c *connection) send(from, to string, text []byte) error {
	// RFC 6531: without SMTPUTF8 such an address can't be reached this way.
	if takes, _ := c.client.Extension("SMTPUTF8"); !isASCII(to) && !takes {
		return &message.Refusal{Cause: errors.New("the mail server does not take addresses beyond ASCII (no SMTPUTF8)")}
	}
	c.mails++
	if err := c.client.Mail(from, &smtp.MailOptions{UTF8: !isASCII(to)}); err != nil {
		return failedAt(mailFrom, err)
	}
	if err := c.client.Rcpt(to, nil); err != nil {
		return failedAt(rcptTo, err)
	}
	w, err := c.client.Data()
	if err != nil {
		return failedAt(data, err)
	}
	if _, err := w.Write(text); err != nil {
		return failedAt(data, err)
	}
	return failedAt(data, w.Close())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// dial connects, secures and authenticates, within ctx.
func (s *Sender) dial(ctx context.Context) (*connection, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.o.Host, strconv.Itoa(s.o.Port)))
	if err != nil {
		return nil, failedAt(connecting, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	client, err := s.greet(ctx, raw)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	client.CommandTimeout, client.SubmissionTimeout = s.o.Timeout, s.o.Timeout
	if err := s.authenticate(client); err != nil {
		_ = client.Close()
		return nil, failedAt(signingIn, err)
	}
	return &connection{raw: raw, client: client}, nil
}

func (s *Sender) greet(ctx context.Context, raw net.Conn) (client *smtp.Client, err error) {
	switch s.o.TLS {
	case Implicit:
		secure := tls.Client(raw, s.tlsConfig())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, s.untrusted(err)
		}
		client = smtp.NewClient(secure)
	case StartTLS:
		if client, err = smtp.NewClientStartTLS(raw, s.tlsConfig()); err != nil {
			return nil, s.untrusted(err)
		}
	default:
		client = smtp.NewClient(raw)
	}
	if err := client.Hello(s.domain); err != nil {
		return nil, s.untrusted(err) // with STARTTLS the handshake happens with the first command
	}
	return client, nil
}

// untrusted says clearly what an operator has to mend.
func (s *Sender) untrusted(err error) error {
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		s.o.Log.Error("the mail server's certificate cannot be verified; no mail is sent", "host", s.o.Host, "error",
			verification.Err)
		return failedAt(securing, verification)
	}
	return failedAt(greeting, err)
}

func (s *Sender) authenticate(client *smtp.Client) error {
	if s.o.Username == "" {
		return nil
	}
	if client.SupportsAuth(sasl.Plain) {
		return client.Auth(sasl.NewPlainClient("", s.o.Username, s.o.Password.Reveal()))
	}
	return client.Auth(sasl.NewLoginClient(s.o.Username, s.o.Password.Reveal()))
}

const (
	keepConnections = 8
	keepFor         = 10 * time.Second
	mailsEach       = 100 // servers count; RFC 5321 section 4.5.3.1.8
)

// pool keeps connections for the next mails.
type pool struct {
	mu     sync.Mutex
	idle   []*connection
	closed bool
}

// take returns the connection that was used last, or nil.
func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	c.expire.Stop()
	return c
}

func (p *pool) put(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= keepConnections || c.mails >= mailsEach {
		go quit(c)
		return
	}
	c.expire = time.AfterFunc(keepFor, func() { p.drop(c) })
	p.idle = append(p.idle, c)
}

func (p *pool) drop(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			go quit(c)
			return
		}
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.expire.Stop()
		_ = c.client.Close()
	}
	p.idle = nil
}

// quit says goodbye, and hangs up where no one answers.
func quit(c *connection) {
	c.client.CommandTimeout = time.Second
	_ = c.client.Quit()
	_ = c.client.Close()
}
