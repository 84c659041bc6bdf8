package push_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/push"
	"countersign/internal/message/push/pushtest"
	"countersign/internal/secret"
)

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func now() time.Time { return at }

type rig struct {
	*push.Sender
	service *pushtest.Service
	gone    []string
	failing error
}

func open(t *testing.T, d *db.DB, allow bool) *rig {
	t.Helper()
	r := &rig{service: pushtest.New(t, now)}
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.service.CA)
	o := push.Options{
		Identity: &push.Identity{DB: d, Keys: secret.NewKeys(at)}, Subject: push.Subject("ops@example.com"),
		RootCAs: pool, Timeout: 5 * time.Second, Catalog: catalog, Now: now,
		Gone: func(_ context.Context, tenant, receiver string) error {
			r.gone = append(r.gone, tenant+"/"+receiver)
			return r.failing
		},
	}
	if allow {
		o.Services = []string{r.service.Host}
	}
	r.Sender = push.New(o)
	return r
}

func code() push.Code {
	return push.Code{Vendor: "Vendor", AppName: "Harbor", Company: "Harbor Ltd", Code: "483920", Reference: "K7MZ",
		IP: "203.0.113.9", Place: "Valencia", Browser: "Firefox", At: at, ExpiresAt: at.Add(10 * time.Minute)}
}

func (r *rig) send(t *testing.T, b *pushtest.Browser, c push.Code) (host string, err error) {
	t.Helper()
	var s push.Subscription
	if err := json.Unmarshal([]byte(b.JSON()), &s); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return r.Send(t.Context(),
		message.Envelope{ID: "m", Tenant: "one", To: push.Address{Receiver: "a", Subscription: s}.Text(),
			Language: "en", Template: push.Template, Data: data})
}

func sqlite(t *testing.T) *db.DB { return dbtest.Open(t, dbtest.SQLiteURL(t), now) }

