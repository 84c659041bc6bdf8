package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/backup"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/keyring"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/secret"
)

// BackupCmd copies everything into one file.
type BackupCmd struct {
	File  string `arg:"" type:"path" help:"The file to make."`
	Force bool   `help:"Replace the file if it exists."`
}

// Run copies while servers go on.
func (c BackupCmd) Run(ctx context.Context, env *Env) error {
	return bare(ctx, env, true, func(d *db.DB, keys *secret.Keys, conf config.Config) error {
		if err := backup.CheckFinished(ctx, d); err != nil {
			return err
		}
		m, size, err := backup.MakeFile(ctx, d, keys, built(), c.File, c.Force, progress("copied"))
		if err != nil {
			return err
		}
		err = d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			return audit.Record(ctx, tx, audit.Event{
				Action:  audit.InstallationCopied,
				Result:  audit.OK,
				ActorID: byHand,
				Reason:  "state of " + shown(m.TakenAt),
			})
		})
		document := copyOf(c.File, m)
		document.Bytes, document.MasterKey = size, keys.Current()
		env.say(document, "%s holds %d rows as of %s, %.1f MB.\n", c.File, m.Rows(), shown(m.TakenAt),
			float64(size)/1e6)
		env.explainMore(
			"The master keys are NOT in it. It is sealed with %s from %s: keep a copy of that file somewhere else, or the backup is worth nothing.\n",
			keys.Current(), conf.KeyFile)
		return err
	})
}

// bare opens the database and the keys as they are: nothing is migrated or made.
// A database that must exist is looked for first; another is made only where the keys can be read.
func bare(ctx context.Context, env *Env, exists bool,
	fn func(d *db.DB, keys *secret.Keys, c config.Config) error) error {
	c, _, err := env.loadForCommand()
	if err != nil {
		return err
	}
	keys, noKeys := secret.ReadKeys(c.KeyFile, now())
	open := db.OpenExisting
	if !exists {
		if open = db.Open; noKeys != nil {
			return noKeys
		}
	}
	d, err := open(ctx, c.Database.URL.Reveal(), now)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if noKeys != nil {
		return noKeys
	}
	return fn(d, keys, c)
}

// progress tells the terminal, not the log, how far something is.
func progress(verb string) backup.Progress {
	last := now()
	return func(done, total int64) {
		if at := now(); at.Sub(last) >= 2*time.Second {
			last = at
			fmt.Fprintf(os.Stderr, "%d of %d rows %s\n", done, total, verb)
		}
	}
}

// RestoreCmd puts a copy into an empty database.
type RestoreCmd struct {
	File  string `arg:"" type:"existingfile" help:"A file that backup made."`
	Audit string `type:"existingfile" help:"A copy of the audit events that is newer than the backup: suspend the methods that were added or removed since."`
	Check bool   `help:"Only read the file to its end: is it whole, and does the key file open it?"`
}

// Run restores, and says what is left to do.
func (c RestoreCmd) Run(ctx context.Context, env *Env) error {
	if c.Check {
		return c.check(env)
	}
	var copied backup.AuditCopy
	if c.Audit != "" {
		var err error
		if copied, err = readAuditCopy(c.Audit); err != nil {
			return err
		}
	}
	return bare(ctx, env, false, func(d *db.DB, keys *secret.Keys, conf config.Config) error {
		seen, err := backup.ReadMark(backup.MarkPath(conf.KeyFile))
		if err != nil {
			return err
		}
		notifier := &notify.Notifier{Queue: &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}}
		r := backup.Restoring{
			DB:       d,
			Keys:     keys,
			Open:     func() (io.ReadCloser, error) { return os.Open(c.File) },
			Because:  "restored from a backup",
			Above:    seen.Epoch,
			Notify:   backup.OwnerMails(notifier),
			Progress: progress("restored"),
		}
		m, e, err := r.Run(ctx)
		if err != nil {
			return err
		}
		env.say(copyOf(c.File, m), "Restored %d rows as of %s (%s, made by %s).\n", m.Rows(), shown(m.TakenAt),
			m.Engine, m.Program)
		if !env.asJSON() {
			explainEpoch(env, e)
		}
		if c.Audit == "" {
			env.explainMore(withoutAuditCopy)
			return nil
		}
		return review(ctx, env, d, keys, copied)
	})
}

