package firststep_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/audit"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/passkey/passkeytest"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/firststep"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

const (
	rightPassword = "correct horse battery staple zebra"
	maria         = "maria@company.test"
	owner         = "owner@company.test"
	company       = "company"
	host          = "sign-in.test"
)

var visitor = session.Visitor{IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox, Linux", RequestID: "R"}

// rig is the first step with everything real but the mail server, and with a journey behind it
// that only counts what it begins.
type rig struct {
	*firststep.Service
	t       testing.TB
	courier *message.Courier

	mu    sync.Mutex
	at    time.Time
	mails []message.Envelope
	begun []firststep.Proved
}

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	r := &rig{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	dbtest.Each(t, r.now, func(t *testing.T, d *db.DB) {
		r.t, r.mails, r.begun = t, nil, nil
		r.build(t, d)
		fn(t, r)
	})
}

func (r *rig) build(t *testing.T, d *db.DB) {
	t.Helper()
	keys := secret.NewKeys(r.now())
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	passkeys, err := passkey.New("https://"+host, keys)
	if err != nil {
		t.Fatal(err)
	}
	queue, limits := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, config.Default().Limits
	r.Service = &firststep.Service{
		DB:        d,
		Keys:      keys,
		Queue:     queue,
		Notifier:  &notify.Notifier{Queue: queue, Limits: limits},
		Passwords: pool,
		Passkeys:  passkeys,
		Limits:    limits,
		Origin:    "https://" + host,
	}
	r.courier = &message.Courier{
		DB:      d,
		Keys:    keys,
		Senders: map[string]message.Sender{"email": r},
		Log:     slog.New(slog.DiscardHandler),
	}
	r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		app := client.New{
			ID:           "dashboard",
			Name:         "Dashboard",
			Kind:         client.Public,
			RedirectURIs: []string{"https://dashboard.test/cb"},
		}
		if _, _, err := client.Create(ctx, tx, app); err != nil {
			return err
		}
		_, err := tenant.Create(ctx, tx, company, "Company", tenant.Company)
		return err
	})
	r.person(maria, user.Agent)
	r.person(owner, user.Owner)
}

func (r *rig) now() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.at }

func (r *rig) pass(d time.Duration) { r.mu.Lock(); defer r.mu.Unlock(); r.at = r.at.Add(d) }

// Send is the mail server.
func (r *rig) Send(_ context.Context, e message.Envelope) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mails = append(r.mails, e)
	return "mx.test", nil
}

func (r *rig) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// run changes something of the company by one statement.
func (r *rig) run(text string, args ...any) {
	r.t.Helper()
	r.in(company, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, text, append([]any{tx.Tenant}, args...)...)
		return err
	})
}

func (r *rig) person(address string, role user.Role) (u user.User) {
	r.t.Helper()
	stored, err := r.Passwords.Hash(r.t.Context(), rightPassword)
	if err != nil {
		r.t.Fatal(err)
	}
	r.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		u, err = setup.Add(ctx, tx, setup.Person{
			Email:    address,
			Name:     "Person",
			Role:     role,
			Language: "en",
			Password: &stored,
			By:       "test",
		})
		return err
	})
	return u
}

// changePassword ends everything that an account has open, as a new password does.
func (r *rig) changePassword(address string) {
	r.t.Helper()
	r.in(company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), address)
		if err != nil {
			return err
		}
		return user.PasswordChanged(ctx, tx, u.ID)
	})
}

func attempt(address, plain string) firststep.Attempt {
	return firststep.Attempt{Email: address, Password: secret.Text(plain), ClientID: "dashboard", Visitor: visitor}
}

// from is an attempt from another network.
func from(ip string, a firststep.Attempt) firststep.Attempt {
	a.Visitor.IP = ip
	return a
}

// check checks a password as a sign-in does.
func (r *rig) check(a firststep.Attempt) (right bool, err error) {
	return r.CheckPassword(r.t.Context(), a, messages, r.begin)
}

func messages(tx *db.Tx, spender string) ratelimit.BudgetKey {
	limit := ratelimit.Limit{Name: "send.account", Windows: []ratelimit.Window{{Count: 10, Per: time.Hour}}}
	return ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limit, Subject: spender}
}

// begin is the least that a sign-in begins with.
func (r *rig) begin(ctx context.Context, tx *db.Tx, p firststep.Proved) error {
	tx.OnCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.begun = append(r.begun, p)
	})
	return p.Budgets.Write(ctx, tx)
}

// finished is what a browser keeps of a sign-in that is finished.
func (r *rig) finished(address string, secondStep bool) (device secret.Reference) {
	r.t.Helper()
	if right, err := r.check(attempt(address, rightPassword)); err != nil || !right {
		r.t.Fatalf("%t, %v", right, err)
	}
	r.in(company, func(_ context.Context, tx *db.Tx) error {
		p := r.begun[len(r.begun)-1]
		device = r.NewDevice(tx, p.Facts, p.Browser, secondStep)
		return nil
	})
	return device
}

