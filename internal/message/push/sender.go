package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"countersign/internal/locale"
	"countersign/internal/message"
)

// Address is what stands in message.Outgoing.To: the receiver, and where it takes pushes.
type Address struct {
	Receiver     string // id of the authenticator, or of its draft
	Subscription Subscription
}

// Text is the form that a message keeps.
func (a Address) Text() string {
	b, _ := json.Marshal(a) // strings only
	return string(b)
}

// Options is what a Sender needs.
type Options struct {
	Identity *Identity
	Subject  string         // see Subject
	Services []string       // "host:port" of push services that may be at private addresses
	RootCAs  *x509.CertPool // nil: the system's
	Timeout  time.Duration  // of one push
	Catalog  *locale.Catalog
	Now      func() time.Time
	// Gone is told of a receiver that takes no pushes any more. It may be told twice.
	Gone func(ctx context.Context, tenant, receiver string) error
}

// Sender hands pushes to push services.
type Sender struct {
	Options
	client *http.Client
}

// New returns a sender. No redirection is followed, and no proxy of the environment is used:
// both would lead where no one has looked.
func New(o Options) *Sender {
	d := dialer{allowed: o.Services, timeout: o.Timeout}
	return &Sender{Options: o, client: &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            d.dial,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    o.Timeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    2,
			MaxResponseHeaderBytes: 16 << 10,
			DisableCompression:     true,
		},
	}}
}

// Send delivers one code. It returns a *message.Refusal where trying again is of no use.
func (s *Sender) Send(ctx context.Context, e message.Envelope) (host string, err error) {
	var to Address
	var c Code
	if json.Unmarshal([]byte(e.To), &to) != nil || json.Unmarshal(e.Data, &c) != nil {
		return "", &message.Refusal{Cause: errors.New("the message is not readable")} // the cause may quote it
	}
	u, err := service(to.Subscription.Endpoint)
	if err != nil {
		return "", &message.Refusal{Cause: err}
	}
	req, err := s.request(ctx, u, to.Subscription, c, e)
	if err != nil {
		return u.Hostname(), err
	}
	status, err := s.post(req)
	if err != nil {
		return u.Hostname(), err
	}
	return u.Hostname(), s.judge(ctx, e.Tenant, to.Receiver, status)
}

func (s *Sender) request(ctx context.Context, u *url.URL, to Subscription, c Code,
	e message.Envelope) (*http.Request, error) {
	plain, err := word(s.Catalog.In(e.Language), c, e.ReturnTo)
	if err != nil {
		return nil, &message.Refusal{Cause: err}
	}
	body, err := encrypt(to, plain)
	if err != nil {
		return nil, &message.Refusal{Cause: err}
	}
	key, err := s.Identity.Key(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	proof, err := authorization(key, u, s.Subject, now)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, &message.Refusal{Cause: ErrSubscription}
	}
	h := req.Header
	h.Set("Authorization", proof)
	h.Set("Content-Encoding", "aes128gcm")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("TTL", strconv.Itoa(max(0, int(c.ExpiresAt.Sub(now)/time.Second)))) // RFC 8030 section 5.2
	h.Set("Urgency", "high")                                                  // section 5.3: someone waits
	// section 5.4: a newer code replaces one that has not arrived
	h.Set("Topic", "code")
	return req, nil
}

// post returns the status of the answer. Its error holds no endpoint: anyone who knows that
// may send to the browser.
func (s *Sender) post(req *http.Request) (int, error) {
	res, err := s.client.Do(req)
	if errors.Is(err, errAddress) {
		return 0, &message.Refusal{Cause: errAddress}
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return 0, failed.Err
	}
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection can be used again
	_ = res.Body.Close()
	return res.StatusCode, nil
}

// judge reads an answer by RFC 8030 sections 5, 7.3 and 8.4.
func (s *Sender) judge(ctx context.Context, tenant, receiver string, status int) error {
	answer := fmt.Errorf("the push service answered %d", status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		if err := s.Gone(ctx, tenant, receiver); err != nil {
			return fmt.Errorf("note a receiver that is gone: %w", err) // the next try meets the same answer
		}
		return &message.Refusal{Cause: answer}
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return answer
	}
	return &message.Refusal{Cause: answer}
}

// Reach opens a connection to a service ("host:port"), encrypted and with its certificate
// checked, and closes it. It sends nothing.
func (s *Sender) Reach(ctx context.Context, service string) error {
	transport := s.client.Transport.(*http.Transport)
	conn, err := transport.DialContext(ctx, "tcp", service)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(service)
	c := transport.TLSClientConfig.Clone()
	c.ServerName = host
	secured := tls.Client(conn, c)
	defer func() { _ = secured.Close() }()
	return secured.HandshakeContext(ctx)
}

// HostPort completes the name of a service with the port of https.
func HostPort(service string) string {
	if _, _, err := net.SplitHostPort(service); err == nil {
		return service
	}
	return net.JoinHostPort(service, "443")
}
