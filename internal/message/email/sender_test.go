package email

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/secret"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// sink is a real SMTP server that can be told to misbehave.
type sink struct {
	srv      *smtp.Server
	port     int
	listener net.Listener
	roots    *x509.CertPool

	mu     sync.Mutex
	mails  []received
	conns  int
	rcpt   func(to string) error
	data   func(n int) error
	drop   bool // closes the connection instead of answering DATA
	mailed error
}

type received struct {
	from string
	to   []string
	text []byte
}

type sinkSession struct {
	s      *sink
	c      *smtp.Conn
	authed bool
	got    received
}

func (s *sink) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return &sinkSession{s: s, c: c}, nil
}

func (x *sinkSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (x *sinkSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "house" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		x.authed = true
		return nil
	}), nil
}
func (x *sinkSession) Reset()        { x.got = received{} }
func (x *sinkSession) Logout() error { return nil }
func (x *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	if !x.authed {
		return smtp.ErrAuthRequired
	}
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.got.from = from
	return x.s.mailed
}
func (x *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.got.to = append(x.got.to, to)
	if x.s.rcpt != nil {
		return x.s.rcpt(to)
	}
	return nil
}
func (x *sinkSession) Data(r io.Reader) error {
	x.got.text, _ = io.ReadAll(r)
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.mails = append(x.s.mails, x.got)
	if x.s.drop {
		_ = x.c.Conn().Close()
		return io.ErrUnexpectedEOF
	}
	if x.s.data != nil {
		return x.s.data(len(x.s.mails))
	}
	return nil
}

// certificate makes a throwaway authority and a certificate of it for names.
func certificate(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: names, IsCA: true, BasicConstraintsValid: true}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func newSink(t testing.TB, implicit bool, names ...string) *sink {
	t.Helper()
	s := &sink{}
	cert, roots := certificate(t, names...)
	s.roots = roots
	s.srv = smtp.NewServer(s)
	s.srv.ErrorLog = quiet{}
	s.srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	s.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, s.srv.TLSConfig)
	}
	go func() { _ = s.srv.Serve(l) }()
	t.Cleanup(func() { _ = s.srv.Close() })
	return s
}

func newSender(t testing.TB, s *sink, change func(*Options)) *Sender {
	t.Helper()
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Host: "127.0.0.1", Port: s.port, Username: "house", Password: "secret",
		From: "Harbor <sign-in@harbor.test>", TLS: StartTLS, RootCAs: s.roots,
		Timeout: 5 * time.Second, BounceDomain: "bounces.harbor.test", Catalog: catalog,
		Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }}
	if change != nil {
		change(&o)
	}
	sender, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	return sender
}

func envelope(to string) message.Envelope {
	data, _ := json.Marshal(SignInCode{Vendor: "Harbor", AppName: "Dashboard", Code: "481516", Reference: "KQ7M",
		Link: "https://x.test/l/t", NotMeLink: "https://x.test/n/t",
		IP: "192.0.2.7", Place: "Lisbon, Portugal", Browser: "Firefox on Linux",
		At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)})
	return message.Envelope{ID: "01abc", To: to, Language: "en", Template: "code", Data: data,
		ReturnTo: "01abc.key.123"}
}

