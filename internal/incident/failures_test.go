package incident_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/incident"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestOwnersAreToldOfManyFailuresOnce: not of a few, not where most people get in, and not again and again.
func TestOwnersAreToldOfManyFailuresOnce(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { return at }, func(t *testing.T, d *db.DB) {
		ctx, keys := t.Context(), secret.NewKeys(at)
		queue := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
		s := &incident.Service{
			DB:       d,
			Keys:     keys,
			Notifier: &notify.Notifier{Queue: queue, Limits: config.Default().Limits},
		}
		in := func(id string, fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.InTx(ctx, id, fn); err != nil {
				t.Fatal(err)
			}
		}
		in(db.Installation, func(tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			return audit.Begin(ctx, tx, keys)
		})
		record := func(id string, failed, done int) {
			in(id, func(tx *db.Tx) error {
				var events []audit.Event
				for n := range failed {
					who := "u" + string(rune('a'+n%3))
					events = append(events,
						audit.Event{Action: audit.SignInPassword, Result: audit.Failed, UserID: who})
				}
				for range done {
					events = append(events, audit.Event{Action: audit.SignInCompleted, Result: audit.OK})
				}
				return audit.Record(ctx, tx, events...)
			})
		}
		for id, counts := range map[string][2]int{
			"attacked": {incident.ManyFailures, 5},
			"quiet":    {incident.ManyFailures - 1, 0},
			"busy":     {2 * incident.ManyFailures, 3 * incident.ManyFailures},
		} {
			in(id, func(tx *db.Tx) error {
				if _, err := tenant.Create(ctx, tx, id, id, tenant.Company); err != nil {
					return err
				}
				_, err := user.Create(ctx, tx, "o@"+id+".example", "Olga", user.Owner, "en")
				return err
			})
			record(id, counts[0], counts[1])
		}
		if _, err := (&audit.Sealer{DB: d, Keys: keys}).Seal(ctx); err != nil {
			t.Fatal(err)
		}
		tell := func(want map[string]int) {
			t.Helper()
			if err := s.TellFailures(ctx); err != nil {
				t.Fatal(err)
			}
			for id, n := range want {
				if got := mailsOf(ctx, t, d, id); got != n {
					t.Errorf("%s: %d mails, want %d", id, got, n)
				}
			}
		}
		tell(map[string]int{"attacked": 1, "quiet": 0, "busy": 0})
		tell(map[string]int{"attacked": 1})
		at = at.Add(2 * time.Hour)
		tell(map[string]int{"attacked": 1, "quiet": 0, "busy": 0})
		at = at.Add(-2 * time.Hour)
	})
}

func mailsOf(ctx context.Context, t *testing.T, d *db.DB, id string) (n int) {
	t.Helper()
	err := d.View(ctx, id, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COUNT(*) FROM messages WHERE tenant_id = $1 AND purpose = 'company.failures'`,
			id).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
