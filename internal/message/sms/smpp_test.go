package sms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/internal/message"
	"countersign/internal/message/sms"
)

// told collects what receipts said.
type told struct {
	mu    sync.Mutex
	by    map[string][]message.State
	known func(handle string) error
}

func (r *told) report(_ context.Context, handle string, state message.State, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known != nil {
		if err := r.known(handle); err != nil {
			return err
		}
	}
	r.by[handle] = append(r.by[handle], state)
	return nil
}

func (r *told) of(handle string) []message.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by[handle]
}

// safeLog is a log that goroutines may write while a test reads.
type safeLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *safeLog) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func bind(t *testing.T, change func(*sms.SMPPOptions)) (*carrier.SMSC, *sms.SMPP, *told, *safeLog) {
	t.Helper()
	c, err := carrier.NewSMSC("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, log := &told{by: map[string][]message.State{}}, &safeLog{}
	o := sms.SMPPOptions{Address: c.Addr, SystemID: carrier.SystemID, Password: carrier.Password, From: "Harbor",
		Timeout: time.Second, Window: 4, Enquire: time.Hour,
		Report: r.report, Log: slog.New(slog.NewTextHandler(log, nil))}
	if change != nil {
		change(&o)
	}
	s := sms.NewSMPP(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		c.Stop()
	})
	return c, s, r, log
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("in vain: " + what)
}

func bound(t *testing.T, c *carrier.SMSC, n int) {
	t.Helper()
	within(t, "bound", func() bool { binds, _, _ := c.Counts(); return binds >= n })
}

// submit sends as a courier does: what was not taken is tried again.
func submit(t *testing.T, s *sms.SMPP, to, text string) (handle string, err error) {
	t.Helper()
	within(t, "submitted", func() bool {
		handle, _, err = s.Submit(t.Context(), sms.Message{To: to, Text: text})
		var not *sms.NotTaken
		return !errors.As(err, &not)
	})
	return handle, err
}

func TestSMPPCarriesEveryLetter(t *testing.T) {
	c, s, _, _ := bind(t, nil)
	for i, text := range []string{"012345 is your code for Harbor (KXTR).\n\n@sign-in.test #012345",
		"Señor Müller: [x] {y} ~ \\ | ^ 5€", "北京 😀 012345"} {
		to := fmt.Sprintf("+4915112345%03d", i)
		if handle, err := submit(t, s, to, text); err != nil || handle == "" {
			t.Fatalf("%q %v", handle, err)
		}
		if got := c.Text(t, to, 1); got.Body != text || got.From != "Harbor" || got.UCS2 != (i == 2) || got.Parts != 1 {
			t.Errorf("%+v", got)
		}
	}
	long := strings.Repeat("a long text ", 20)
	if _, err := submit(t, s, maria, long); err != nil {
		t.Fatal(err)
	}
	if got := c.Text(t, maria, 1).Body + c.Text(t, maria, 2).Body; got != long || c.Text(t, maria, 1).Parts != 2 {
		t.Errorf("%q", got)
	}
}

// TestREL13_WhatACarrierSays: what was certainly not taken may be tried again, a refusal is
// the last word, and after silence no one knows.
func TestREL13_WhatACarrierSays(t *testing.T) {
	c, s, _, log := bind(t, func(o *sms.SMPPOptions) { o.Timeout = 200 * time.Millisecond })
	bound(t, c, 1)
	one := func(b carrier.Behaviour) error {
		c.Behave(maria, b)
		var err error
		within(t, "bound again", func() bool {
			_, _, err = s.Submit(t.Context(), sms.Message{To: maria, Text: "canary 481516"})
			return err == nil || !strings.Contains(err.Error(), "no connection")
		})
		return err
	}
	var not *sms.NotTaken
	var refusal *message.Refusal
	if err := one(carrier.Behaviour{Throttle: 1}); !errors.As(err, &not) {
		t.Errorf("throttled: %v", err)
	}
	if err := one(carrier.Behaviour{Refuse: 0x0b}); !errors.As(err, &refusal) {
		t.Errorf("refused: %v", err)
	}
	taken := c.Taken()
	for name, b := range map[string]carrier.Behaviour{"silent": {Silent: 1}, "hangs up": {Break: 1},
		"slow": {Delay: time.Second}} {
		if err := one(b); err == nil || errors.As(err, &not) || errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
		if taken++; c.Taken() != taken {
			t.Errorf("%s: %d taken, want %d", name, c.Taken(), taken)
		}
	}
	if err := one(carrier.Behaviour{Twice: true}); err != nil {
		t.Errorf("answered twice: %v", err)
	}
	if strings.Contains(log.String(), "481516") || strings.Contains(log.String(), maria) ||
		strings.Contains(log.String(), carrier.Password) {
		t.Error("a code, a number or the password is in the log")
	}
}

