package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Moods of the mail server.
const (
	working     = "working"
	slow        = "slow"
	refusing    = "refusing"
	greylisting = "greylisting"
)

// mood is one way for a mail server to behave, in words.
type mood struct{ ID, Name, Effect string }

var moods = []mood{
	{working, "Working", "takes every mail at once"},
	{slow, "Slow", "takes eight seconds to answer"},
	{greylisting, "Greylisting", "turns each mail away twice, then takes it"},
	{refusing, "Refusing", "says that the mailbox does not exist"},
}

const (
	slowness  = 8 * time.Second
	greyTimes = 2
	mostMails = 200
)

// mailServer takes mail by SMTP and keeps the newest in memory.
type mailServer struct {
	listener net.Listener
	server   *smtp.Server
	stopping chan struct{}

	mu      sync.Mutex
	mood    string
	turned  map[string]int // how often mail to an address was turned away
	letters []letter       // oldest first
	count   int
}

func newMailServer(ctx context.Context) (*mailServer, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mailServer{listener: l, stopping: make(chan struct{}), mood: working, turned: map[string]int{}}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{server: m}, nil }))
	m.server.Domain, m.server.MaxMessageBytes, m.server.MaxRecipients = "mail.harbor.example", 1<<20, 1
	m.server.ReadTimeout, m.server.WriteTimeout = time.Minute, time.Minute
	m.server.ErrorLog = silent{}
	return m, nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

func (m *mailServer) port() int { return m.listener.Addr().(*net.TCPAddr).Port }

func (m *mailServer) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		close(m.stopping)
		_ = m.server.Close()
	})
	defer stop()
	if err := m.server.Serve(m.listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) && ctx.Err() == nil {
		return err
	}
	return nil
}

// behave changes the mood; an unknown one changes nothing.
func (m *mailServer) behave(as string) {
	if !slices.ContainsFunc(moods, func(known mood) bool { return known.ID == as }) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = as
	clear(m.turned)
}

func (m *mailServer) currently() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mood
}

// newestFirst returns what has arrived.
func (m *mailServer) newestFirst() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.letters)
	slices.Reverse(out)
	return out
}

func (m *mailServer) keep(l letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	l.ID = m.count
	m.letters = append(m.letters, l)
	if len(m.letters) > mostMails {
		m.letters = m.letters[1:]
	}
}

var (
	errGrey    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, please try again"}
	errNobody  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	errGarbled = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not a mail"}
)

// admit says whether mail for an address is taken now.
func (m *mailServer) admit(to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.mood == refusing:
		return errNobody
	case m.mood == greylisting && m.turned[to] < greyTimes:
		m.turned[to]++
		return errGrey
	}
	delete(m.turned, to)
	return nil
}

func (m *mailServer) hesitate() {
	if m.currently() != slow {
		return
	}
	select {
	case <-time.After(slowness):
	case <-m.stopping:
	}
}

// delivery is one SMTP connection.
type delivery struct {
	server   *mailServer
	from, to string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.from = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := d.server.admit(to); err != nil {
		return err
	}
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l, err := open(raw)
	if err != nil {
		return errGarbled
	}
	d.server.hesitate()
	l.To, l.At = d.to, time.Now().UTC()
	d.server.keep(l)
	return nil
}

func (d *delivery) Reset()        { d.from, d.to = "", "" }
func (d *delivery) Logout() error { return nil }
