package signin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
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
	"countersign/internal/passwordlink"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

const rightPassword = "correct horse battery staple zebra"

// post is a mail server that keeps what it is given.
type post struct {
	mu    sync.Mutex
	mails []message.Envelope
}

func (p *post) Send(_ context.Context, e message.Envelope) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails = append(p.mails, e)
	return "mx.test", nil
}

func (p *post) codes(t testing.TB) []email.SignInCode {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []email.SignInCode
	for _, e := range p.mails {
		if e.Template != email.Template(email.SignInCode{}) {
			continue
		}
		var c email.SignInCode
		if err := json.Unmarshal(e.Data, &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func (p *post) count(template string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.mails {
		if e.Template == template {
			n++
		}
	}
	return n
}

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

// house is the journey with everything real but the mail server.
type house struct {
	*signin.Service
	t       testing.TB
	clock   *clock
	post    *post
	courier *message.Courier
	company string

	incident      *incident.Service
	passwordLinks *passwordlink.Service
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	dbtest.Each(t, c.now, func(t *testing.T, d *db.DB) { fn(t, build(t, d, c)) })
}

func build(t testing.TB, d *db.DB, c *clock) *house {
	t.Helper()
	keys := secret.NewKeys(c.now())
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	queue := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
	limits := config.Default().Limits
	const origin = "https://sign-in.test"
	notifier := &notify.Notifier{Queue: queue, Limits: limits}
	h := &house{t: t, clock: c, post: &post{}, Service: &signin.Service{
		FirstStep: &firststep.Service{DB: d, Keys: keys, Queue: queue, Notifier: notifier, Passwords: pool,
			Limits: limits, Origin: origin},
		DB: d, Keys: keys, Notifier: notifier, Passwords: pool, Limits: limits, Origin: origin,
		Gate: &gate.Gate{DB: d, Limits: limits, Seen: gate.NewSeen()},
		Email: outofband.Verifier{Channel: authenticator.Email, Keys: keys, Queue: queue, Digits: limits.CodeLength,
			Origin: "https://sign-in.test"},
	}}
	h.passwordLinks = &passwordlink.Service{DB: d, Keys: keys, Queue: queue, Notifier: h.Notifier, Passwords: pool,
		Limits: limits,
		Origin: "https://sign-in.test"}
	h.incident = &incident.Service{DB: d, Keys: keys, Notifier: h.Notifier}
	h.courier = &message.Courier{DB: d, Keys: keys, Senders: map[string]message.Sender{"email": h.post},
		Log: slog.New(slog.DiscardHandler)}
	h.tx(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		for _, n := range []client.New{
			{ID: "dashboard", Name: "Dashboard", Kind: client.Public,
				RedirectURIs: []string{"https://dashboard.test/cb"}},
			{ID: "phone", Name: "Phone", Kind: client.Public, RedirectURIs: []string{"https://phone.test/cb"}},
		} {
			if _, _, err := client.Create(ctx, tx, n); err != nil {
				return err
			}
		}
		return client.Exempt(ctx, tx, "phone", db.Forever)
	})
	h.company = h.newCompany("company", tenant.Mandate{Mode: tenant.Mandatory})
	h.newUser(h.company, "maria@company.test", user.Agent)
	h.newUser(h.company, "owner@company.test", user.Owner)
	return h
}

func (h *house) tx(fn func(ctx context.Context, tx *db.Tx) error) { h.in(db.Installation, fn) }

func (h *house) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.InTx(h.t.Context(), tenantID, func(tx *db.Tx) error { return fn(h.t.Context(), tx) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) newCompany(id string, m tenant.Mandate) string {
	h.t.Helper()
	h.tx(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Create(ctx, tx, id, "Company "+id, tenant.Company); err != nil {
			return err
		}
		return tenant.SetMandate(ctx, tx.ForTenant(id), m)
	})
	return id
}

func (h *house) newUser(company, address string, role user.Role) (u user.User) {
	h.t.Helper()
	stored, err := h.Passwords.Hash(h.t.Context(), rightPassword)
	if err != nil {
		h.t.Fatal(err)
	}
	h.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		u, err = setup.Add(ctx, tx,
			setup.Person{Email: address, Name: "Person", Role: role, Language: "en", Password: &stored, By: "test"})
		return err
	})
	return u
}

// deliver hands every queued message to the mail server.
func (h *house) deliver() {
	h.t.Helper()
	type row struct{ tenant, id string }
	var due []row
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(h.t.Context(), `SELECT tenant_id, id FROM messages WHERE state = 'queued' ORDER BY id`)
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

// newest is the newest code mail.
func (h *house) newest() email.SignInCode {
	h.t.Helper()
	h.deliver()
	codes := h.post.codes(h.t)
	if len(codes) == 0 {
		h.t.Fatal("no code was mailed")
	}
	return codes[len(codes)-1]
}

var visitor = session.Visitor{IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox, Linux", RequestID: "R"}

func attempt(address, plain, app string) firststep.Attempt {
	return firststep.Attempt{Email: address, Password: secret.Text(plain), ClientID: app, Visitor: visitor}
}

// password gives the right password and expects a code to be asked.
func (h *house) password(address, app string) signin.AnswerCode {
	h.t.Helper()
	h.deliver() // so that the mail of this sign-in is the newest
	step, err := h.SubmitPassword(h.t.Context(), attempt(address, rightPassword, app))
	if err != nil {
		h.t.Fatal(err)
	}
	ask, ok := step.(signin.AnswerCode)
	if !ok || ask.Flow == nil {
		h.t.Fatalf("got %#v, want a code to be asked", step)
	}
	return ask
}

func (h *house) answer(ref secret.Reference, code string, remember bool) signin.Step {
	h.t.Helper()
	step, err := h.Respond(h.t.Context(), ref, authenticator.Response{Code: code}, remember, visitor)
	if err != nil {
		h.t.Fatal(err)
	}
	return step
}

// signIn goes all the way.
func (h *house) signIn(address, app string, remember bool) signin.Done {
	h.t.Helper()
	ask := h.password(address, app)
	done, ok := h.answer(*ask.Flow, h.newest().Code, remember).(signin.Done)
	if !ok {
		h.t.Fatal("the right code did not sign in")
	}
	return done
}

func (h *house) standing(ref secret.Reference, ask gate.Ask) gate.SessionCheck {
	h.t.Helper()
	st, err := h.Gate.CheckSession(h.t.Context(), ref.Text().Reveal(), ask)
	if err != nil {
		h.t.Fatal(err)
	}
	return st
}

func (h *house) sessions(company string) (n int) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), company, func(tx *db.Tx) error {
		return tx.QueryRow(h.t.Context(), `SELECT COUNT(*) FROM sessions WHERE tenant_id = $1`, company).Scan(&n)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) events(company string, action audit.Action, result audit.Result) (n int) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), company, func(tx *db.Tx) error {
		rows, err := audit.List(h.t.Context(), tx, audit.Filter{Action: action, Result: result, Limit: 1000})
		n = len(rows)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}
