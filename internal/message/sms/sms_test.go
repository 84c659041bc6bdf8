package sms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/jobs"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/sms"
	"countersign/internal/phone"
	"countersign/internal/secret"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const (
	maria = "+4915112345678"
	price = 75_000
)

// house is a queue and a courier with a gateway.
type house struct {
	*message.Courier
	t     *testing.T
	queue message.Queue
	meter *sms.Meter
	send  *sms.Sender
	gate  *carrier.Gateway
	log   bytes.Buffer
	ahead atomic.Int64
}

func post(ctx context.Context, to, user string, password secret.Text, form url.Values) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(user, password.Reveal())
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func ceilings(m sms.Money) sms.Ceilings {
	return sms.Ceilings{Installation: m, Company: m, Country: m, Range: m}
}

func each(t *testing.T, fn func(h *house)) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		h := &house{t: t, gate: carrier.NewGateway()}
		t.Cleanup(h.gate.Stop)
		d.Now = func() time.Time { return start.Add(time.Duration(h.ahead.Load())) }
		keys := secret.NewKeys(start)
		h.queue = message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
		h.meter = &sms.Meter{Prices: sms.Prices{Default: price}, Ceilings: ceilings(1_000_000)}
		gateway := &sms.Gateway{URL: h.gate.URL, Account: carrier.Account, Token: carrier.Token,
			From: "+15005550006", Post: post}
		log := slog.New(slog.NewTextHandler(&h.log, nil))
		h.send = &sms.Sender{DB: d, Catalog: catalog, Meter: h.meter, Submit: gateway.Submit, Log: log}
		h.Courier = &message.Courier{DB: d, Keys: keys,
			Senders: map[string]message.Sender{sms.Channel: h.send}, Log: log}
		fn(h)
	})
}