// TestSMPPComesBack: after the carrier hung up, went deaf, or refused our password at first.
func TestSMPPComesBack(t *testing.T) {
	c, s, _, _ := bind(t, func(o *sms.SMPPOptions) {
		o.Timeout, o.Enquire = 300*time.Millisecond,
			100*time.Millisecond
	})
	bound(t, c, 1)
	within(t, "signs of life", func() bool { _, enquired, _ := c.Counts(); return enquired > 2 })
	c.HangUp()
	bound(t, c, 2)
	c.Deafen(true)
	time.Sleep(500 * time.Millisecond) // until a sign of life has gone unanswered
	c.Deafen(false)
	bound(t, c, 3)
	if _, err := submit(t, s, maria, "hello"); err != nil {
		t.Error(err)
	}
}

func TestSMPPDoesNotPassWithoutItsPassword(t *testing.T) {
	c, s, _, log := bind(t, func(o *sms.SMPPOptions) { o.Password = "other" })
	within(t, "refused", func() bool { return strings.Contains(log.String(), "does not let us in") })
	var not *sms.NotTaken
	if _, _, err := s.Submit(t.Context(), sms.Message{To: maria, Text: "hello"}); !errors.As(err, &not) ||
		c.Taken() != 0 {
		t.Errorf("%v, %d taken", err, c.Taken())
	}
}

// TestREL13_ReceiptsComeLateEarlyTwiceAndForged
func TestREL13_ReceiptsComeLateEarlyTwiceAndForged(t *testing.T) {
	known, mu := map[string]bool{}, sync.Mutex{}
	c, s, r, log := bind(t, nil)
	r.known = func(handle string) error {
		mu.Lock()
		defer mu.Unlock()
		if !known[handle] {
			return message.ErrNotOurs
		}
		return nil
	}
	bound(t, c, 1)
	for i, b := range []carrier.Behaviour{{Report: "delivered"}, {Report: "undelivered", Twice: true},
		{Report: "delivered", Early: true}} {
		to := fmt.Sprintf("+4915112345%03d", i)
		c.Behave(to, b)
		handle, err := submit(t, s, to, "hello")
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		known[handle] = true // a moment after the receipt may have come
		mu.Unlock()
		want := map[string]message.State{"delivered": message.Delivered, "undelivered": message.Bounced}[b.Report]
		within(t, "reported", func() bool { got := r.of(handle); return len(got) > 0 && got[0] == want })
	}
	c.Receipt("424242", "DELIVRD")
	within(t, "a forged receipt is noticed",
		func() bool { return strings.Contains(log.String(), "no message of ours") })
	if got := r.of("127.0.0.1/424242"); got != nil {
		t.Errorf("a forged receipt: %v", got)
	}
}

// TestSMPPHoldsItsWindow: fifty at once go through a window of four, each with its own answer.
func TestSMPPHoldsItsWindow(t *testing.T) {
	c, s, _, _ := bind(t, func(o *sms.SMPPOptions) { o.Timeout = 10 * time.Second })
	bound(t, c, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	handles := map[string]string{}
	for i := range 50 {
		wg.Go(func() {
			to := fmt.Sprintf("+49151123%05d", i)
			c.Behave(to, carrier.Behaviour{Delay: time.Duration(i%5) * 5 * time.Millisecond})
			handle, err := submit(t, s, to, "hello")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			handles[to] = handle
		})
	}
	wg.Wait()
	for to, handle := range handles {
		if got := c.Received(to); len(got) != 1 || handle != "127.0.0.1/"+got[0].Handle {
			t.Errorf("%s is called %s: %+v", to, handle, got)
		}
	}
}
