package receiver_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/push"
	"countersign/internal/message/push/pushtest"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// rig is the receivers of one database with a push service and a courier of their own.
type rig struct {
	receiver.Verifier
	t       testing.TB
	d       *db.DB
	service *pushtest.Service
	courier *message.Courier
	sent    map[string]bool
}

func open(t testing.TB, d *db.DB) *rig {
	t.Helper()
	keys := secret.NewKeys(d.Now())
	r := &rig{t: t, d: d, service: pushtest.New(t, d.Now), sent: map[string]bool{}}
	queue, limits := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, config.Default().Limits
	r.Verifier = receiver.Verifier{
		Keys:     keys,
		Queue:    queue,
		Notifier: &notify.Notifier{Queue: queue, Limits: limits},
		Limits:   limits,
	}
	r.Limits.SendsPerHour, r.Limits.SendsPerDay = 1000, 1000
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.service.CA)
	sender := push.New(push.Options{
		Identity: &push.Identity{DB: d, Keys: keys}, Subject: "https://vendor.test", Services: []string{r.service.Host},
		RootCAs: pool, Timeout: 10 * time.Second, Catalog: catalog, Now: d.Now,
		Gone: func(ctx context.Context, tenant, id string) error { return r.Gone(ctx, d, tenant, id) },
	})
	r.courier = &message.Courier{DB: d, Keys: keys, Senders: map[string]message.Sender{push.Channel: sender},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	return r
}

func (r *rig) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	if err := r.d.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// deliver sends what waits in a company, as the jobs do.
func (r *rig) deliver(tenantID string) {
	r.t.Helper()
	var ids []string
	r.in(tenantID, func(ctx context.Context, tx *db.Tx) error {
		ids = nil
		rows, err := tx.Query(ctx, `SELECT id FROM messages
			WHERE tenant_id = $1 AND channel = 'push' AND state = 'queued' ORDER BY id`, tx.Tenant)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	for _, id := range ids {
		args, _ := json.Marshal(map[string]string{"message": id})
		if err := r.courier.Deliver(r.t.Context(), jobs.Job{Tenant: tenantID, Args: args}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// newest is the last code that arrived at a browser.
func (r *rig) newest(b *pushtest.Browser) (s push.Shown) {
	r.t.Helper()
	got := b.Got()
	if len(got) == 0 {
		r.t.Fatal("nothing arrived")
	}
	if err := json.Unmarshal(got[len(got)-1].Plain, &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// bind makes a browser a receiver, as the journey does.
func (r *rig) bind(t *testing.T, who authenticator.Subject, tenantID string) (*pushtest.Browser,
	authenticator.PendingEnrollment, authenticator.Response) {
	t.Helper()
	b := r.service.Subscribe()
	draft, first := authenticatortest.SetUp(t, r.d, r.Verifier, authenticator.Push, who, tenantID, b.JSON(),
		func(authenticator.PendingEnrollment) authenticator.Response {
			r.deliver(tenantID)
			return authenticator.Response{Code: r.newest(b).Code}
		})
	return b, draft, first
}

// TestPAR6_ReceiversKeepThePromisesOfEveryKind over real pushes, which are decrypted.
func TestPAR6_ReceiversKeepThePromisesOfEveryKind(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Kind{Kind: authenticator.Push,
		New: func(t *testing.T, d *db.DB) authenticatortest.Rig {
			r := open(t, d)
			return authenticatortest.Rig{Verifier: r.Verifier,
				Bind: func(t *testing.T, _ *db.DB, who authenticator.Subject,
					tenantID string) authenticatortest.Device {
					b, draft, first := r.bind(t, who, tenantID)
					return authenticatortest.Device{
						ID: draft.ID, First: &first,
						Answer: func(_ *testing.T, c authenticatortest.Challenge) authenticator.Response {
							return authenticator.Response{Code: r.codeOf(b, c)}
						},
						Spellings: func(a authenticator.Response) []authenticator.Response {
							c := a.Code
							return []authenticator.Response{{Code: c[:3] + " " + c[3:]}, {Code: c[:3] + "-" + c[3:]},
								{Code: " " + c + "\n"}}
						},
					}
				}}
		}})
}

// codeOf finds the code of one challenge among the pushes, by the reference.
func (r *rig) codeOf(b *pushtest.Browser, c authenticatortest.Challenge) string {
	r.t.Helper()
	r.deliver(c.Tenant)
	for _, p := range b.Got() {
		var s push.Shown
		if json.Unmarshal(p.Plain, &s) == nil && s.Reference == c.Reference && !s.Binding {
			return s.Code
		}
	}
	r.t.Fatalf("no push with the reference %s", c.Reference)
	return ""
}

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func each(t *testing.T, fn func(t *testing.T, r *rig, who authenticator.Subject)) {
	t.Helper()
	dbtest.Each(t, func() time.Time { return start }, func(t *testing.T, d *db.DB) {
		r := open(t, d)
		who := authenticator.Subject{Email: "maria@one.test", Vendor: "Vendor", Company: "One", Language: "en",
			Browser: "Chrome, Android", Place: "Valencia"}
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			_, err := tenant.Create(ctx, tx, "one", "One", tenant.Company)
			return err
		})
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			u, err := user.Create(ctx, tx, who.Email, "Maria", user.Agent, "en")
			who.UserID = u.ID
			return err
		})
		fn(t, r, who)
	})
}

func (r *rig) propose(who authenticator.Subject, wish string) (state authenticator.State, err error) {
	err = r.d.InTx(r.t.Context(), "one", func(tx *db.Tx) error {
		state, err = r.Propose(r.t.Context(), tx, who,
			authenticator.PendingEnrollment{ID: tx.NewID(), Begun: tx.Now, Ends: tx.Now.Add(15 * time.Minute)}, wish)
		return err
	})
	return state, err
}

func TestPAR6_WhatIsNoBrowserIsRefused(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		for _, wish := range []string{"", "null", "{}", `{"endpoint":"https://127.0.0.1/x"}`, strings.Repeat("[", 9000),
			strings.Replace(r.service.Subscribe().JSON(), "https:", "http:", 1)} {
			if _, err := r.propose(who, wish); !fault.Is(err, fault.Invalid) {
				t.Errorf("%.60q: %v", wish, err)
			}
		}
		b, draft, _ := r.bind(t, who, "one")
		if _, err := r.propose(who, b.JSON()); !fault.Is(err, fault.Conflict) {
			t.Errorf("one browser twice: %v", err)
		}
		if n := len(b.Got()); n != 1 {
			t.Errorf("%d pushes", n)
		}
		r.in("one", func(ctx context.Context,
			tx *db.Tx) error {
			return authenticator.Unbind(ctx, tx, who.UserID, draft.ID)
		})
		if _, err := r.propose(who, b.JSON()); err != nil {
			t.Errorf("after it was removed: %v", err)
		}
		r.Limits.SendsPerHour = 1
		if _, err := r.propose(who, r.service.Subscribe().JSON()); !fault.Is(err, fault.RateLimited) {
			t.Errorf("without a limit: %v", err)
		}
	})
}