// put pays for a text and queues it.
func (h *house) put(to string) (id string) {
	h.t.Helper()
	err := h.DB.InTx(h.t.Context(), "t1", func(tx *db.Tx) (err error) {
		n, err := phone.Of(to)
		if err != nil {
			return err
		}
		if ok, err := h.meter.Reserve(h.t.Context(), tx, n, 1); !ok || err != nil {
			return fmt.Errorf("reserve: %t %w", ok, err)
		}
		id, err = h.queue.Put(h.t.Context(), tx,
			message.Outgoing{UserID: "u1", Channel: sms.Channel, Purpose: "signin.second_factor", To: to,
				Hint: phone.Mask(to), Language: "en",
				Template:  sms.Template,
				Data:      sms.Code{Vendor: "Harbor", Code: "481516", Reference: "KXTR", Domain: "sign-in.test"},
				ExpiresAt: tx.Now.Add(10 * time.Minute)})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// deliver tries until the message has settled, as jobs do, and returns what became of it.
func (h *house) deliver(id string) message.State {
	h.t.Helper()
	for range 40 {
		err := h.Deliver(h.t.Context(), jobs.Job{Tenant: "t1", Args: fmt.Appendf(nil, `{"message":%q}`, id)})
		if err == nil {
			break
		}
		h.ahead.Add(int64(20 * time.Second))
	}
	return h.state(id)
}

func (h *house) state(id string) (state message.State) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), "t1", func(tx *db.Tx) error {
		s, err := message.Delivery(h.t.Context(), tx, id)
		state = s.State
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return state
}

func (h *house) spent(account string) (n sms.Money) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		all, err := sms.Today(h.t.Context(), tx)
		for _, s := range all {
			if s.Name == account {
				n += s.Reserved
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestREL13_AtMostOnePaidRetry: a carrier that takes a text and does not say so gets it once
// more, with the same code, and never a third time; each attempt is paid for.
func TestREL13_AtMostOnePaidRetry(t *testing.T) {
	each(t, func(h *house) {
		serial := 0
		for name, c := range map[string]struct {
			rule  carrier.Behaviour
			taken int
			state message.State
			paid  sms.Money
		}{
			"taken":              {carrier.Behaviour{}, 1, message.Accepted, 1},
			"fails once":         {carrier.Behaviour{Fail: 1}, 2, message.Accepted, 2},
			"fails for ever":     {carrier.Behaviour{Fail: 99}, 2, message.Failed, 2},
			"hangs up once":      {carrier.Behaviour{Break: 1}, 2, message.Accepted, 2},
			"hangs up for ever":  {carrier.Behaviour{Break: 99}, 2, message.Failed, 2},
			"throttles":          {carrier.Behaviour{Throttle: 4}, 1, message.Accepted, 1},
			"throttles for ever": {carrier.Behaviour{Throttle: 99}, 0, message.Failed, 1},
			"refuses":            {carrier.Behaviour{Refuse: 21211}, 0, message.Bounced, 1},
			"throttles, breaks":  {carrier.Behaviour{Throttle: 2, Break: 1}, 2, message.Accepted, 2},
		} {
			serial++
			to := fmt.Sprintf("+49151%08d", 10_000_000+1000*serial) // each in a range of its own
			h.gate.Behave(to, c.rule)
			state := h.deliver(h.put(to))
			texts := h.gate.Received(to)
			if state != c.state || len(texts) != c.taken || h.spent("range:"+to[:len(to)-3]) != c.paid*price {
				h.t.Errorf("%s: %s, taken %d times, %d paid", name, state, len(texts),
					h.spent("range:"+to[:len(to)-3])/price)
			}
			for _, text := range texts {
				if text.Body != texts[0].Body {
					h.t.Errorf("%s: another text the second time", name)
				}
			}
			h.ahead.Store(0)
			h.meter.Ceilings = ceilings(100_000_000)
		}
		if strings.Contains(h.log.String(), "481516") || strings.Contains(h.log.String(), "+4915") {
			h.t.Error("a code or a number is in the log")
		}
	})
}

// TestREL13_DeathCountsAsAnAttempt: anyone who dies between counting and sending leaves one
// attempt, not two.
func TestREL13_DeathCountsAsAnAttempt(t *testing.T) {
	each(t, func(h *house) {
		id := h.put(maria)
		submit := h.send.Submit
		h.send.Submit = func(ctx context.Context, m sms.Message) (string, string, error) {
			_, _, _ = submit(ctx, m)
			panic("power cut")
		}
		func() {
			defer func() { _ = recover() }()
			_ = h.Deliver(t.Context(), jobs.Job{Tenant: "t1", Args: fmt.Appendf(nil, `{"message":%q}`, id)})
		}()
		h.send.Submit = submit
		h.gate.Behave(maria, carrier.Behaviour{Break: 99})
		if state := h.deliver(id); state != message.Failed || len(h.gate.Received(maria)) != 2 ||
			h.spent("all") != 2*price {
			h.t.Errorf("%s, %d texts, %d spent", state, len(h.gate.Received(maria)), h.spent("all"))
		}
	})
}

// TestREL13_ARetryIsPaidFor: where the money is gone, an unanswered text is not tried again.
func TestREL13_ARetryIsPaidFor(t *testing.T) {
	each(t, func(h *house) {
		h.meter.Ceilings = ceilings(price)
		h.gate.Behave(maria, carrier.Behaviour{Break: 1})
		if state := h.deliver(h.put(maria)); state != message.Failed || len(h.gate.Received(maria)) != 1 ||
			h.spent("all") != price {
			h.t.Errorf("%s, %d texts, %d spent", state, len(h.gate.Received(maria)), h.spent("all"))
		}
	})
}

// TestSEC83_TheBrakeHoldsWhatIsQueued: what was queued before the switch was turned stays.
func TestSEC83_TheBrakeHoldsWhatIsQueued(t *testing.T) {
	each(t, func(h *house) {
		id := h.put(maria)
		h.send.Off = true
		if state := h.deliver(id); state != message.Failed || h.gate.Taken() != 0 {
			h.t.Errorf("%s, %d texts", state, h.gate.Taken())
		}
	})
}

// TestSEC90_ANumberThatMovedGetsNothing
func TestSEC90_ANumberThatMovedGetsNothing(t *testing.T) {
	each(t, func(h *house) {
		h.send.Moved = func(_ context.Context, to string) (bool, error) { return to == maria, nil }
		if state := h.deliver(h.put(maria)); state != message.Failed || h.gate.Taken() != 0 {
			h.t.Errorf("%s, %d texts", state, h.gate.Taken())
		}
		if state := h.deliver(h.put("+4915112345000")); state != message.Accepted {
			h.t.Errorf("another number: %s", state)
		}
	})
}

// TestSEC83_TheCeilingIsExact: of fifty at once as many pass as there is money for, and not
// one more; what is refused leaves nothing behind.
func TestSEC83_TheCeilingIsExact(t *testing.T) {
	for _, account := range []string{"all", "company", "country", "range"} {
		t.Run(account, func(t *testing.T) {
			each(t, func(h *house) {
				limits := map[string]*sms.Money{"all": &h.meter.Ceilings.Installation,
					"company": &h.meter.Ceilings.Company, "country": &h.meter.Ceilings.Country,
					"range": &h.meter.Ceilings.Range}
				h.meter.Ceilings = ceilings(100 * price)
				*limits[account] = 7*price + price/2
				n, err := phone.Of(maria)
				if err != nil {
					h.t.Fatal(err)
				}
				var passed atomic.Int64
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						err := h.DB.InTx(h.t.Context(), "t1", func(tx *db.Tx) error {
							ok, err := h.meter.Reserve(h.t.Context(), tx, n, 1)
							if ok && err == nil {
								tx.OnCommit(func() { passed.Add(1) })
							}
							return err
						})
						if err != nil {
							h.t.Error(err)
						}
					})
				}
				wg.Wait()
				if passed.Load() != 7 {
					h.t.Errorf("%d passed", passed.Load())
				}
				for _, name := range []string{"all", "company", "country:DE", "range:+4915112345"} {
					if got := h.spent(name); got != 7*price {
						h.t.Errorf("%s: %d spent", name, got)
					}
				}
				refused := h.meter.Refused()
				if len(refused) != 1 || !strings.HasPrefix(refused[0].Name, account) || len(h.meter.Refused()) != 0 {
					h.t.Errorf("refused: %+v", refused)
				}
				h.tellOnce(refused[0])
				h.ahead.Store(int64(24 * time.Hour))
				if id := h.put(maria); id == "" {
					h.t.Error("the next day is closed as well")
				}
			})
		})
	}
}

func (h *house) tellOnce(a sms.Account) {
	h.t.Helper()
	told := 0
	for range 3 {
		err := h.DB.InTx(h.t.Context(), db.Installation, func(tx *db.Tx) error {
			first, err := a.Tell(h.t.Context(), tx)
			if first {
				told++
			}
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if told != 1 {
		h.t.Errorf("told %d times", told)
	}
}

// TestSEC83_ARolledBackTextCostsNothing: money and message are one unit of work.
func TestSEC83_ARolledBackTextCostsNothing(t *testing.T) {
	each(t, func(h *house) {
		n, _ := phone.Of(maria)
		sorry := errors.New("sorry")
		err := h.DB.InTx(h.t.Context(), "t1", func(tx *db.Tx) error {
			if ok, err := h.meter.Reserve(h.t.Context(), tx, n, 1); !ok || err != nil {
				h.t.Error(ok, err)
			}
			return sorry
		})
		if !errors.Is(err, sorry) || h.spent("all") != 0 {
			h.t.Errorf("%v, %d spent", err, h.spent("all"))
		}
	})
}

func TestPricesGoByTheLongestBeginning(t *testing.T) {
	p, err := sms.ReadPrices(100, []string{"49=75", "4915=60", "1=8"})
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string]sms.Money{"+4915112345678": 60, "+4917112345678": 75, "+12025550143": 8,
		"+34612345678": 100} {
		if got := p.Of(number); got != want {
			t.Errorf("%s costs %d", number, got)
		}
	}
	for _, bad := range []string{"49", "49=", "=5", "DE=5", "49=-1", "49=0", "49=1.5"} {
		if _, err := sms.ReadPrices(100, []string{bad}); err == nil {
			t.Errorf("%q is a price", bad)
		}
	}
}

// TestSweepKeepsTheQuarter
func TestSweepKeepsTheQuarter(t *testing.T) {
	each(t, func(h *house) {
		h.put(maria)
		h.ahead.Store(int64(92 * 24 * time.Hour))
		if n, err := sms.Sweep(h.t.Context(), h.DB); n != 0 || err != nil {
			h.t.Errorf("%d %v", n, err)
		}
		h.ahead.Store(int64(93 * 24 * time.Hour))
		if n, err := sms.Sweep(h.t.Context(), h.DB); n != 4 || err != nil {
			h.t.Errorf("%d %v", n, err)
		}
	})
}
