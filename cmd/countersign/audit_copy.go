package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/backup"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/secret"
)

// AuditExportCmd writes the audit events as lines of JSON.
type AuditExportCmd struct {
	Since string `help:"Only what is not older: 2027-01-31, 2027-01-31T08:00:00Z, or a duration such as 90m."`
}

// Help says what it is for.
func (AuditExportCmd) Help() string {
	return "Keep the copy on another machine: after a restore it says which sign-in methods were added or removed since the backup."
}

// Run writes to standard output.
func (c AuditExportCmd) Run(ctx context.Context, env *Env) error {
	var since time.Time
	if c.Since != "" {
		var err error
		if since, err = sinceWhen(c.Since); err != nil {
			return err
		}
	}
	return env.within(ctx, func(h *app.Core) error {
		out := bufio.NewWriter(os.Stdout)
		n, err := audit.Export(ctx, h.DB, out, since)
		if err = errors.Join(err, out.Flush()); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "Exported %d events.\n", n)
		return nil
	})
}

// sinceWhen reads an instant, or how long ago.
func sinceWhen(text string) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now().Add(-d), nil
	}
	at, err := instant(text)
	if err != nil {
		return at, usageError(err.Error())
	}
	return at, nil
}

// EpochReviewCmd applies a copy of the audit events to the newest epoch.
type EpochReviewCmd struct {
	Audit  string `type:"existingfile" xor:"copy" required:"" help:"A file that countersign audit export wrote, newer than the restored state."`
	NoCopy bool   `xor:"copy" required:"" help:"Say that there is no such copy: doctor stops warning. Check by hand the methods of anyone who has lost a device since."`
}

// Run reviews.
func (c EpochReviewCmd) Run(ctx context.Context, env *Env) error {
	if c.NoCopy {
		return env.within(ctx, func(h *app.Core) error {
			err := h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error { return backup.NoAuditCopy(ctx, tx) })
			if err == nil {
				env.say(changeDocument{"epoch", changed{{"reviewed", true}}},
					"Changed: the newest epoch counts as reviewed, without a copy of the audit events.\n")
			}
			return err
		})
	}
	copied, err := readAuditCopy(c.Audit)
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error { return review(ctx, env, h.DB, h.Keys, copied) })
}

func readAuditCopy(path string) (copied backup.AuditCopy, err error) {
	f, err := os.Open(path)
	if err != nil {
		return copied, err
	}
	defer func() { _ = f.Close() }()
	if copied, err = backup.ReadAuditCopy(f); err != nil {
		return copied, fmt.Errorf("read %s: %w", path, err)
	}
	if copied.Until.IsZero() {
		return copied, usageError(path + " holds no audit events")
	}
	return copied, nil
}

func review(ctx context.Context, env *Env, d *db.DB, keys *secret.Keys, copied backup.AuditCopy) error {
	tell := backup.ReviewMails(&notify.Notifier{Queue: &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}})
	var r backup.ReviewResult
	err := d.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
		r, err = backup.Review(ctx, tx, copied, tell)
		return err
	})
	if err != nil {
		return err
	}
	env.say(reviewOf(r, copied), `Reviewed the sign-in methods with audit events up to %s:
  %d suspended: added, removed or reported since the state that came back
  %d people whose newer method is lost: only an administrator lets them in again
See them with "countersign user methods list", decide with "user methods restore" or "user methods reset".
`, shown(copied.Until), r.Suspended, r.Protected)
	return nil
}

const withoutAuditCopy = `No copy of the audit events was given. Sign-in methods that were removed since the backup
work again, and accounts that got their first method since are protected by email only.
If you have a copy (countersign audit export), run: countersign epoch review --audit FILE

`