func (r *rig) events(tenantID string, action audit.Action, result audit.Result) (n int) {
	r.t.Helper()
	err := r.DB.View(r.t.Context(), tenantID, func(tx *db.Tx) error {
		rows, err := audit.List(r.t.Context(), tx, audit.Filter{Action: action, Result: result, Limit: 1000})
		n = len(rows)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// deliver runs the jobs that mail links, and hands every queued message to the mail server.
func (r *rig) deliver() {
	r.t.Helper()
	for _, j := range r.waiting(`SELECT tenant_id, id, args FROM jobs
		WHERE tenant_id <> '' AND kind = '` + firststep.JobAdmission + `' AND done_at = 0`) {
		if err := r.MailAdmission(r.t.Context(), j); err != nil {
			r.t.Fatal(err)
		}
		r.in(j.Tenant, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE jobs SET done_at = $1
				WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, j.ID)
			return err
		})
	}
	for _, m := range r.waiting(`SELECT tenant_id, id, '{"message":"' || id || '"}' FROM messages
		WHERE tenant_id <> '' AND state = 'queued' ORDER BY id`) {
		if err := r.courier.Deliver(r.t.Context(), m); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) waiting(text string) (due []jobs.Job) {
	r.t.Helper()
	err := r.DB.View(r.t.Context(), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(r.t.Context(), text)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var j jobs.Job
			if err := rows.Scan(&j.Tenant, &j.ID, &j.Args); err != nil {
				return err
			}
			due = append(due, j)
		}
		return rows.Err()
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return due
}

// mailed counts the mails with a template.
func (r *rig) mailed(template string) (n int) {
	for _, e := range r.mails {
		if e.Template == template {
			n++
		}
	}
	return n
}

// links are the mails with a link in one mailbox, the newest last.
func (r *rig) links(address string) (out []email.Admission) {
	r.t.Helper()
	for _, e := range r.mails {
		if e.Template != email.Template(email.Admission{}) || e.To != address {
			continue
		}
		var letter email.Admission
		if err := json.Unmarshal(e.Data, &letter); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, letter)
	}
	return out
}

func (r *rig) ask(address string) {
	r.t.Helper()
	if err := r.AskAdmission(r.t.Context(), address, visitor); err != nil {
		r.t.Fatal(err)
	}
	r.deliver()
}

// newestLink is the newest in a mailbox.
func (r *rig) newestLink(address string) secret.Reference {
	r.t.Helper()
	all := r.links(address)
	if len(all) == 0 {
		r.t.Fatal("no link was mailed")
	}
	_, token, _ := strings.Cut(all[len(all)-1].Link, firststep.AdmissionPath)
	ref, err := secret.ParseReference(token)
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

// admit lets a browser in by a new link.
func (r *rig) admit(address string) secret.Reference {
	r.t.Helper()
	r.ask(address)
	browser, err := r.UseAdmission(r.t.Context(), r.newestLink(address), visitor)
	if err != nil {
		r.t.Fatal(err)
	}
	return browser
}

// exhaust uses up what strangers of an account have, by its password.
func (r *rig) exhaust(address string) {
	r.t.Helper()
	for range 61 {
		if _, err := r.check(attempt(address, rightPassword)); err != nil {
			return
		}
	}
	r.t.Fatal("strangers may begin as many sign-ins as they like")
}

// bind gives a person a passkey.
func (r *rig) bind(address string, options virtualwebauthn.AuthenticatorOptions) (k *passkeytest.Key) {
	r.t.Helper()
	r.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		k, err = passkeytest.Bind(ctx, r.t, tx, r.Passkeys, host, address, options)
		return err
	})
	return k
}

func (r *rig) offer(browser string) firststep.PasskeyOffer {
	r.t.Helper()
	o, ok := r.OfferPasskey(browser)
	if !ok {
		r.t.Fatal("no offer")
	}
	return o
}

// answer answers an offer.
func (r *rig) answer(o firststep.PasskeyOffer, assertion []byte) (right bool, err error) {
	right, _, err = r.CheckPasskey(r.t.Context(), attempt("", ""), firststep.PasskeyAnswer{
		Token:     o.Token,
		Browser:   o.Browser,
		Assertion: assertion,
	}, r.begin)
	return right, err
}

// alone shows a passkey and nothing else.
func (r *rig) alone(k *passkeytest.Key) bool {
	r.t.Helper()
	o := r.offer("")
	right, err := r.answer(o, k.Answer(r.t, o.Options))
	if err != nil {
		r.t.Fatal(err)
	}
	return right
}
