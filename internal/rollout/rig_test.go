package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/totp"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/firststep"
	"countersign/internal/gate/gatetest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/passwordlink"
	"countersign/internal/people"
	"countersign/internal/rollout"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/tenant"
)

const rightPassword = "correct horse battery staple zebra"

// mailServer refuses addresses that begin with "bounce", and keeps the newest code of every other one.
type mailServer struct {
	mu    sync.Mutex
	codes map[string]string
}

func (m *mailServer) Send(_ context.Context, e message.Envelope) (string, error) {
	if strings.HasPrefix(e.To, "bounce") {
		return "mx.test", &message.Refusal{Cause: errors.New("no such mailbox")}
	}
	var letter email.SignInCode
	if e.Template == email.Template(letter) {
		if err := json.Unmarshal(e.Data, &letter); err != nil {
			return "", err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.codes[e.To] = letter.Code
	}
	return "mx.test", nil
}

// rig is a company with everything that a sign-in needs.
type rig struct {
	*rollout.Service
	t       *testing.T
	at      time.Time
	signIn  *signin.Service
	people  *people.Service
	mails   *mailServer
	courier *message.Courier
	hash    string
}

func each(t *testing.T, fn func(r *rig)) {
	r := &rig{}
	dbtest.Each(t, func() time.Time { return r.at }, func(t *testing.T, d *db.DB) {
		r.t, r.at = t, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		r.build(d)
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			if _, err := tenant.Create(ctx, tx, "acme", "Acme", tenant.Company); err != nil {
				return err
			}
			return tenant.SetMandate(ctx, tx.ForTenant("acme"), tenant.Mandate{Mode: tenant.DefaultOff})
		})
		fn(r)
	})
}

func (r *rig) build(d *db.DB) {
	r.t.Helper()
	keys := secret.NewKeys(r.at)
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	stored, err := pool.Hash(r.t.Context(), rightPassword)
	if err != nil {
		r.t.Fatal(err)
	}
	r.hash = stored.Hash
	const origin = "https://sign-in.test"
	limits, queue := config.Default().Limits, &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
	notifier := &notify.Notifier{Queue: queue, Limits: limits}
	bindable := []authenticator.Kind{authenticator.TOTP, authenticator.Backup}
	gate := gatetest.New(d, bindable...)
	r.mails = &mailServer{codes: map[string]string{}}
	r.courier = &message.Courier{
		DB:      d,
		Keys:    keys,
		Senders: map[string]message.Sender{"email": r.mails},
		Log:     slog.New(slog.DiscardHandler),
	}
	r.signIn = &signin.Service{
		DB: d,
		FirstStep: &firststep.Service{
			DB:        d,
			Keys:      keys,
			Queue:     queue,
			Notifier:  notifier,
			Passwords: pool,
			Limits:    limits,
			Origin:    origin,
		},
		Keys:      keys,
		Notifier:  notifier,
		Passwords: pool,
		Email: outofband.Verifier{
			Channel: authenticator.Email,
			Keys:    keys,
			Queue:   queue,
			Digits:  limits.CodeLength,
			Origin:  origin,
		},
		Others: map[authenticator.Kind]authenticator.Verifier{
			authenticator.TOTP:   totp.Verifier{Keys: keys},
			authenticator.Backup: lookup.Verifier{Hash: pool.HashCode, Match: pool.MatchCode},
		},
		Limits: limits,
		Origin: origin,
		Gate:   gate,
	}
	r.people = &people.Service{
		DB:        d,
		Gate:      gate,
		Links:     &passwordlink.Service{DB: d, Keys: keys, Queue: queue, Limits: limits, Origin: origin},
		Notifier:  notifier,
		Passwords: pool,
		Bindable:  bindable,
	}
	r.Service = &rollout.Service{DB: d, Gate: gate, Bindable: bindable}
}

func (r *rig) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// exec runs a statement about the company; $1 is its id.
func (r *rig) exec(query string, args ...any) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, query, append([]any{tx.Tenant}, args...)...)
		return err
	})
}

