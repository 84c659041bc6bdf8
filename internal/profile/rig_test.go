package profile_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/totp"
	"countersign/internal/binding"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/incident"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/profile"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

const rightPassword = "correct horse battery staple zebra"

// clock is moved by tests.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is every journey of an account, with everything real but the mail server.
type house struct {
	*profile.Service
	t        *testing.T
	clock    *clock
	signin   *signin.Service
	incident *incident.Service
	binding  *begins
	courier  *message.Courier
	company  string
	serial   int

	mu    sync.Mutex
	mails []message.Envelope
	held  secret.Held // everyone here has one browser, which keeps what begins in it
}

// begins is the set-ups, in the browser of the house.
type begins struct {
	*binding.Service
	h *house
}

func (b *begins) Propose(ctx context.Context, h binding.Enrollee, k authenticator.Kind, label,
	wish string) (binding.PendingEnrollment, error) {
	d, err := b.Service.Begin(ctx, h, k, label, wish)
	b.h.hold(d.Holds)
	return d, err
}

func (h *house) hold(ref secret.Reference) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, ref)
}

// here is the owner in the browser of the house.
func (h *house) here(o profile.Owner) profile.Owner {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Held = slices.Clone(h.held)
	return o
}

func (h *house) AskEmail(ctx context.Context, o profile.Owner, typed string) error {
	ref, err := h.Service.AskEmail(ctx, o, typed)
	h.hold(ref)
	return err
}

func (h *house) PendingEmail(ctx context.Context, o profile.Owner) (user.Change, error) {
	return h.Service.PendingEmail(ctx, h.here(o))
}

func (h *house) ConfirmEmail(ctx context.Context, o profile.Owner, id,
	typed string) (authenticator.Verdict, int, error) {
	return h.Service.ConfirmEmail(ctx, h.here(o), id, typed)
}

func (h *house) WithdrawEmail(ctx context.Context, o profile.Owner) error {
	return h.Service.WithdrawEmail(ctx, h.here(o))
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	dbtest.Each(t, c.now, func(t *testing.T, d *db.DB) { fn(t, build(t, d, c)) })
}

func build(t *testing.T, d *db.DB, c *clock) *house {
	t.Helper()
	const origin = "https://sign-in.test"
	keys := secret.NewKeys(c.now())
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	queue, limits := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, config.Default().Limits
	apps, codes := totp.Verifier{Keys: keys}, lookup.Verifier{Hash: pool.HashCode, Match: pool.MatchCode}
	notifier := &notify.Notifier{Queue: queue, Limits: limits}
	h := &house{t: t, clock: c, company: "company",
		Service: &profile.Service{DB: d, Keys: keys, Queue: queue, Notifier: notifier, Passwords: pool, Limits: limits,
			Origin: origin},
		incident: &incident.Service{DB: d, Keys: keys, Notifier: notifier},
		signin: &signin.Service{DB: d, FirstStep: &firststep.Service{DB: d, Keys: keys, Queue: queue,
			Notifier: notifier, Passwords: pool, Limits: limits, Origin: origin},
			Keys: keys, Notifier: notifier, Passwords: pool, Limits: limits, Origin: origin,
			Gate: &gate.Gate{DB: d, Limits: limits, Seen: gate.NewSeen()},
			Email: outofband.Verifier{Channel: authenticator.Email, Keys: keys, Queue: queue,
				Digits: limits.CodeLength, Origin: origin},
			Others: map[authenticator.Kind]authenticator.Verifier{authenticator.TOTP: apps,
				authenticator.Backup: codes}},
	}
	h.binding = &begins{&binding.Service{DB: d, Keys: keys, Notifier: notifier, Limits: limits, Origin: origin,
		Binders: map[authenticator.Kind]authenticator.Binder{authenticator.TOTP: apps, authenticator.Backup: codes}}, h}
	h.courier = &message.Courier{DB: d, Keys: keys, Senders: map[string]message.Sender{"email": h},
		Log: slog.New(slog.DiscardHandler)}
	h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		if _, _, err := client.Create(ctx, tx,
			client.New{ID: "dashboard", Name: "Dashboard", Kind: client.Public,
				RedirectURIs: []string{"https://dashboard.test/cb"}}); err != nil {
			return err
		}
		for _, id := range []string{"company", "elsewhere"} {
			if _, err := tenant.Create(ctx, tx, id, "Company "+id, tenant.Company); err != nil {
				return err
			}
			if err := tenant.SetMandate(ctx, tx.ForTenant(id), tenant.Mandate{Mode: tenant.Mandatory}); err != nil {
				return err
			}
		}
		return nil
	})
	return h
}

// Send is the mail server.
func (h *house) Send(_ context.Context, e message.Envelope) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mails = append(h.mails, e)
	return "mx.test", nil
}

