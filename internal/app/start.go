package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"countersign/internal/backup"
	"countersign/internal/config"
	"countersign/internal/configminimum"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/secret"
)

// Refusal is why the program does not start: everything that speaks against it, at once.
type Refusal struct{ Reasons []error }

func (r *Refusal) Error() string {
	lines := []string{"it does not start:"}
	for _, reason := range r.Reasons {
		for line := range strings.Lines(reason.Error()) {
			lines = append(lines, "- "+strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.Is the reasons.
func (r *Refusal) Unwrap() []error { return r.Reasons }

// joinReasons returns nil where nothing speaks against a start.
func joinReasons(reasons ...error) error {
	r := &Refusal{}
	for _, reason := range reasons {
		if reason != nil {
			r.Reasons = append(r.Reasons, reason)
		}
	}
	if len(r.Reasons) == 0 {
		return nil
	}
	return r
}

// start is Open for a program that is about to serve. Nothing listens yet, and what it
// finds is not to be overlooked: it fails with a Refusal.
func start(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (*Core, error) {
	files := errors.Join(privateFiles(c)...)
	d, err := db.Open(ctx, c.Database.URL.Reveal(), now)
	if err != nil {
		return nil, joinReasons(files, err)
	}
	h := &Core{
		Config: c,
		DB:     d,
		Log:    log,
		jobs:   &jobs.Queue{},
	}
	if err := h.begin(ctx, files); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return h, nil
}

// begin gathers reasons before it changes anything that another program relies on.
func (h *Core) begin(ctx context.Context, files error) error {
	// Two that serve from one file, or a database that takes no changes: nothing below would be true.
	if err := errors.Join(h.DB.ServeAlone(), h.checkDurability(ctx)); err != nil {
		return joinReasons(files, h.clockIsRight(ctx), err)
	}
	if kind := h.DB.NetworkDisk(); kind != "" {
		h.Log.Warn(
			"the SQLite database lies on a network disk, where its locks may not work and data can be lost: move it to a local disk, or use PostgreSQL",
			"filesystem", kind)
	}
	if err := h.migrate(ctx); err != nil {
		return joinReasons(files, err)
	}
	ctx = db.UseServerDefaults(ctx) // what is checked below reads rows of every tenant
	err := joinReasons(files, h.clockIsRight(ctx), h.unlock(ctx), h.checkMinimum(ctx), h.checkEpoch(ctx))
	if err != nil {
		return err
	}
	if err := h.build(ctx); err != nil {
		return err
	}
	// Last, and once more: only a server that starts raises a minimum.
	return h.DB.InTx(ctx, db.Installation,
		func(tx *db.Tx) error { return configminimum.Keep(ctx, tx, h.Config.Limits) })
}

func (h *Core) migrate(ctx context.Context) error {
	if err := backup.CheckFinished(ctx, h.DB); err != nil {
		return err
	}
	if missing, _, err := h.DB.Schema(ctx); err == nil && len(missing) == 0 {
		return nil // one question in place of one for each migration: a start is to be quick
	}
	if _, err := h.DB.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// unlock reads the keys and proves that they are this database's. It makes a key file only
// where there is nothing yet that a new key could not open.
func (h *Core) unlock(ctx context.Context) error {
	if _, err := os.Stat(h.Config.KeyFile); errors.Is(err, fs.ErrNotExist) {
		if err := h.checkUnused(ctx); err != nil {
			return err
		}
	}
	keys, created, err := secret.LoadKeys(h.Config.KeyFile, h.DB.Now())
	if err != nil {
		return err
	}
	h.Keys = keys
	if err := h.proveKeys(ctx); err != nil {
		return fmt.Errorf("%s: %w", h.Config.KeyFile, err)
	}
	if created {
		h.Log.Warn("created a new key file: keep a copy off this machine", "file", h.Config.KeyFile)
	}
	return h.takeCustody(ctx)
}

func (h *Core) checkUnused(ctx context.Context) error {
	return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		used, err := configminimum.InUse(ctx, tx)
		if err == nil && used {
			err = fmt.Errorf("%s: %w", h.Config.KeyFile, configminimum.ErrKeyMissing)
		}
		return err
	})
}

// proveKeys looks first: commands start often and need not write.
func (h *Core) proveKeys(ctx context.Context) error {
	found := false
	err := h.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		found, err = configminimum.Recognise(ctx, tx, h.Keys)
		return err
	})
	if err != nil || found {
		return err
	}
	return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error { return configminimum.Prove(ctx, tx, h.Keys) })
}

func (h *Core) checkMinimum(ctx context.Context) error {
	return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		all, err := configminimum.Load(ctx, tx, h.Config.Limits)
		if err != nil {
			return err
		}
		return configminimum.Check(all)
	})
}

// privateFiles opens what the configuration names and would otherwise fail on first use.
func privateFiles(c config.Config) []error {
	var found []error
	if c.TLS.CertFile != "" {
		_, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
		if err != nil {
			err = fmt.Errorf("tls.cert_file and tls.key_file cannot be used: %w", err)
		}
		found = append(found, err, ownersOnly("tls.key_file", c.TLS.KeyFile))
	}
	if _, err := authorities("smtp.ca_file", c.SMTP.CAFile); err != nil {
		found = append(found, err)
	}
	if _, err := authorities("sms.smpp.ca_file", c.SMS.SMPP.CAFile); err != nil {
		found = append(found, err)
	}
	if _, err := authorities("push.ca_file", c.Push.CAFile); err != nil {
		found = append(found, err)
	}
	if c.SMTP.DKIM.KeyFile != "" {
		_, err := dkim(c.SMTP.DKIM)
		found = append(found, err, ownersOnly("smtp.dkim.key_file", c.SMTP.DKIM.KeyFile))
	}
	return found
}

// ownersOnly refuses a private key that every account of the machine can read. A file that
// is not there has been told of already.
func ownersOnly(key, file string) error {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s has mode %04o: others may read it; run chmod 640 on it", key, file, info.Mode().Perm())
}
