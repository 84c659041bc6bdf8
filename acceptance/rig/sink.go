package rig

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The account that the program uses at the mail server.
const (
	smtpUser     = "countersign"
	smtpPassword = "canary-smtp-password-7f3a"
)

// Behaviour is what the mail server does with mail for one address. The zero value accepts.
type Behaviour struct {
	Refuse    bool          // 550 at RCPT
	Greylist  int           // answers 451 so many times, then accepts
	Busy      int           // answers 421 and hangs up so many times
	Defer     int           // takes the mail's text and answers 451 so many times, then accepts
	Delay     time.Duration // before the answer to DATA
	Hang      bool          // never answers DATA, until Stop
	DropAfter int           // takes the mail and drops the connection instead of answering, so many times
	Bounce    string        // accepts and then returns a report: "failed" or "delayed"
}

// Sink is the mail server of the world. It keeps every mail it accepted.
type Sink struct {
	Addr string

	bounces string // where the program listens for reports
	server  *smtp.Server
	mu      sync.Mutex
	changed chan struct{}
	mails   []Mail
	rules   map[string]*Behaviour
	stopped chan struct{}
	t       testing.TB
}

func newSink(t testing.TB, bounces string) *Sink {
	t.Helper()
	s := &Sink{
		bounces: bounces,
		changed: make(chan struct{}),
		rules:   map[string]*Behaviour{},
		stopped: make(chan struct{}),
		t:       t,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = listener.Addr().String()
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &delivery{sink: s, conn: c}, nil
	}))
	s.server.Domain, s.server.TLSConfig = "mail.example.test", serverTLS(t, "mail.example.test", "localhost")
	s.server.ErrorLog = silent{}
	go func() { _ = s.server.Serve(listener) }()
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// Stop ends the server and everything that hangs in it.
func (s *Sink) Stop() {
	close(s.stopped)
	_ = s.server.Close()
}

// Behave says what happens to mail for address from now on.
func (s *Sink) Behave(address string, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules[strings.ToLower(address)] = &b
}

// Mails returns what has arrived for address, in order.
func (s *Sink) Mails(address string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Mail
	for _, m := range s.mails {
		if strings.EqualFold(m.To, address) {
			out = append(out, m)
		}
	}
	return out
}

// All returns everything that has arrived.
func (s *Sink) All() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Codes returns the mails to address that carry a code.
func (s *Sink) Codes(address string) []Mail {
	return slices.DeleteFunc(s.Mails(address), func(m Mail) bool { return m.Code == "" })
}

// Mail waits for the n-th mail (from 1) to address.
func (s *Sink) Mail(t testing.TB, address string, n int) Mail {
	t.Helper()
	return s.await(t, address, n, s.Mails)
}

// Code waits for the n-th mail (from 1) to address that carries a code.
func (s *Sink) Code(t testing.TB, address string, n int) Mail {
	t.Helper()
	return s.await(t, address, n, s.Codes)
}

func (s *Sink) await(t testing.TB, address string, n int, those func(string) []Mail) Mail {
	t.Helper()
	deadline := time.After(Slack * 15 * time.Second)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if got := those(address); len(got) >= n {
			return got[n-1]
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("mail %d to %s did not come; %d came", n, address, len(those(address)))
		}
	}
}

// About waits for a mail to address whose subject contains text.
func (s *Sink) About(t testing.TB, address, text string) Mail {
	t.Helper()
	for n := 1; ; n++ {
		if m := s.Mail(t, address, n); strings.Contains(m.Subject, text) {
			return m
		}
	}
}

func (s *Sink) keep(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Sink) rule(address string) *Behaviour {
	if b := s.rules[strings.ToLower(address)]; b != nil {
		return b
	}
	return &Behaviour{}
}

// delivery is one SMTP connection.
type delivery struct {
	sink     *Sink
	conn     *smtp.Conn
	user     string
	from, to string
}

var errGreylisted = &smtp.SMTPError{
	Code:         451,
	EnhancedCode: smtp.EnhancedCode{4, 7, 1},
	Message:      "Greylisted, please try again",
}

func (*delivery) AuthMechanisms() []string { return []string{sasl.Plain} }

func (d *delivery) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != smtpUser || password != smtpPassword {
			return smtp.ErrAuthFailed
		}
		d.user = user
		return nil
	}), nil
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	if _, encrypted := d.conn.TLSConnectionState(); !encrypted || d.user == "" {
		return smtp.ErrAuthRequired
	}
	d.from = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	rule := d.sink.rule(to)
	if rule.Refuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	}
	if rule.Greylist > 0 {
		rule.Greylist--
		return errGreylisted
	}
	if rule.Busy > 0 {
		rule.Busy--
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Too busy, closing"}
	}
	if d.to != "" {
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 5, 3}, Message: "One recipient, please"}
	}
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	d.sink.mu.Lock()
	rule := d.sink.rule(d.to)
	delay, hang, bounce, drop := rule.Delay, rule.Hang, rule.Bounce, rule.DropAfter > 0
	rule.DropAfter = max(rule.DropAfter-1, 0)
	later := rule.Defer > 0
	rule.Defer = max(rule.Defer-1, 0)
	d.sink.mu.Unlock()
	if later {
		return &smtp.SMTPError{
			Code:         451,
			EnhancedCode: smtp.EnhancedCode{4, 3, 0},
			Message:      "Not now, please try again",
		}
	}
	d.pause(delay, hang)
	mail, err := parseMail(d.from, d.to, raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	d.sink.keep(mail)
	if bounce != "" {
		go d.sink.report(mail, bounce)
	}
	if drop {
		_ = d.conn.Conn().Close()
		return errors.New("dropped")
	}
	return nil
}

func (d *delivery) pause(delay time.Duration, hang bool) {
	if hang {
		delay = time.Hour
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-d.sink.stopped:
		}
	}
}

func (d *delivery) Reset()        { d.from, d.to = "", "" }
func (d *delivery) Logout() error { return nil }
