package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"countersign/internal/apps"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/binding"
	"countersign/internal/company"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/incident"
	"countersign/internal/jobs"
	"countersign/internal/keyring"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/passwordlink"
	"countersign/internal/people"
	"countersign/internal/profile"
	"countersign/internal/rollout"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/tenant"
)

// Core is what the command line and the server share: the open, migrated database, the
// keys, and the journeys on them. It serves nothing.
type Core struct {
	Config        config.Config
	DB            *db.DB
	Keys          *secret.Keys
	Passwords     *password.Pool
	Notifier      *notify.Notifier
	Gate          *gate.Gate
	FirstStep     *firststep.Service
	SignIn        *signin.Service
	Incident      *incident.Service
	PasswordLinks *passwordlink.Service
	SetUp         *setup.Service
	Binding       *binding.Service
	Profile       *profile.Service
	People        *people.Service
	Company       *company.Service
	Apps          *apps.Service
	Rollout       *rollout.Service
	SMS           *outofband.SMS // nil: no text messages are sent
	Log           *slog.Logger
	// SetUpToken is set until the installation has its first operator. Print it on the
	// console and nowhere else.
	SetUpToken secret.Text

	custody
	receivers

	jobs    *jobs.Queue
	counter *people.Counter
}

// Open opens the database, brings its schema up to date and reads the keys, which must be
// the installation's own.
func Open(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (*Core, error) {
	return open(ctx, c, log, now, db.Open)
}

// OpenExisting is Open for commands that must not make a database: where there is none it
// fails with db.ErrNoDatabase.
func OpenExisting(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (*Core, error) {
	return open(ctx, c, log, now, db.OpenExisting)
}

type opener func(ctx context.Context, dsn string, now func() time.Time) (*db.DB, error)

func open(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time, by opener) (*Core, error) {
	d, err := by(ctx, c.Database.URL.Reveal(), now)
	if err != nil {
		return nil, err
	}
	h := &Core{
		Config: c,
		DB:     d,
		Log:    log,
		jobs:   &jobs.Queue{},
	}
	if err := h.prepare(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return h, nil
}

func (h *Core) prepare(ctx context.Context) error {
	if err := h.migrate(ctx); err != nil {
		return err
	}
	if err := h.unlock(ctx); err != nil {
		return err
	}
	return h.build(ctx)
}

func (h *Core) build(ctx context.Context) error {
	l := h.Config.Limits
	var err error
	h.Passwords, err = password.NewPool(h.Keys, passwordCost(l), l.Argon2.Parallel, l.Argon2.Queue)
	if err != nil {
		return err
	}
	h.Passwords.Now = h.DB.Now
	queue := &message.Queue{Jobs: h.jobs, Keys: h.Keys}
	h.Notifier = &notify.Notifier{Queue: queue, Limits: l}
	h.Gate = &gate.Gate{DB: h.DB, Limits: l, Seen: gate.NewSeen()}
	h.PasswordLinks = &passwordlink.Service{
		DB:        h.DB,
		Keys:      h.Keys,
		Queue:     queue,
		Notifier:  h.Notifier,
		Passwords: h.Passwords,
		Limits:    l,
		Origin:    h.Config.PublicURL,
	}
	h.Incident = &incident.Service{DB: h.DB, Keys: h.Keys, Notifier: h.Notifier}
	h.FirstStep = &firststep.Service{
		DB:        h.DB,
		Keys:      h.Keys,
		Queue:     queue,
		Notifier:  h.Notifier,
		Passwords: h.Passwords,
		Limits:    l,
		Origin:    h.Config.PublicURL,
	}
	h.SignIn = &signin.Service{
		DB:        h.DB,
		FirstStep: h.FirstStep,
		Keys:      h.Keys,
		Notifier:  h.Notifier,
		Passwords: h.Passwords,
		Limits:    l,
		Origin:    h.Config.PublicURL,
		Gate:      h.Gate,
		Email: outofband.Verifier{
			Channel: authenticator.Email,
			Keys:    h.Keys,
			Queue:   queue,
			Digits:  l.CodeLength,
			Origin:  h.Config.PublicURL,
		},
	}
	if err := h.buildSMS(queue); err != nil {
		return err
	}
	h.buildPush(queue)
	if err := h.buildMethods(queue); err != nil {
		return err
	}
	h.SetUp = &setup.Service{DB: h.DB, Passwords: h.Passwords, SMTPUTF8: h.Config.SMTP.UTF8()}
	h.buildAdministration()
	return h.ensure(ctx)
}

// buildAdministration makes what the command line, and every other interface, administers with.
func (h *Core) buildAdministration() {
	h.counter = people.NewCounter(h.DB, h.Log, people.ManyPeople)
	h.People = &people.Service{
		Counter:   h.counter,
		DB:        h.DB,
		Gate:      h.Gate,
		Links:     h.PasswordLinks,
		Notifier:  h.Notifier,
		Passwords: h.Passwords,
		Bindable:  h.Binding.Kinds(),
		SMTPUTF8:  h.Config.SMTP.UTF8(),
	}
	h.Company = &company.Service{
		DB:        h.DB,
		Keys:      h.Keys,
		Queue:     h.Notifier.Queue,
		Limits:    h.Config.Limits,
		Gate:      h.Gate,
		Notifier:  h.Notifier,
		People:    h.People,
		Countries: h.Config.SMS.Countries,
		Bindable:  h.Binding.Kinds(),
		Languages: locale.Languages(),
		Origin:    h.Config.PublicURL,
	}
	h.Rollout = &rollout.Service{
		DB:       h.DB,
		Gate:     h.Gate,
		Bindable: h.Binding.Kinds(),
		Counter:  h.counter,
	}
	h.Apps = &apps.Service{DB: h.DB, Gate: h.Gate, Keys: &keyring.Keyring{DB: h.DB, Keys: h.Keys}}
}

// ensure makes the installation's row and begins its audit chain. Only a server that starts shows a token, so the
// command line leaves the one on the console as it is.
func (h *Core) ensure(ctx context.Context) error {
	return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		created, err := tenant.Ensure(ctx, tx)
		if err != nil || !created {
			return err
		}
		if err := empty(ctx, tx); err != nil {
			return err
		}
		return audit.Begin(ctx, tx, h.Keys)
	})
}

// empty refuses to make the installation anew in a database that has been in use: its row
// was taken away, and with a new one the audit chains could be begun again.
func empty(ctx context.Context, tx *db.Tx) error {
	var used, recorded bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM tenants WHERE tenant_id <> '') OR EXISTS (SELECT 1 FROM signing_keys)
			OR EXISTS (SELECT 1 FROM clients)`).Scan(&used)
	if err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit_events WHERE tenant_id <> '')`).Scan(&recorded)
	if err == nil && (used || recorded) {
		err = errors.New("the installation's row is missing from a database that was in use: restore it from a copy")
	}
	return err
}

// Close closes the database, once no one counts in it any more.
func (h *Core) Close() error {
	h.counter.Close()
	return h.DB.Close()
}