func TestAMailArrivesWholeOverSTARTTLS(t *testing.T) {
	s := newSink(t, false, "127.0.0.1")
	host, err := newSender(t, s, nil).Send(t.Context(), envelope("ana@example.test"))
	if err != nil || host != "127.0.0.1" {
		t.Fatal(host, err)
	}
	got := s.mails[0]
	if got.from != "bounces+01abc.key.123@bounces.harbor.test" || len(got.to) != 1 || got.to[0] != "ana@example.test" {
		t.Errorf("%s → %v", got.from, got.to)
	}
	r, err := mail.CreateReader(bytes.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Message-Id": "<01abc@harbor.test>", "Auto-Submitted": "auto-generated",
		"Date": "Sun, 01 Mar 2026 12:00:00 +0000",
		"From": `"Harbor" <sign-in@harbor.test>`, "To": "<ana@example.test>", "Content-Language": "en"} {
		if v := r.Header.Values(name); len(v) != 1 || v[0] != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	kinds := ""
	for {
		p, err := r.NextPart()
		if err != nil {
			break
		}
		kind, _, _ := p.Header.(*mail.InlineHeader).ContentType()
		kinds += kind + " "
	}
	if kinds != "text/plain text/html " {
		t.Errorf("parts %s", kinds)
	}
}

func TestImplicitTLSAndReuse(t *testing.T) {
	s := newSink(t, true, "127.0.0.1")
	sender := newSender(t, s, func(o *Options) { o.TLS = Implicit })
	for range 20 {
		if _, err := sender.Send(t.Context(), envelope("ana@example.test")); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.mails) != 20 || s.conns > 2 { // go-smtp opens a session per greeting
		t.Errorf("%d mails over %d connections", len(s.mails), s.conns)
	}
}

func TestREL11_FailuresAreTold(t *testing.T) {
	answer := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1},
			Message: "ana@example.test 481516 unwelcome"}
	}
	for name, c := range map[string]struct {
		arm   func(s *sink)
		final bool
		words string
	}{
		"greylisted": {func(s *sink) { s.rcpt = func(string) error { return answer(451) } }, false,
			"rcpt: 451 4.1.1"},
		"no such mailbox": {func(s *sink) { s.rcpt = func(string) error { return answer(550) } }, true,
			"rcpt: 550 5.1.1"},
		"busy after DATA": {func(s *sink) { s.data = func(int) error { return answer(452) } },
			false, "data: 452"},
		"content refused": {func(s *sink) { s.data = func(int) error { return answer(554) } },
			true, "data: 554"},
		"our sender refused": {func(s *sink) { s.mailed = answer(553) }, false, "mail: 553"},
		"authentication wanted": {func(s *sink) { s.rcpt = func(string) error { return answer(530) } },
			false, "rcpt: 530"},
		"connection lost at DATA": {func(s *sink) { s.drop = true }, false, "data: "},
		"no one there":            {func(s *sink) { _ = s.listener.Close() }, false, "connect: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, false, "127.0.0.1")
			sender := newSender(t, s, nil)
			c.arm(s)
			_, err := sender.Send(t.Context(), envelope("ana@example.test"))
			var refusal *message.Refusal
			if err == nil || errors.As(err, &refusal) != c.final || !strings.Contains(err.Error(), c.words) {
				t.Errorf("final %v: %v", c.final, err)
			}
			if err != nil && (strings.Contains(err.Error(), "ana@") || strings.Contains(err.Error(), "481516")) {
				t.Errorf("the error quotes the server: %v", err)
			}
		})
	}
}

// TestAddressesBeyondASCIINeedSMTPUTF8: such an address is refused for good by a server without the extension, and the
// delivery status doesn't say that it may still come.
func TestAddressesBeyondASCIINeedSMTPUTF8(t *testing.T) {
	for _, takes := range []bool{false, true} {
		s := newSink(t, false, "127.0.0.1")
		s.srv.EnableSMTPUTF8 = takes
		_, err := newSender(t, s, nil).Send(t.Context(), envelope("jos\u00e9@example.test"))
		if refused := (*message.Refusal)(nil); errors.As(err, &refused) == takes || takes && err != nil {
			t.Errorf("SMTPUTF8 %t: %v", takes, err)
		}
	}
}

// TestSEC86_NeverInTheClear holds every way in which TLS can be missing or wrong: no mail
// arrives, and each is temporary, so that it arrives once the operator has mended it.
func TestSEC86_NeverInTheClear(t *testing.T) {
	for name, c := range map[string]struct {
		names  []string
		change func(s *sink, o *Options)
	}{
		"another authority": {[]string{"127.0.0.1"},
			func(s *sink, o *Options) { _, o.RootCAs = certificate(t, "127.0.0.1") }},
		"another name": {[]string{"mail.example.test"}, func(*sink, *Options) {}},
		"no STARTTLS offered": {[]string{"127.0.0.1"},
			func(s *sink, o *Options) { s.srv.TLSConfig = nil; s.srv.AllowInsecureAuth = true }},
		"clear text to implicit": {[]string{"127.0.0.1"}, func(s *sink, o *Options) { o.TLS = Implicit }},
		"wrong password": {[]string{"127.0.0.1"},
			func(s *sink, o *Options) { o.Password = secret.Text("guess") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, false, c.names...)
			var log bytes.Buffer
			sender := newSender(t, s,
				func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)); c.change(s, o) })
			_, err := sender.Send(t.Context(), envelope("ana@example.test"))
			var refusal *message.Refusal
			if err == nil || errors.As(err, &refusal) || len(s.mails) != 0 {
				t.Errorf("%d mails, %v", len(s.mails), err)
			}
			if strings.HasPrefix(name, "another") && !strings.Contains(log.String(), "certificate cannot be verified") {
				t.Errorf("the log does not say it: %s", log.String())
			}
		})
	}
	if _, err := New(Options{Host: "mail.example.test", From: "a@example.test", TLS: NoTLS}); err == nil {
		t.Error("clear text to another machine was allowed")
	}
}

func TestASlowServerIsNotWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // drips a greeting that never ends
				for {
					if _, err := c.Write([]byte("220-x\r\n")); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
		}
	}()
	for _, mode := range []string{StartTLS, Implicit, NoTLS} {
		sender := newSender(t, &sink{port: l.Addr().(*net.TCPAddr).Port},
			func(o *Options) { o.TLS = mode; o.Timeout = 200 * time.Millisecond })
		if _, err := sender.Send(t.Context(), envelope("ana@example.test")); err == nil {
			t.Errorf("%s: sent by a server that never greets", mode)
		}
	}
}

func TestAKeptConnectionMayDie(t *testing.T) {
	s := newSink(t, false, "127.0.0.1")
	sender := newSender(t, s, nil)
	for range 3 {
		if _, err := sender.Send(t.Context(), envelope("ana@example.test")); err != nil {
			t.Fatal(err)
		}
		for _, c := range sender.pool.idle {
			_ = c.raw.Close()
		}
	}
	s.rcpt = func(to string) error { return errors.New("554 no") }
	_, _ = sender.Send(t.Context(), envelope("bob@example.test"))
	s.rcpt = nil
	if _, err := sender.Send(t.Context(), envelope("ana@example.test")); err != nil {
		t.Fatal("after a refusal:", err)
	}
	if last := s.mails[len(s.mails)-1]; len(last.to) != 1 || last.to[0] != "ana@example.test" {
		t.Errorf("the refused recipient lingers: %v", last.to)
	}
}

func TestATK093_ExactlyOneMailbox(t *testing.T) {
	for _, bad := range []string{"", "ana", "a@x.test, b@x.test", "a@x.test,b@x.test", "Ana <a@x.test>", "<a@x.test>",
		"a@x.test\r\nBcc: b@x.test", "a@x.test\nb@x.test", "a@x.test b@x.test",
		"a@x.test;b@x.test", "group:a@x.test,b@x.test;", "a@x.test (comment)", `"a b"@x.test`, "a@", "@x.test",
		"a@x..test", "a@x.test\x00", strings.Repeat("a", 300) + "@-x.test"} {
		if got, err := onlyMailbox(bad); err == nil {
			t.Errorf("%q was taken for %q", bad, got)
		}
	}
	for good, want := range map[string]string{"a@x.test": "a@x.test", "o'neil+b@x.test": "o'neil+b@x.test",
		"a@bücher.test": "a@xn--bcher-kva.test", "josé@x.test": "josé@x.test"} {
		if got, err := onlyMailbox(good); err != nil || got != want {
			t.Errorf("%q became %q, %v", good, got, err)
		}
	}
}

func TestATK120_NamesCannotAddHeaders(t *testing.T) {
	s := newSink(t, false, "127.0.0.1")
	data, _ := json.Marshal(SignInCode{Vendor: "Harbor\r\nBcc: evil@example.test",
		AppName: "App\r\nX-Evil: 1\r\n\r\nbody", Code: "481516", Reference: "KQ7M"})
	e := envelope("ana@example.test")
	e.Data, e.Language = data, "en\r\nX-Evil: 2"
	_, err := newSender(t, s, nil).Send(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mail.CreateReader(bytes.NewReader(s.mails[0].text))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Bcc", "X-Evil"} {
		if r.Header.Has(name) {
			t.Errorf("%s was injected", name)
		}
	}
	if len(s.mails[0].to) != 1 {
		t.Error(s.mails[0].to)
	}
}

func BenchmarkMails(b *testing.B) {
	s := newSink(b, false, "127.0.0.1")
	sender := newSender(b, s, nil)
	b.ReportAllocs()
	b.SetParallelism(4)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := sender.Send(context.Background(),
				envelope(fmt.Sprintf("u%d@example.test", n.Add(1)))); err != nil {
				b.Error(err)
			}
		}
	})
}
