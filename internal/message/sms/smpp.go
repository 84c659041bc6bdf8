package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/message"
	"countersign/internal/secret"
)

// SMPPOptions are the terms agreed with a carrier.
type SMPPOptions struct {
	Address              string // host:port
	SystemID, SystemType string
	Password             secret.Text
	From                 string // "+4915…", a short code, or a name of up to 11 letters
	TLS                  bool
	RootCAs              *x509.CertPool // nil: the system's
	Timeout              time.Duration  // the longest wait for an answer
	Window               int            // messages that may be without an answer at once
	Enquire              time.Duration  // between two signs of life
	// Report takes what a receipt tells; an error asks the carrier to come again.
	Report func(ctx context.Context, handle string, state message.State, host string) error
	Log    *slog.Logger
}

// SMPP is one connection to a carrier (SMPP 3.4, as a transceiver), kept up for as long as
// Run runs.
type SMPP struct {
	o      SMPPOptions
	host   string
	window chan struct{}
	refs   atomic.Uint32
	mu     sync.Mutex
	bound  *link
}

// NewSMPP connects to no one yet.
func NewSMPP(o SMPPOptions) *SMPP {
	host, _, _ := net.SplitHostPort(o.Address)
	return &SMPP{o: o, host: host, window: make(chan struct{}, max(1, o.Window))}
}

// The waits between attempts to connect: the first, then doubled up to the last.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// Run keeps the connection until ctx ends, and then says goodbye.
func (s *SMPP) Run(ctx context.Context) error {
	backoff := firstBackoff
	for ctx.Err() == nil {
		l, err := s.connect(ctx)
		if err == nil {
			s.o.Log.Info("bound to the carrier", "host", s.host)
			backoff = firstBackoff
			err = s.serveLink(ctx, l)
		}
		if ctx.Err() != nil {
			return nil
		}
		s.o.Log.Warn("no connection to the carrier", "host", s.host, "error", err, "again_in", backoff.String())
		sleep(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// connect dials and binds, to send and to hear of what was sent.
func (s *SMPP) connect(ctx context.Context) (*link, error) { return s.connectAs(ctx, bindTransceiver) }

func (s *SMPP) connectAs(ctx context.Context, bind uint32) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := newLink(conn, s.handleDelivery)
	p, err := l.request(ctx, bind, bindBody(s.o))
	if err == nil && p.status != statusOK {
		err = &bindError{p.status}
	}
	if err != nil {
		l.close(err)
		return nil, err
	}
	return l, nil
}

func (s *SMPP) dial(ctx context.Context) (net.Conn, error) {
	if s.o.TLS {
		return (&tls.Dialer{Config: &tls.Config{
			ServerName: s.host,
			RootCAs:    s.o.RootCAs,
			MinVersion: tls.VersionTLS12,
		}}).DialContext(ctx, "tcp", s.o.Address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.o.Address)
}

// serveLink lets messages through until the connection breaks or ctx ends.
func (s *SMPP) serveLink(ctx context.Context, l *link) error {
	s.set(l)
	defer s.set(nil)
	tick := time.NewTicker(s.o.Enquire)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return l.why
		case <-ctx.Done():
			s.set(nil)
			s.unbind(l)
			return nil
		case <-tick.C:
			go s.keepAlive(ctx, l)
		}
	}
}

func (s *SMPP) set(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = l
}

func (s *SMPP) keepAlive(running context.Context, l *link) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(running), s.o.Timeout)
	defer cancel()
	if _, err := l.request(ctx, enquireLink, nil); err != nil && running.Err() == nil {
		l.close(errors.New("the carrier gives no sign of life"))
	}
}

// unbind lets what is under way finish and unbinds.
func (s *SMPP) unbind(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Timeout)
	defer cancel()
	for range cap(s.window) {
		select {
		case s.window <- struct{}{}:
		case <-ctx.Done():
		}
	}
	_, _ = l.request(ctx, unbind, nil)
	l.close(errors.New("unbound"))
}

var errNotBound = errors.New("no connection to the carrier")

// Submit implements Submit.
func (s *SMPP) Submit(ctx context.Context, m Message) (handle, host string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	select {
	case s.window <- struct{}{}:
		defer func() { <-s.window }()
	case <-ctx.Done():
		return "", s.host, &NotTaken{errors.New("too many messages wait for the carrier")}
	}
	s.mu.Lock()
	l := s.bound
	s.mu.Unlock()
	if l == nil {
		return "", s.host, &NotTaken{errNotBound}
	}
	for i, body := range submitBodies(s.o.From, m.To, m.Text, byte(s.refs.Add(1))) {
		p, err := l.request(ctx, submitSM, body)
		if err == nil {
			err = checkStatus(p.status)
		}
		var not *NotTaken
		if i > 0 && errors.As(err, &not) {
			err = not.Cause // the first part is on its way, and charged
		}
		if err != nil {
			return "", s.host, err
		}
		handle = handleIn(p.body)
	}
	return s.named(handle), s.host, nil
}

// named tells the names that one carrier gives from another's.
func (s *SMPP) named(handle string) string {
	if handle == "" {
		return ""
	}
	return s.host + "/" + handle
}

func handleIn(body []byte) string {
	f := &fields{rest: body}
	return normalHandle(f.text())
}

// checkStatus reads the status of a submit_sm_resp.
func checkStatus(status uint32) error {
	problem := fmt.Errorf("the carrier answers status %#x", status)
	switch status {
	case statusOK:
		return nil
	case statusThrottled, statusQueueFull, statusSystem, statusSource:
		return &NotTaken{problem} // later, or after our settings were mended
	}
	return &message.Refusal{Cause: problem}
}

// report passes a receipt on under the name it carries, and where that is unknown under the
// same number in the other base: some carriers answer a submission in hexadecimal and name the
// message in decimal in the receipt, or the reverse.
func (s *SMPP) report(ctx context.Context, r receipt) error {
	err := s.o.Report(ctx, s.named(r.handle), r.state, s.host)
	for _, other := range otherBase(r.handle) {
		if !errors.Is(err, message.ErrNotOurs) {
			break
		}
		err = s.o.Report(ctx, s.named(other), r.state, s.host)
	}
	return err
}

// otherBase returns how a number written in one base is written in the other.
func otherBase(handle string) (out []string) {
	if n, err := strconv.ParseUint(handle, 10, 64); err == nil {
		out = append(out, strconv.FormatUint(n, 16))
	}
	if n, err := strconv.ParseUint(handle, 16, 64); err == nil {
		out = append(out, strconv.FormatUint(n, 10))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == handle })
}

// handleDelivery takes a deliver_sm and says how to answer it. A receipt can overtake the note of
// what it is about, so an unknown one is asked for again a few times.
func (s *SMPP) handleDelivery(body []byte) (status uint32) {
	r, ok, err := readReceipt(body)
	if err != nil || !ok || r.state == "" {
		return statusOK // not for us, and it would only come again
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Timeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait *= 4 {
		err := s.report(ctx, r)
		switch {
		case err == nil:
			return statusOK
		case !errors.Is(err, message.ErrNotOurs):
			return statusLater
		case wait > time.Second:
			s.o.Log.Warn("a receipt for no message of ours", "host", s.host)
			return statusOK
		}
		sleep(ctx, wait)
	}
}
