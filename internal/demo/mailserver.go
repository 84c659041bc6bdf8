package demo

import (
	"context"
	"errors"
	"io"
	"net"
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

var moods = []mood{
	{working, "Working", "takes every mail at once"},
	{slow, "Slow", "takes eight seconds to answer"},
	{greylisting, "Greylisting", "turns each mail away twice, then takes it"},
	{refusing, "Refusing", "says that the mailbox does not exist"},
}

const (
	slowness  = 8 * time.Second
	greyTimes = 2
)

// mailServer takes mail by SMTP and keeps the newest in memory.
type mailServer struct {
	arrivals[letter]
	listener net.Listener
	server   *smtp.Server
	stopping chan struct{}

	grey   sync.Mutex
	turned map[string]int // how often mail to an address was turned away
}

func newMailServer(ctx context.Context, now func() time.Time) (*mailServer, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mailServer{
		arrivals: arrivals[letter]{now: now, moods: moods, mood: working},
		listener: l,
		stopping: make(chan struct{}),
		turned:   map[string]int{},
	}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session,
		error) {
		return &delivery{server: m}, nil
	}))
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

// behave changes the mood, and forgets who was turned away.
func (m *mailServer) behave(as string) {
	m.arrivals.behave(as)
	m.grey.Lock()
	defer m.grey.Unlock()
	clear(m.turned)
}

var (
	errGrey = &smtp.SMTPError{
		Code:         451,
		EnhancedCode: smtp.EnhancedCode{4, 7, 1},
		Message:      "Greylisted, please try again",
	}
	errNoMailbox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	errGarbled   = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not a mail"}
)

// admit says whether mail for an address is taken now.
func (m *mailServer) admit(to string) error {
	mood := m.currently()
	m.grey.Lock()
	defer m.grey.Unlock()
	switch {
	case mood == refusing:
		return errNoMailbox
	case mood == greylisting && m.turned[to] < greyTimes:
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
	d.server.keep(func(id int, at time.Time) letter {
		l.ID, l.To, l.At = id, d.to, at
		return l
	})
	return nil
}

func (d *delivery) Reset()        { d.from, d.to = "", "" }
func (d *delivery) Logout() error { return nil }