func TestPAR6_ACodeArrivesEncryptedAndProved(t *testing.T) {
	r := open(t, sqlite(t), true)
	b := r.service.Subscribe()
	key, err := r.Identity.Public(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Key = key
	if host, err := r.send(t, b, code()); err != nil || host != "localhost" {
		t.Fatal(host, err)
	}
	p := b.Wait(t, 1)
	var s push.Shown
	if err := json.Unmarshal(p.Plain, &s); err != nil {
		t.Fatal(err)
	}
	if p.TTL != 600 || p.Urgency != "high" || p.Topic != "code" || p.Subject != "mailto:ops@example.com" {
		t.Errorf("%+v", p)
	}
	if s.Code != "483920" || s.App != "Harbor" || s.Place != "Valencia" || s.Browser != "Firefox" ||
		s.Reference != "K7MZ" || !s.Until.Equal(at.Add(10*time.Minute)) {
		t.Errorf("%+v", s)
	}
}

// TestSEC25_ThePreviewHoldsNoCode: what a notification shows on a locked phone.
func TestSEC25_ThePreviewHoldsNoCode(t *testing.T) {
	r := open(t, sqlite(t), true)
	for i, binding := range []bool{false, true} {
		b, c := r.service.Subscribe(), code()
		c.Binding = binding
		if _, err := r.send(t, b, c); err != nil {
			t.Fatal(err)
		}
		var s push.Shown
		if err := json.Unmarshal(b.Wait(t, 1).Plain, &s); err != nil {
			t.Fatal(err)
		}
		if shown := s.Title + s.Body; strings.Contains(shown, "483920") || strings.Contains(shown, "483") ||
			!strings.Contains(s.Title, "Harbor") || s.Body == "" {
			t.Errorf("%d: %q, %q", i, s.Title, s.Body)
		}
	}
}

func TestTheLengthOfAPushTellsNothing(t *testing.T) {
	r := open(t, sqlite(t), true)
	b := r.service.Subscribe()
	long := code()
	long.AppName, long.Company, long.Place, long.Browser = strings.Repeat("<", 300), strings.Repeat("𝄞", 300),
		strings.Repeat("&", 300), strings.Repeat("é", 300)
	for _, c := range []push.Code{{Code: "1", ExpiresAt: at}, code(), long} {
		if _, err := r.send(t, b, c); err != nil {
			t.Fatal(err)
		}
	}
	got := b.Got()
	if got[0].Length != got[1].Length || got[1].Length != got[2].Length || bytes.Equal(got[0].Plain, got[1].Plain) {
		t.Errorf("%d, %d and %d bytes", got[0].Length, got[1].Length, got[2].Length)
	}
}

func TestWhatAPushServiceAnswers(t *testing.T) {
	r := open(t, sqlite(t), true)
	b := r.service.Subscribe()
	for status, final := range map[int]bool{
		200: false, 202: false, 301: true, 302: true, 307: true, 400: true, 401: true, 403: true, 404: true, 408: false,
		410: true, 413: true, 429: false, 500: false, 502: false, 503: false,
	} {
		r.gone = nil
		r.service.Answer(status)
		calls := r.service.Calls()
		_, err := r.send(t, b, code())
		var refusal *message.Refusal
		if (err == nil) != (status < 300) || errors.As(err, &refusal) != final {
			t.Errorf("%d: %v", status, err)
		}
		if gone := status == 404 || status == 410; (len(r.gone) == 1 && r.gone[0] == "one/a") != gone {
			t.Errorf("%d: gone are %v", status, r.gone)
		}
		if r.service.Calls() != calls+1 { // a redirection is not followed
			t.Errorf("%d: %d requests", status, r.service.Calls()-calls)
		}
		if err != nil && strings.Contains(err.Error(), "/push/") {
			t.Errorf("%d: the error holds the endpoint: %v", status, err)
		}
	}
	r.service.Answer(410)
	r.failing = errors.New("the database is away")
	var refusal *message.Refusal
	if _, err := r.send(t, b, code()); err == nil || errors.As(err, &refusal) {
		t.Errorf("a receiver that is gone and was not noted is forgotten: %v", err)
	}
}

// TestSEC116_ATestServerIsNoPublicAddress: without being named in the configuration, a
// service on this machine is not even connected to. guard: dialer.dial.
func TestSEC116_ATestServerIsNoPublicAddress(t *testing.T) {
	r := open(t, sqlite(t), false)
	_, err := r.send(t, r.service.Subscribe(), code())
	var refusal *message.Refusal
	if !errors.As(err, &refusal) || r.service.Calls() != 0 || strings.Contains(err.Error(), "/push/") {
		t.Errorf("%v after %d requests", err, r.service.Calls())
	}
}

// A certificate that no one vouches for, or no one there: tried again, and nothing is told.
func TestAnUnprovedServiceGetsNothing(t *testing.T) {
	r := open(t, sqlite(t), true)
	other := open(t, sqlite(t), true)
	r.Sender = push.New(push.Options{Identity: r.Identity, Subject: r.Subject, Services: []string{r.service.Host},
		RootCAs: other.RootCAs, Timeout: 5 * time.Second, Catalog: r.Catalog, Now: now})
	_, err := r.send(t, r.service.Subscribe(), code())
	var refusal *message.Refusal
	if err == nil || errors.As(err, &refusal) || r.service.Calls() != 0 || strings.Contains(err.Error(), "/push/") {
		t.Errorf("%v after %d requests", err, r.service.Calls())
	}
}

func TestTheKeyIsMadeOnceAndSealed(t *testing.T) {
	dbtest.Each(t, now, func(t *testing.T, d *db.DB) {
		keys := secret.NewKeys(at)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]bool{}
		for range 8 {
			wg.Go(func() {
				public, err := (&push.Identity{DB: d, Keys: keys}).Public(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				seen[public] = true
			})
		}
		wg.Wait()
		if len(seen) != 1 {
			t.Errorf("%d keys", len(seen))
		}
		if _, err := (&push.Identity{DB: d, Keys: secret.NewKeys(at)}).Key(t.Context()); !errors.Is(err,
			secret.ErrSealed) {
			t.Errorf("another key file opens it: %v", err)
		}
	})
}
