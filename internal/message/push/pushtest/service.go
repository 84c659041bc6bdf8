// Package pushtest is a push service and the browsers behind it, for tests. It speaks the
// real protocol with code of its own: what it cannot check and decrypt by RFC 8030, 8188,
// 8291 and 8292 is a failure of the test. It refuses to share a line with what it tests.
package pushtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Service is a push service on this machine.
type Service struct {
	Host string // "localhost:port"
	CA   []byte // PEM of the authority that signed for it

	server   *httptest.Server
	t        testing.TB
	now      func() time.Time
	mu       sync.Mutex
	browsers map[string]*Browser // by path
	answers  []int
	calls    int
	hangs    chan struct{}
}

// Push is one that arrived and was read.
type Push struct {
	Plain   []byte
	TTL     int
	Topic   string
	Urgency string
	Length  int // of the body
	Subject string
	Key     string // whose push it is, base64url
}

// New starts a push service, which ends with the test. now is the time by which proofs of
// senders are judged.
func New(t testing.TB, now func() time.Time) *Service {
	t.Helper()
	s := &Service{t: t, now: now, browsers: map[string]*Browser{}}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.TLS, s.CA = certificate(t, now())
	s.server.EnableHTTP2 = true
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	_, port, _ := net.SplitHostPort(s.server.Listener.Addr().String())
	s.Host = "localhost:" + port
	return s
}

// Answer makes the next pushes fail with these statuses, and none of them arrive.
func (s *Service) Answer(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, statuses...)
}

// Hang makes every push wait for an answer that comes with the end of the test, as at a service
// that someone chose for that.
func (s *Service) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = make(chan struct{})
	s.t.Cleanup(func() { close(s.hangs) })
}

// Reports makes failures those of another test, where several share a service.
func (s *Service) Reports(t testing.TB) { s.mu.Lock(); defer s.mu.Unlock(); s.t = t }

// Calls is how often anyone asked for anything.
func (s *Service) Calls() int { s.mu.Lock(); defer s.mu.Unlock(); return s.calls }

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if hangs := s.hangs; hangs != nil {
		s.mu.Unlock()
		<-hangs
		s.mu.Lock()
	}
	if len(s.answers) > 0 {
		status := s.answers[0]
		s.answers = s.answers[1:]
		w.Header().Set("Location", "https://"+s.Host+"/elsewhere")
		w.WriteHeader(status)
		return
	}
	b := s.browsers[r.URL.Path]
	if b == nil || b.gone {
		w.WriteHeader(http.StatusGone)
		return
	}
	p, err := s.read(r, b)
	if err != nil {
		s.t.Errorf("a push that a service would refuse: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.keep(p)
	w.Header().Set("Location", "https://"+s.Host+"/message/1")
	w.WriteHeader(http.StatusCreated)
}

// read checks a push as RFC 8030 section 5 and RFC 8292 want it.
func (s *Service) read(r *http.Request, b *Browser) (p Push, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4097))
	if err != nil || len(body) > 4096 {
		return p, fmt.Errorf("a body of %d bytes: %v", len(body), err)
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Encoding") != "aes128gcm" {
		return p, fmt.Errorf("%s, encoded as %q", r.Method, r.Header.Get("Content-Encoding"))
	}
	ttl, err := strconv.Atoi(r.Header.Get("TTL"))
	if err != nil || ttl < 0 {
		return p, fmt.Errorf("TTL %q", r.Header.Get("TTL"))
	}
	topic := r.Header.Get("Topic")
	if len(topic) > 32 || strings.Trim(topic,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return p, fmt.Errorf("topic %q", topic)
	}
	if u := r.Header.Get("Urgency"); !slices.Contains([]string{"", "very-low", "low", "normal", "high"}, u) {
		return p, fmt.Errorf("urgency %q", u)
	}
	p = Push{
		TTL:     ttl,
		Topic:   topic,
		Urgency: r.Header.Get("Urgency"),
		Length:  len(body),
	}
	if p.Subject, p.Key, err = s.sender(r.Header.Get("Authorization")); err != nil {
		return p, err
	}
	if b.Key != "" && b.Key != p.Key { // RFC 8292 section 4.2
		return p, fmt.Errorf("the subscription is restricted to another sender")
	}
	p.Plain, err = b.decrypt(body)
	return p, err
}

// sender checks who sends (RFC 8292 sections 2 and 3).
func (s *Service) sender(header string) (subject, key string, err error) {
	fields, ok := strings.CutPrefix(header, "vapid ")
	if !ok {
		return "", "", fmt.Errorf("authorization %.20q", header)
	}
	given := map[string]string{}
	for f := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(f), "=")
		given[name] = value
	}
	point, err := base64.RawURLEncoding.DecodeString(given["k"])
	if err != nil {
		return "", "", fmt.Errorf("key: %w", err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", "", fmt.Errorf("key: %w", err)
	}
	signed, err := jose.ParseSignedCompact(given["t"], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", "", fmt.Errorf("token: %w", err)
	}
	text, err := signed.Verify(public)
	if err != nil {
		return "", "", fmt.Errorf("token: %w", err)
	}
	subject, err = s.claims(text)
	return subject, given["k"], err
}

func (s *Service) claims(text []byte) (subject string, err error) {
	var c struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return "", err
	}
	left := time.Unix(c.Exp, 0).Sub(s.now())
	if c.Aud != "https://"+s.Host || left <= 0 || left > 24*time.Hour {
		return "", fmt.Errorf("claims %s with %s left", text, left)
	}
	if mailto := strings.Count(c.Sub, "mailto:"); !strings.HasPrefix(c.Sub, "https://") &&
		(mailto != 1 || !strings.HasPrefix(c.Sub, "mailto:") || !strings.Contains(c.Sub, "@")) {
		return "", fmt.Errorf("subject %q", c.Sub)
	}
	return c.Sub, nil
}

func certificate(t testing.TB, now time.Time) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "push service of a test"},
		NotBefore:             now.AddDate(-1, 0, 0),
		NotAfter:              now.AddDate(10, 0, 0),
		DNSNames:              []string{"localhost"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
