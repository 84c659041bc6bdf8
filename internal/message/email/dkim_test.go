package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

func pemOf(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// privateKeys are one of each kind.
func privateKeys(t *testing.T) map[string]crypto.PrivateKey {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.PrivateKey{"rsa": r, "ed25519": e}
}

// verified is what a receiver makes of a mail, given the record in DNS.
func verified(t *testing.T, d *DKIM, text []byte) *dkim.Verification {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(text),
		&dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			if name != d.Name() {
				return nil, errors.New("no record at " + name)
			}
			return []string{d.Record()}, nil
		}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d signatures, %v", len(found), err)
	}
	return found[0]
}

// guard: the signature covers what a person reads, once
func TestMailsAreSignedWithDKIM(t *testing.T) {
	for kind, key := range privateKeys(t) {
		d, err := ReadDKIM("Harbor.test", "S1"+strings.Repeat("x", 58), pemOf(t, key))
		if err != nil {
			t.Fatal(err)
		}
		s := newSink(t, false, "127.0.0.1")
		sender := newSender(t, s, func(o *Options) { o.DKIM = d })
		var together sync.WaitGroup // one key signs for many at once
		for range 8 {
			together.Go(func() {
				if _, err := sender.Send(t.Context(), envelope("ana@example.test")); err != nil {
					t.Error(err)
				}
			})
		}
		together.Wait()
		for _, m := range s.mails {
			if v := verified(t, d, m.text); v.Err != nil || v.Domain != "harbor.test" {
				t.Errorf("%s: %v for %s", kind, v.Err, v.Domain)
			}
		}
		text := string(s.mails[0].text)
		for what, forged := range map[string]string{
			"another code":      strings.Replace(text, "481516", "000000", 1),
			"another subject":   strings.Replace(text, "Subject: ", "Subject: Re: ", 1),
			"a second From":     "From: <boss@harbor.test>\r\n" + text,
			"a second Subject":  "Subject: Pay this\r\n" + text,
			"a second body":     "Content-Type: text/html\r\n" + text,
			"another Date":      strings.Replace(text, "Date: Sun, 01 Mar 2026", "Date: Mon, 02 Mar 2026", 1),
			"something at last": text + "And one more thing.\r\n",
		} {
			if forged == text {
				t.Fatalf("%s changes nothing", what)
			}
			if v := verified(t, d, []byte(forged)); v.Err == nil {
				t.Errorf("%s: %s passes", kind, what)
			}
		}
	}
}

// guard: a key that can be broken is none
func TestREL24_DKIMKeysThatAreOfNoUse(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string][]byte{
		"1024 bits":      pemOf(t, short),
		"no private key": []byte("-----BEGIN CANARY-----\nAAAA\n-----END CANARY-----\n"),
		"holds no":       nil,
	} {
		if _, err := ReadDKIM("harbor.test", "s1", text); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for kind, key := range privateKeys(t) {
		d, err := ReadDKIM("harbor.test", "s1", pemOf(t, key))
		if err != nil {
			t.Fatal(err)
		}
		if r := d.Record(); !strings.HasPrefix(r, "v=DKIM1; k="+kind+"; p=") || strings.Contains(r, "PRIVATE") {
			t.Error(r)
		}
	}
}

// guard: a probe goes as far as a mail would, and no further
func TestProbe(t *testing.T) {
	s := newSink(t, false, "127.0.0.1")
	p, err := newSender(t, s, nil).Probe(t.Context())
	if err != nil || !strings.HasPrefix(p.TLS, "TLS 1.") || p.Expires.IsZero() || len(s.mails) != 0 {
		t.Errorf("%+v, %v, %d mails", p, err, len(s.mails))
	}
	for name, c := range map[string]struct {
		change func(*Options)
		arm    func(s *sink)
		advice string
	}{
		"a wrong password":         {func(o *Options) { o.Password = "canary-word" }, nil, "smtp.password"},
		"an unknown authority":     {func(o *Options) { o.RootCAs = x509.NewCertPool() }, nil, "certificate"},
		"no one there":             {func(o *Options) { o.Port = 1 }, nil, "firewall"},
		"the other kind of TLS":    {func(o *Options) { o.TLS = Implicit }, nil, "smtp.tls"},
		"a sender that is refused": {nil, func(s *sink) { s.mailed = errors.New("not you: canary-word") }, "smtp.from"},
	} {
		s := newSink(t, false, "127.0.0.1")
		if c.arm != nil {
			c.arm(s)
		}
		_, err := newSender(t, s, c.change).Probe(t.Context())
		if err == nil || !strings.Contains(Advice(err), c.advice) ||
			strings.Contains(err.Error()+Advice(err), "canary-word") {
			t.Errorf("%s: %v: %s", name, err, Advice(err))
		}
	}
}