func (h *house) in(company string, fn func(ctx context.Context, tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.InTx(h.t.Context(), company, func(tx *db.Tx) error { return fn(h.t.Context(), tx) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) person(company, address string) user.User {
	h.t.Helper()
	stored, err := h.Passwords.Hash(h.t.Context(), rightPassword)
	if err != nil {
		h.t.Fatal(err)
	}
	var u user.User
	h.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		u, err = setup.Add(ctx, tx,
			setup.Person{Email: address, Name: "Person", Role: user.Owner, Language: "en",
				Password: &stored, By: "test"})
		return err
	})
	return u
}

var visitor = session.Visitor{IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox, Linux", RequestID: "R"}

// owner signs someone in with a password and a code by mail.
func (h *house) owner(address string) profile.Owner {
	h.t.Helper()
	return h.standsFor(h.answer(h.ask(address)))
}

// standsFor is who has signed in.
func (h *house) standsFor(step signin.Step) profile.Owner {
	h.t.Helper()
	done, ok := step.(signin.Done)
	if !ok {
		h.t.Fatal("not signed in")
	}
	st, err := h.signin.Gate.CheckSession(h.t.Context(), done.Session.Text().Reveal(), gate.Ask{ClientID: "dashboard"})
	if err != nil || !st.Enough {
		h.t.Fatalf("%+v, %v", st, err)
	}
	return profile.Owner{User: st.User, SessionID: st.Session.ID, FlowID: st.Session.FlowID, Vendor: "Harbor",
		Company: "Company", Visitor: visitor}
}

// ask gives a right password and returns where the sign-in stands.
func (h *house) ask(address string) (secret.Reference, string) {
	h.t.Helper()
	step, err := h.signin.SubmitPassword(h.t.Context(),
		firststep.Attempt{Email: address, Password: rightPassword, ClientID: "dashboard", Visitor: visitor})
	ask, ok := step.(signin.AnswerCode)
	if err != nil || !ok {
		h.t.Fatalf("%#v, %v", step, err)
	}
	return *ask.Flow, address
}

func (h *house) answer(ref secret.Reference, address string) signin.Step {
	h.t.Helper()
	var code email.SignInCode
	h.last(address, &code)
	step, err := h.signin.Respond(h.t.Context(), ref, authenticator.Response{Code: code.Code}, false, visitor)
	if err != nil {
		h.t.Fatal(err)
	}
	return step
}

// alive reports whether an owner's session may still be used.
func (h *house) alive(o profile.Owner) bool {
	h.t.Helper()
	ask := gate.Ask{ClientID: "dashboard"}
	st, err := h.signin.Gate.CheckSessionByID(h.t.Context(), o.User.TenantID, o.SessionID, ask)
	if err != nil {
		h.t.Fatal(err)
	}
	return st.Session != nil
}

// again is an owner as their session sees them now.
func (h *house) again(o profile.Owner) profile.Owner {
	h.t.Helper()
	h.in(o.User.TenantID, func(ctx context.Context, tx *db.Tx) (err error) {
		o.User, err = user.ByID(ctx, tx, o.User.ID)
		return err
	})
	return o
}

// deliver hands what waits to the mail server.
func (h *house) deliver() {
	h.t.Helper()
	type row struct{ tenant, id string }
	var due []row
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(h.t.Context(), `SELECT tenant_id, id FROM messages
			WHERE state = 'queued' AND tenant_id <> '' ORDER BY id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r row
			if err := rows.Scan(&r.tenant, &r.id); err != nil {
				return err
			}
			due = append(due, r)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range due {
		if err := h.courier.Deliver(h.t.Context(),
			jobs.Job{Tenant: r.tenant, ID: "j", Args: []byte(`{"message":"` + r.id + `"}`)}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// last reads the newest mail to an address about what content is.
func (h *house) last(address string, content email.Content) {
	h.t.Helper()
	h.deliver()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range slices.Backward(h.mails) {
		if e.To == address && e.Template == email.Template(content) {
			if err := json.Unmarshal(e.Data, content); err != nil {
				h.t.Fatal(err)
			}
			return
		}
	}
	h.t.Fatalf("nothing of %T came to %s", content, address)
}

// nth reads the n-th mail to an address about what content is, from 1.
func (h *house) nth(address string, n int, content email.Content) {
	h.t.Helper()
	h.deliver()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.mails {
		if e.To != address || e.Template != email.Template(content) {
			continue
		}
		if n--; n == 0 {
			if err := json.Unmarshal(e.Data, content); err != nil {
				h.t.Fatal(err)
			}
			return
		}
	}
	h.t.Fatalf("no such mail to %s", address)
}

// count is how many mails about something came to an address.
func (h *house) count(address string, content email.Content) (n int) {
	h.t.Helper()
	h.deliver()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.mails {
		if e.To == address && e.Template == email.Template(content) {
			n++
		}
	}
	return n
}

// reference reads the last part of a link in a mail.
func (h *house) reference(link string) secret.Reference {
	h.t.Helper()
	ref, err := secret.ParseReference(link[strings.LastIndex(link, "/")+1:])
	if err != nil {
		h.t.Fatalf("%q: %v", link, err)
	}
	return ref
}

// usable returns the first enabled authenticator of a kind among all.
func usable(all []authenticator.Authenticator, k authenticator.Kind) (authenticator.Authenticator, bool) {
	for _, a := range all {
		if a.Kind == k && a.DisabledAt.IsZero() {
			return a, true
		}
	}
	return authenticator.Authenticator{}, false
}
