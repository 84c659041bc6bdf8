package outofband_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/sms"
	"countersign/internal/phone"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// phones keeps what each number got.
type phones struct {
	mu    sync.Mutex
	codes map[string][]sms.Code
}

func (p *phones) Send(_ context.Context, e message.Envelope) (string, error) {
	var c sms.Code
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[e.To] = append(p.codes[e.To], c)
	return "gateway.test", nil
}

func (p *phones) last(to string) sms.Code {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.codes[to][len(p.codes[to])-1]
}

// network is the kind with a network of phones on one database.
type network struct {
	outofband.SMS
	d       *db.DB
	phones  *phones
	courier *message.Courier
	serial  int
}

// spend takes one from a budget of the installation.
func (n *network) spend(t testing.TB, l ratelimit.Limit, subject string) (wait time.Duration) {
	t.Helper()
	err := n.d.InTx(t.Context(), db.Installation, func(tx *db.Tx) (err error) {
		wait, err = ratelimit.SpendIn(t.Context(), tx, l, subject)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func newNetwork(t testing.TB, d *db.DB) *network {
	t.Helper()
	words, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	keys := secret.NewKeys(d.Now())
	n := &network{d: d, phones: &phones{codes: map[string][]sms.Code{}}}
	limits := config.Default().Limits
	n.SMS = outofband.SMS{
		Verifier: outofband.Verifier{Channel: authenticator.SMS, Keys: keys,
			Queue: &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, Digits: 6, Origin: "https://sign-in.test"},
		Words: words, Countries: []string{"DE", "ES", "US"}, Limits: limits,
		Meter: &sms.Meter{Prices: sms.Prices{Default: 75_000},
			Ceilings: sms.Ceilings{Installation: 1 << 40, Company: 1 << 40, Country: 1 << 40, Range: 1 << 40}},
	}
	n.courier = &message.Courier{DB: d, Keys: keys, Senders: map[string]message.Sender{sms.Channel: n.phones},
		Log: slog.New(slog.DiscardHandler)}
	return n
}

// post delivers what waits.
func (n *network) post(t testing.TB, tenant string) {
	t.Helper()
	var waiting []string
	err := n.d.View(t.Context(), tenant, func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT id FROM messages
			WHERE tenant_id = $1 AND state = 'queued'`, tx.Tenant)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			waiting = append(waiting, id)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range waiting {
		if err := n.courier.Deliver(t.Context(),
			jobs.Job{Tenant: tenant, Args: fmt.Appendf(nil, `{"message":%q}`, id)}); err != nil {
			t.Fatal(err)
		}
	}
}

// addressed sends to the number that was bound, as the sign-in does.
type addressed struct{ *network }

func (a addressed) Begin(ctx context.Context, tx *db.Tx, au authenticator.Authenticator,
	s authenticator.ChallengeContext) (o authenticator.IssuedChallenge, err error) {
	if s.Destination, err = outofband.Address(ctx, tx, au.ID); err != nil {
		return o, err
	}
	return a.network.Begin(ctx, tx, au, s)
}

func (a addressed) Verify(ctx context.Context, tx *db.Tx, au authenticator.Authenticator,
	s authenticator.ChallengeContext, state authenticator.State,
	r authenticator.Response) (authenticator.Verdict, error) {
	s.Destination, _ = outofband.Address(ctx, tx, au.ID)
	return a.network.Verify(ctx, tx, au, s, state, r)
}

func (n *network) bind(t *testing.T, d *db.DB, who authenticator.Subject, tenant string) authenticatortest.Device {
	t.Helper()
	n.serial++
	number := fmt.Sprintf("+49151%08d", 12_000_000+n.serial)
	var first authenticator.Response
	draft, _ := authenticatortest.SetUp(t, d, n, authenticator.SMS, who, tenant, "DE 0"+number[3:],
		func(authenticator.PendingEnrollment) authenticator.Response {
			n.post(t, tenant)
			first = authenticator.Response{Code: n.phones.last(number).Code}
			return first
		})
	return authenticatortest.Device{ID: draft.ID, First: &first, Spellings: spellings,
		Answer: func(t *testing.T, c authenticatortest.Challenge) authenticator.Response {
			n.post(t, c.Tenant)
			n.phones.mu.Lock()
			defer n.phones.mu.Unlock()
			for _, sent := range n.phones.codes[number] {
				if sent.Reference == c.Reference {
					return authenticator.Response{Code: sent.Code}
				}
			}
			t.Fatal("no code came")
			return authenticator.Response{}
		}}
}

func spellings(r authenticator.Response) (out []authenticator.Response) {
	for _, s := range []string{r.Code[:3] + " " + r.Code[3:], r.Code[:3] + "-" + r.Code[3:], " " + r.Code + "\n"} {
		out = append(out, authenticator.Response{Code: s})
	}
	return out
}

func TestSuite(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Kind{Kind: authenticator.SMS, Ages: true,
		New: func(t *testing.T, d *db.DB) authenticatortest.Rig {
			n := newNetwork(t, d)
			return authenticatortest.Rig{Verifier: addressed{n}, Bind: n.bind}
		}})
}

// each gives a network with one person of a company.
func each(t *testing.T, fn func(t *testing.T, n *network, who authenticator.Subject)) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		n := newNetwork(t, d)
		fn(t, n, person(t, d, "pat@harbor.test"))
	})
}

func person(t *testing.T, d *db.DB, email string) (who authenticator.Subject) {
	t.Helper()
	err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
		if first, err := tenant.Ensure(t.Context(), tx); err != nil || !first {
			return err
		}
		_, err := tenant.Create(t.Context(), tx, "harbor", "Harbor", tenant.Company)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.InTx(t.Context(), "harbor", func(tx *db.Tx) error {
		u, err := user.Create(t.Context(), tx, email, "Pat", user.Agent, "en")
		who = authenticator.Subject{UserID: u.ID, Email: email, Vendor: "Vendor", Language: "en"}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func (n *network) propose(t *testing.T, who authenticator.Subject,
	wish string) (d authenticator.PendingEnrollment, err error) {
	t.Helper()
	err = n.d.InTx(t.Context(), "harbor", func(tx *db.Tx) error {
		d = authenticator.PendingEnrollment{ID: tx.NewID(), Begun: tx.Now, Ends: tx.Now.Add(15 * time.Minute)}
		d.State, err = n.Propose(t.Context(), tx, who, d, wish)
		return err
	})
	return d, err
}

func (n *network) queued(t *testing.T) (count int) {
	t.Helper()
	err := n.d.View(t.Context(), "harbor", func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM messages WHERE tenant_id = $1`, tx.Tenant).Scan(&count)
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestPAR3_APersonBindsANumber: what the page shows, the name that it gets, and that it can
// be taken away.
func TestPAR3_APersonBindsANumber(t *testing.T) {
	each(t, func(t *testing.T, n *network, who authenticator.Subject) {
		d, err := n.propose(t, who, "DE 0151 12345667")
		if err != nil {
			t.Fatal(err)
		}
		n.post(t, "harbor")
		card, err := outofband.Show(d)
		sent := n.phones.last("+4915112345667")
		if err != nil || card.SentTo != "+49 1511 2345667" || card.Reference != sent.Reference || card.Length != 6 ||
			!sent.Binding || sent.Domain != "sign-in.test" {
			t.Errorf("%+v %+v %v", card, sent, err)
		}
		confirm := func(code string, at authenticator.PendingEnrollment,
			as authenticator.Subject) authenticator.Verdict {
			v, err := authenticatortest.Confirm(t.Context(), n.d, n, authenticator.SMS, as, "harbor", at,
				authenticator.Response{Code: code})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		other, thief := d, person(t, n.d, "thief@harbor.test")
		other.ID += "x"
		if v := confirm(sent.Code, other, who); v.OK {
			t.Error("another draft takes the code")
		}
		if v := confirm(sent.Code, d, thief); v.OK {
			t.Error("another person takes the code")
		}
		if v := confirm("x"+sent.Code, d, who); v.OK || v.Reason != "wrong_code" {
			t.Errorf("%+v", v)
		}
		if v := confirm(sent.Code, d, who); !v.OK {
			t.Fatalf("%+v", v)
		}
		err = n.d.InTx(t.Context(), "harbor", func(tx *db.Tx) error {
			to, err := outofband.Address(t.Context(), tx, d.ID)
			all, _ := authenticator.Of(t.Context(), tx, who.UserID)
			if to != "+4915112345667" || len(all) != 1 || all[0].Label != "+49 ••• ••67" {
				t.Errorf("%s %+v", to, all)
			}
			if err == nil {
				err = authenticator.Unbind(t.Context(), tx, who.UserID, d.ID)
			}
			if _, gone := outofband.Address(t.Context(), tx, d.ID); !db.IsNoRows(gone) {
				t.Errorf("after removal: %v", gone)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestATK119_OneNumberManyAccounts: however it is written and no matter who asks, a number gets as
// many messages as one number may of set-ups, and its owner can still sign in.
func TestATK119_OneNumberManyAccounts(t *testing.T) {
	each(t, func(t *testing.T, n *network, _ authenticator.Subject) {
		forms, refused := []string{"0151 12345667", "151 12345667", "+49 151 12345667", "+49 (0)151/12345667",
			"0049-151-12345667"}, 0
		for i := range 20 {
			who := person(t, n.d, fmt.Sprintf("p%d@harbor.test", i))
			_, err := n.propose(t, who, "DE "+forms[i%len(forms)])
			if fault.Is(err, fault.RateLimited) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refused != 15 || n.queued(t) != 5 {
			t.Errorf("%d refused, %d sent", refused, n.queued(t))
		}
		sends := ratelimit.Limit{Name: "send.destination",
			Windows: []ratelimit.Window{{Count: n.Limits.SendsPerHour, Per: time.Hour},
				{Count: n.Limits.SendsPerDay, Per: 24 * time.Hour}}}
		for i := range 6 {
			wait := n.spend(t, sends, outofband.DestinationSubject(n.Keys, "+4915112345667"))
			if (wait > 0) != (i == 5) {
				t.Errorf("message %d to sign in with waits %v", i+1, wait)
			}
		}
	})
}

// TestATK116_OneAccountManyNumbers: an account may have ten messages an hour, to whomever.
func TestATK116_OneAccountManyNumbers(t *testing.T) {
	each(t, func(t *testing.T, n *network, who authenticator.Subject) {
		for i := range 12 {
			_, err := n.propose(t, who, fmt.Sprintf("DE 0151 1234%04d", i*7))
			if limited := fault.Is(err, fault.RateLimited); limited != (i >= 10) || err != nil && !limited {
				t.Errorf("%d: %v", i, err)
			}
		}
		if n.queued(t) != 10 {
			t.Errorf("%d sent", n.queued(t))
		}
	})
}

// TestATK117_PumpingEndsAtTheMoney: fifty accounts enrol numbers block by block; what they
// cost ends at the range's, then at the company's ceiling, and nothing goes elsewhere.
func TestATK117_PumpingEndsAtTheMoney(t *testing.T) {
	each(t, func(t *testing.T, n *network, _ authenticator.Subject) {
		n.Meter.Ceilings = sms.Ceilings{Installation: 1 << 40, Company: 20 * 75_000, Country: 1 << 40,
			Range: 5 * 75_000}
		blocked := map[error]int{}
		for i := range 50 {
			who := person(t, n.d, fmt.Sprintf("p%d@harbor.test", i))
			for _, wish := range []string{fmt.Sprintf("DE 0151 12345%03d", i), fmt.Sprintf("DE 0151 1%03d5000", i),
				"DE 0900 1234567", "DE +881 6 1234 5678", "GB 07400 123456", "US +1 900 555 0100"} {
				_, err := n.propose(t, who, wish)
				for _, known := range []error{outofband.ErrCeiling, phone.ErrBlocked, phone.ErrNotAllowed} {
					if errors.Is(err, known) {
						blocked[known]++
						err = nil
					}
				}
				if err != nil {
					t.Fatalf("%s: %v", wish, err)
				}
			}
		}
		if n.queued(t) != 20 || blocked[outofband.ErrCeiling] != 80 || blocked[phone.ErrBlocked] != 150 ||
			blocked[phone.ErrNotAllowed] != 50 {
			t.Errorf("%d sent, %v", n.queued(t), blocked)
		}
		names := map[string]bool{}
		for _, a := range n.Meter.Refused() {
			names[a.Name] = true
		}
		if !names["company"] || !names["range:+4915112345"] {
			t.Errorf("no one would be told: %v", names)
		}
	})
}

// TestSEC83_TheBrake: nothing is queued, and the answer says so.
func TestSEC83_TheBrake(t *testing.T) {
	each(t, func(t *testing.T, n *network, who authenticator.Subject) {
		n.Off = true
		if _, err := n.propose(t, who, "DE 0151 12345667"); !errors.Is(err, outofband.ErrOff) || n.queued(t) != 0 {
			t.Errorf("%v, %d sent", err, n.queued(t))
		}
	})
}
