package message

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/jobs"
	"countersign/internal/secret"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// post sends by a function, and remembers what it was given.
type post struct {
	mu   sync.Mutex
	sent []Envelope
	do   func(attempt int) (string, error)
}

func (p *post) Send(_ context.Context, e Envelope) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, e)
	return p.do(len(p.sent))
}

// house is a courier on a database with a clock that stands still.
type house struct {
	*Courier
	queue Queue
	post  *post
	log   bytes.Buffer
	ahead atomic.Int64
}

func each(t *testing.T, do func(attempt int) (string, error), fn func(t *testing.T, h *house)) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		h := &house{post: &post{do: do}}
		d.Now = func() time.Time { return start.Add(time.Duration(h.ahead.Load())) }
		keys := secret.NewKeys(start)
		h.queue = Queue{Jobs: &jobs.Queue{}, Keys: keys}
		h.Courier = &Courier{DB: d, Keys: keys, Senders: map[string]Sender{"email": h.post},
			Log: slog.New(slog.NewTextHandler(&h.log, nil))}
		fn(t, h)
	})
}

const canary = "481516"

func (h *house) put(t *testing.T) (id string) {
	t.Helper()
	err := h.DB.InTx(t.Context(), "t1", func(tx *db.Tx) (err error) {
		id, err = h.queue.Put(t.Context(), tx,
			Outgoing{UserID: "u1", Channel: "email", Purpose: "signin.second_factor", To: "ana@example.test",
				Hint: "a•••@example.test", Language: "es", Template: "code", Data: map[string]string{"Code": canary},
				ExpiresAt: tx.Now.Add(10 * time.Minute)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (h *house) deliver(t *testing.T, id string) error {
	t.Helper()
	return h.Deliver(t.Context(), jobs.Job{Tenant: "t1", Args: fmt.Appendf(nil, `{"message":%q}`, id)})
}

func (h *house) status(t *testing.T, id string) (s Status) {
	t.Helper()
	err := h.DB.View(t.Context(), "t1",
		func(tx *db.Tx) (err error) { s, err = Delivery(t.Context(), tx, id); return err })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// holdsContent looks for the canary and the address in every column of the two tables.
func (h *house) holdsContent(t *testing.T, id string) (content bool) {
	t.Helper()
	err := h.DB.View(t.Context(), "t1", func(tx *db.Tx) error {
		var all, args, failure string
		var sealed []byte
		err := tx.QueryRow(t.Context(), `
			SELECT m.user_id || m.channel || m.purpose || m.hint || m.state || m.host, m.sealed, j.args, j.last_error
			FROM messages m JOIN jobs j ON j.tenant_id = m.tenant_id
				WHERE m.tenant_id = $1 AND m.id = $2`, tx.Tenant, id).Scan(&all, &sealed, &args, &failure)
		for _, s := range []string{all, string(sealed), args, failure, h.log.String()} {
			if strings.Contains(s, canary) || strings.Contains(s, "ana@") {
				t.Errorf("content in the clear: %q", s)
			}
		}
		content = sealed != nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestAcceptedMessagesAreErased(t *testing.T) {
	each(t, func(int) (string, error) { return "mx.example.test", nil }, func(t *testing.T, h *house) {
		id := h.put(t)
		if s := h.status(t, id); s.State != Queued || !h.holdsContent(t, id) {
			t.Errorf("%+v", s)
		}
		h.ahead.Store(int64(time.Second))
		for range 3 { // a repeated job sends nothing
			if err := h.deliver(t, id); err != nil {
				t.Fatal(err)
			}
		}
		want := Status{State: Accepted, Host: "mx.example.test", At: start.Add(time.Second), Attempts: 1}
		if s := h.status(t, id); s != want || h.holdsContent(t, id) {
			t.Errorf("%+v, want %+v", s, want)
		}
		if len(h.post.sent) != 1 || h.post.sent[0].To != "ana@example.test" ||
			string(h.post.sent[0].Data) != `{"Code":"481516"}` || h.post.sent[0].Language != "es" {
			t.Errorf("%+v", h.post.sent)
		}
	})
}

func TestREL11_TemporaryFailuresAreRetriedInsideTheCodesLife(t *testing.T) {
	each(t, func(int) (string, error) { return "mx.example.test", errors.New("451 greylisted") },
		func(t *testing.T, h *house) {
			id := h.put(t)
			for _, wait := range []time.Duration{2, 5, 10, 20, 40, 60} {
				if err := h.deliver(t, id); err == nil {
					t.Fatal("the job must come again")
				}
				s := h.status(t, id)
				if s.State != Delayed || s.NextTry.Sub(s.At) != wait*time.Second || !h.holdsContent(t, id) {
					t.Fatalf("%+v, want a pause of %d s", s, wait)
				}
				h.ahead.Store(int64(s.NextTry.Sub(start)))
			}
			h.ahead.Store(int64(10*time.Minute - time.Second))
			if err := h.deliver(t, id); err != nil {
				t.Fatal("nothing left to try:", err)
			}
			if s := h.status(t, id); s.State != Failed || s.Attempts != 7 || h.holdsContent(t, id) {
				t.Errorf("%+v", s)
			}
		})
}

func TestADeadCodeIsNotDelivered(t *testing.T) {
	each(t, func(int) (string, error) { return "mx", nil }, func(t *testing.T, h *house) {
		late, withdrawn := h.put(t), h.put(t)
		if err := h.DB.InTx(t.Context(), "t1",
			func(tx *db.Tx) error { return Withdraw(t.Context(), tx, withdrawn) }); err != nil {
			t.Fatal(err)
		}
		h.ahead.Store(int64(10 * time.Minute))
		for _, id := range []string{late, withdrawn} {
			if err := h.deliver(t, id); err != nil {
				t.Fatal(err)
			}
			if s := h.status(t, id); s.State != Failed || h.holdsContent(t, id) {
				t.Errorf("%+v", s)
			}
		}
		if len(h.post.sent) != 0 {
			t.Error("sent")
		}
	})
}

func TestARefusedMessageBounces(t *testing.T) {
	each(t, func(int) (string, error) { return "mx", &Refusal{Cause: errors.New("550")} },
		func(t *testing.T, h *house) {
			id := h.put(t)
			if err := h.deliver(t, id); err != nil {
				t.Fatal(err)
			}
			if s := h.status(t, id); s.State != Bounced || s.Attempts != 1 || h.holdsContent(t, id) {
				t.Errorf("%+v", s)
			}
		})
}

func TestUnreadableContentFailsAlone(t *testing.T) {
	each(t, func(int) (string, error) { return "mx", nil }, func(t *testing.T, h *house) {
		one, two := h.put(t), h.put(t)
		swap := func(from, to string) { // sealed content does not open in another row
			err := h.DB.InTx(t.Context(), "t1", func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `UPDATE messages SET sealed = (SELECT sealed FROM messages
					WHERE tenant_id = 't1' AND id = $1) WHERE tenant_id = 't1' AND id = $2`, from, to)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		swap(one, two)
		if err := errors.Join(h.deliver(t, two), h.deliver(t, one)); err != nil {
			t.Fatal(err)
		}
		if a, b := h.status(t, one).State, h.status(t, two).State; a != Accepted || b != Failed {
			t.Error(a, b)
		}
		if err := h.Deliver(t.Context(),
			jobs.Job{Tenant: "t2", Args: []byte(`{"message":"` + one + `"}`)}); err != nil || len(h.post.sent) != 1 {
			t.Error("another tenant's message", err)
		}
	})
}

func TestBouncesAfterAcceptance(t *testing.T) {
	each(t, func(int) (string, error) { return "mx", nil }, func(t *testing.T, h *house) {
		id := h.put(t)
		if err := h.deliver(t, id); err != nil {
			t.Fatal(err)
		}
		ref := h.post.sent[0].ReturnTo
		if len("bounces+"+ref) > 64 {
			t.Errorf("%d octets of local part", len("bounces+"+ref))
		}
		for _, forged := range []string{"", id, id + "..", strings.Replace(ref, id[:1], "z", 1), ref[:len(ref)-1] + "x",
			ref + "1", strings.Repeat("a.", 1000)} {
			if err := h.Returned(t.Context(), forged, Bounced, "evil"); !errors.Is(err, ErrNotOurs) {
				t.Errorf("%q: %v", forged, err)
			}
		}
		for _, step := range []struct{ report, want State }{{Delayed, Delayed}, {Delayed, Delayed}, {Bounced, Bounced},
			{Delayed, Bounced}, {Bounced, Bounced}} {
			if err := h.Returned(t.Context(), strings.ToUpper(ref), step.report, "mx2"); err != nil {
				t.Fatal(err)
			}
			if s := h.status(t, id); s.State != step.want || s.Host != "mx2" {
				t.Errorf("%+v after %s", s, step.report)
			}
		}
	})
}

func TestABounceThatOvertakesAcceptanceStays(t *testing.T) {
	var h *house
	var id string
	each(t, func(int) (string, error) {
		return "mx", h.Returned(context.Background(), returnTo(h.Keys, id), Bounced, "mx2")
	}, func(t *testing.T, now *house) {
		h, id = now, now.put(t)
		if err := h.deliver(t, id); err != nil {
			t.Fatal(err)
		}
		if s := h.status(t, id); s.State != Bounced || h.holdsContent(t, id) {
			t.Errorf("%+v", s)
		}
	})
}

func TestUnknownMessagesHaveNoState(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		if a, b := h.status(t, ""), h.status(t, "x"); a.State != None || b.State != None {
			t.Error(a, b)
		}
		h.put(t)
		h.ahead.Store(int64(31 * 24 * time.Hour))
		if n, err := Sweep(t.Context(), h.DB); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}