func TestSEC17_SubscriptionsAndCodesAreSealed(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		b, draft, _ := r.bind(t, who, "one")
		if _, err := r.propose(who, r.service.Subscribe().JSON()); err != nil { // one that still waits to leave
			t.Fatal(err)
		}
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			for _, text := range []string{`SELECT sealed FROM push_subscriptions
				WHERE tenant_id = $1`, `SELECT sealed FROM messages WHERE tenant_id = $1 AND sealed IS NOT NULL`} {
				var sealed []byte
				if err := tx.QueryRow(ctx, text, tx.Tenant).Scan(&sealed); err != nil {
					return err
				}
				if strings.Contains(string(sealed), "https") || strings.Contains(string(sealed), "endpoint") ||
					strings.Contains(string(sealed), b.Endpoint()) {
					t.Errorf("in clear: %s", text)
				}
			}
			var label, address string
			err := tx.QueryRow(ctx, `SELECT a.label, o.address FROM authenticators a
				JOIN outofband_addresses o ON o.tenant_id = a.tenant_id AND o.authenticator_id = a.id
				WHERE a.tenant_id = $1 AND a.id = $2`, tx.Tenant, draft.ID).Scan(&label, &address)
			if label != "Device" || address != receiver.Address(draft.ID) {
				t.Errorf("%q at %q", label, address)
			}
			return err
		})
	})
}