func (c RestoreCmd) check(env *Env) error {
	conf, _, err := env.loadForCommand()
	if err != nil {
		return err
	}
	keys, err := secret.ReadKeys(conf.KeyFile, now())
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	m, err := backup.Verify(f, keys)
	if err == nil {
		env.say(copyOf(c.File, m), "%s is whole: %d rows as of %s (%s, epoch %d, made by %s).\n", c.File, m.Rows(),
			shown(m.TakenAt), m.Engine, m.Epoch, m.Program)
	}
	return err
}

// EpochCmd is about older states of the data that took the place of newer ones.
type EpochCmd struct {
	Review      EpochReviewCmd      `cmd:"" help:"Suspend the sign-in methods that were added or removed since the state that came back, by a copy of the audit events."`
	Raise       EpochRaiseCmd       `cmd:"" help:"Say that the database went back to an earlier state, and end everything that was open."`
	Acknowledge EpochAcknowledgeCmd `cmd:"" help:"Acknowledge the newest epoch, so that servers may start."`
	Show        EpochShowCmd        `cmd:"" help:"Show the newest epoch and what it means."`
}

// EpochRaiseCmd raises the epoch after a restore that Countersign did not do itself.
type EpochRaiseCmd struct {
	Because     string `required:"" help:"Why, for the record and for the owners' log: \"standby promoted\"."`
	AsOf        string `help:"The state that the database went back to, as far as it is known: 2027-01-31T08:00:00Z."`
	Acknowledge bool   `help:"Acknowledge it at once."`
}

// Run raises it.
func (c EpochRaiseCmd) Run(ctx context.Context, env *Env) error {
	var of time.Time
	if c.AsOf != "" {
		var err error
		if of, err = instant(c.AsOf); err != nil {
			return err
		}
	}
	return env.within(ctx, func(h *app.Core) error {
		seen, err := backup.ReadMark(backup.MarkPath(h.Config.KeyFile))
		if err != nil {
			return err
		}
		var e backup.Epoch
		err = h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			e, err = backup.Raise(ctx, tx, c.Because, of, seen.Epoch, backup.OwnerMails(h.Notifier))
			if err == nil && c.Acknowledge {
				e, err = backup.Acknowledge(ctx, tx)
			}
			return err
		})
		if err != nil {
			return err
		}
		explainEpoch(env, e)
		return newSigningKeys(ctx, h)
	})
}

// newSigningKeys take the place of those that an epoch has withdrawn, for servers that are
// running already.
func newSigningKeys(ctx context.Context, h *app.Core) error {
	return (&keyring.Keyring{DB: h.DB, Keys: h.Keys}).EnsureAll(ctx)
}

// EpochAcknowledgeCmd lets servers start.
type EpochAcknowledgeCmd struct{}

// Run acknowledges.
func (EpochAcknowledgeCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		var e backup.Epoch
		err := h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			e, err = backup.Acknowledge(ctx, tx)
			return err
		})
		switch {
		case err != nil:
			return err
		case e.Number == 0:
			env.say(epochOf(e), "There is nothing to acknowledge.\n")
		default:
			env.say(epochOf(e),
				"Epoch %d is acknowledged. Servers may start; the owners' mails leave then.\n", e.Number)
		}
		return newSigningKeys(ctx, h)
	})
}

// EpochShowCmd shows the newest epoch.
type EpochShowCmd struct{}

// Run prints it.
func (EpochShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			e, err := backup.LatestEpoch(ctx, tx)
			if err == nil && e.Number == 0 {
				env.say(epochOf(e), "The database has never gone back to an earlier state.\n")
				return nil
			}
			if err == nil {
				explainEpoch(env, e)
			}
			return err
		})
	})
}

// explainEpoch says what a return to an earlier state means (SEC-139).
func explainEpoch(env *Env, e backup.Epoch) {
	state := "an earlier state"
	if !e.CopyOf.IsZero() {
		state = "the state of " + shown(e.CopyOf)
	}
	env.say(epochOf(e), `
Epoch %d: %s, at %s. The data is %s.

Ended, so that nothing which was spent or revoked since works again: every session, every
sign-in under way, every code and link, every remembered browser, every authorization code
and refresh token, every signing key, every job and every mail that had not left. Everybody
signs in again.

Lost, and for you to think about: everything that was changed since that state. Passwords,
addresses, people and apps that were changed or removed since are as they were before; a
secret of an app that was replaced since is the old one again; failures of that time are
not counted. The owners of every company are told by mail, and it is in their log.

`, e.Number, e.Because, shown(e.RaisedAt), state)
	if e.AcknowledgedAt.IsZero() {
		env.explainMore("Nothing serves until you run: countersign epoch acknowledge\n")
		return
	}
	env.explainMore("Acknowledged at %s.\n", shown(e.AcknowledgedAt))
}