// addPeople imports people and gives them the password.
func (r *rig) addPeople(addresses ...string) {
	r.t.Helper()
	rows := make([]people.Row, len(addresses))
	for i, address := range addresses {
		rows[i] = people.Row{Line: i + 1, Tenant: "acme", Email: address, Name: fmt.Sprintf("Person %03d", i)}
	}
	importer := &people.Importer{Service: r.people, Actor: access.Server, Uninvited: true}
	done, err := importer.Batch(r.t.Context(), rows)
	if err != nil || done.Created != len(rows) {
		r.t.Fatalf("%+v, %v", done, err)
	}
	r.exec(`INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at)
		SELECT tenant_id, id, $2, $3, 0 FROM users WHERE tenant_id = $1`, r.hash, r.pepper())
}

// pepper is what the cheap hash was made with.
func (r *rig) pepper() string {
	stored, err := r.signIn.Passwords.Hash(r.t.Context(), rightPassword)
	if err != nil {
		r.t.Fatal(err)
	}
	r.hash = stored.Hash
	return stored.Pepper
}

// bind gives those whose address begins with a word a method; state is disabled_at.
func (r *rig) bind(word string, kind authenticator.Kind, disabled int64) {
	r.t.Helper()
	r.exec(`INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at,
			disabled_at)
		SELECT tenant_id, id || '-' || $2, id, $2, '', 0, 1, 0, $3 FROM users
		WHERE tenant_id = $1 AND email LIKE $4`, string(kind), disabled, word+"%")
}

// mark sets a column of those whose address begins with a word.
func (r *rig) mark(word, column string, value any) {
	r.t.Helper()
	r.exec(`UPDATE users SET `+column+` = $2, version = version + 1 WHERE tenant_id = $1 AND email LIKE $3`,
		value, word+"%")
}

// deliver hands what is queued to the mail server.
func (r *rig) deliver() {
	r.t.Helper()
	var due []string
	r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = tx.Texts(ctx, `SELECT id FROM messages WHERE tenant_id = $1 AND state = 'queued' ORDER BY id`, tx.Tenant)
		return err
	})
	r.parallel(len(due), func(i int) (signin.Step, error) {
		job := jobs.Job{Tenant: "acme", ID: "j", Args: []byte(`{"message":"` + due[i] + `"}`)}
		return nil, r.courier.Deliver(r.t.Context(), job)
	})
}

var visitor = session.Visitor{IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox, Linux", RequestID: "R"}

// stopped are those whom a sign-in stops: it goes as far as they get with their password, and then with the code that
// reaches them, where one is mailed. Those who are asked for a method that they have and that works, or may set one up,
// are not stopped.
func (r *rig) stopped(addresses []string) (out []string) {
	r.t.Helper()
	steps := r.parallel(len(addresses), func(i int) (signin.Step, error) {
		return r.signIn.SubmitPassword(r.t.Context(), firststep.Attempt{
			Email:    addresses[i],
			Password: rightPassword,
			ClientID: client.PortalID,
			Visitor:  visitor,
		})
	})
	r.deliver()
	steps = r.parallel(len(addresses), func(i int) (signin.Step, error) {
		ask, asked := steps[i].(signin.AnswerCode)
		code := r.mails.codes[addresses[i]]
		if !asked || ask.Kind != authenticator.Email || code == "" {
			return steps[i], nil
		}
		return r.signIn.Respond(r.t.Context(), *ask.Flow, authenticator.Response{Code: code}, false, visitor)
	})
	for i, step := range steps {
		switch step := step.(type) {
		case signin.Done, signin.SetUpMethod, signin.ReplacePassword:
		case signin.AnswerCode:
			if step.Kind == authenticator.Email && len(step.Others) == 0 { // no code has arrived
				out = append(out, addresses[i])
			}
		case signin.Over:
			out = append(out, addresses[i])
		default:
			r.t.Fatalf("%s: %#v", addresses[i], step)
		}
	}
	return out
}

// parallel runs fn for 0 to n-1, some at once.
func (r *rig) parallel(n int, fn func(i int) (signin.Step, error)) []signin.Step {
	r.t.Helper()
	out, errs := make([]signin.Step, n), make([]error, n)
	var all sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i := range n {
		all.Go(func() {
			turns <- struct{}{}
			out[i], errs[i] = fn(i)
			<-turns
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		r.t.Fatal(err)
	}
	return out
}