// TestPAR6_AReceiverThatIsGoneIsTakenOutOfUse: its owner is told once, and the code did not
// arrive by any other way.
func TestPAR6_AReceiverThatIsGoneIsTakenOutOfUse(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		b, draft, _ := r.bind(t, who, "one")
		living, other, _ := r.bind(t, who, "one")
		b.Leave()
		begin := func() (err error) {
			return r.d.InTx(t.Context(), "one", func(tx *db.Tx) error {
				_, err := r.Begin(t.Context(), tx,
					authenticator.Authenticator{ID: draft.ID, UserID: who.UserID, Kind: authenticator.Push},
					authenticator.ChallengeContext{ChallengeID: tx.NewID(), FlowID: "f",
						Purpose: "signin.second_factor", Language: "en", IssuedAt: tx.Now,
						ExpiresAt: tx.Now.Add(time.Minute)})
				return err
			})
		}
		for range 2 {
			if err := begin(); err != nil {
				t.Fatal(err)
			}
		}
		r.deliver("one")
		if n := len(living.Got()); n != 3 {
			t.Errorf("%d pushes to the one that is there", n)
		}
		if err := begin(); err != nil {
			t.Errorf("the other one gets no code: %v", err)
		}
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			gone, err := receiver.GoneOf(ctx, tx, who.UserID)
			if len(gone) != 1 || !gone[draft.ID].Equal(start) {
				t.Errorf("gone are %v", gone)
			}
			return errors.Join(err, authenticator.Unbind(ctx, tx, who.UserID, other.ID))
		})
		if err := begin(); !errors.Is(err, receiver.ErrGone) {
			t.Errorf("a code for no one: %v", err)
		}
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, who.UserID)
			for _, a := range all {
				if a.DisabledAt.IsZero() != (a.ID == other.ID) {
					t.Errorf("%s is disabled since %v", a.ID, a.DisabledAt)
				}
			}
			var told, recorded int
			return errors.Join(err,
				tx.QueryRow(ctx, `SELECT COUNT(*) FROM messages
					WHERE tenant_id = $1 AND user_id = $2 AND channel = 'email'
						AND purpose = 'receiver.gone'`, tx.Tenant, who.UserID).Scan(&told),
				tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit_events
					WHERE tenant_id = $1 AND action = 'receiver.gone'
						AND subject_id = $2`, tx.Tenant, draft.ID).Scan(&recorded),
				same(told, 1), same(recorded, 1))
		})
	})
}

// TestSEC14_ACodeIsBoundToItsSetting: in any other setting the right code is wrong.
func TestSEC14_ACodeIsBoundToItsSetting(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		b, draft, _ := r.bind(t, who, "one")
		a := authenticator.Authenticator{ID: draft.ID, UserID: who.UserID, Kind: authenticator.Push}
		s := authenticator.ChallengeContext{ChallengeID: "challenge", FlowID: "flow", Purpose: "signin.second_factor",
			Destination: "push:x", Language: "en", IssuedAt: start, ExpiresAt: start.Add(time.Minute)}
		var state authenticator.State
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			o, err := r.Begin(ctx, tx, a, s)
			state = o.State
			return err
		})
		r.deliver("one")
		code := r.newest(b).Code
		right := func(tenantID string, a authenticator.Authenticator, s authenticator.ChallengeContext) (ok bool) {
			r.in(tenantID, func(ctx context.Context, tx *db.Tx) error {
				v, err := r.Verify(ctx, tx, a, s, state, authenticator.Response{Code: code})
				ok = v.OK
				return err
			})
			return ok
		}
		if !right("one", a, s) {
			t.Fatal("the right code is wrong")
		}
		if right("two", a, s) {
			t.Error("the code is right for another company")
		}
		for name, change := range map[string]func(*authenticator.Authenticator, *authenticator.ChallengeContext){
			"user":     func(a *authenticator.Authenticator, _ *authenticator.ChallengeContext) { a.UserID = "other" },
			"receiver": func(a *authenticator.Authenticator, _ *authenticator.ChallengeContext) { a.ID = "other" },
			"flow":     func(_ *authenticator.Authenticator, s *authenticator.ChallengeContext) { s.FlowID = "other" },
			"challenge": func(_ *authenticator.Authenticator,
				s *authenticator.ChallengeContext) {
				s.ChallengeID = "other"
			},
			"purpose": func(_ *authenticator.Authenticator,
				s *authenticator.ChallengeContext) {
				s.Purpose = "binding.code"
			}, "destination": func(_ *authenticator.Authenticator,
				s *authenticator.ChallengeContext) {
				s.Destination = "push:y"
			},
		} {
			other, elsewhere := a, s
			change(&other, &elsewhere)
			if right("one", other, elsewhere) {
				t.Errorf("the code is right for another %s", name)
			}
		}
	})
}

func same(got, want int) error {
	if got != want {
		return errors.New("not once")
	}
	return nil
}
