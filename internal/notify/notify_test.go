package notify_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// fixture is a company with a few people, and the vendor's with an operator.
type fixture struct {
	*notify.Notifier
	t      *testing.T
	d      *db.DB
	people map[string]user.User
}

func each(t *testing.T, fn func(f *fixture)) {
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		keys := secret.NewKeys(now)
		limits := config.Default().Limits
		limits.SendsPerHour = 2
		queue := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
		f := &fixture{&notify.Notifier{Queue: queue, Limits: limits}, t, d, map[string]user.User{}}
		f.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.Ensure(ctx, tx)
			return err
		})
		f.add("vendor", tenant.Vendor, "olga", user.Operator)
		f.add("acme", tenant.Company, "anna", user.Admin)
		f.add("acme", "", "otto", user.Owner)
		f.add("acme", "", "mia", user.Agent)
		fn(f)
	})
}

func (f *fixture) in(of string, fn func(ctx context.Context, tx *db.Tx) error) {
	f.t.Helper()
	if err := f.d.InTx(f.t.Context(), of, func(tx *db.Tx) error { return fn(f.t.Context(), tx) }); err != nil {
		f.t.Fatal(err)
	}
}

// add adds a person, and their tenant where a kind is given.
func (f *fixture) add(of, kind, name string, role user.Role) {
	f.t.Helper()
	f.in(of, func(ctx context.Context, tx *db.Tx) (err error) {
		if kind != "" {
			if _, err := tenant.Create(ctx, tx, of, of, kind); err != nil {
				return err
			}
		}
		f.people[name], err = user.Create(ctx, tx, name+"@"+of+".example", name, role, "en")
		return err
	})
}

// sent is what is queued for a person, as the masked address and the purpose.
func (f *fixture) sent(name string) (out []string) {
	f.t.Helper()
	u := f.people[name]
	f.in(u.TenantID, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = tx.Texts(ctx, `
			SELECT hint || ' ' || purpose FROM messages
			WHERE tenant_id = $1 AND user_id = $2 ORDER BY id`, tx.Tenant, u.ID)
		return err
	})
	return out
}

func (f *fixture) refused() (out []string) {
	f.t.Helper()
	f.in("acme", func(ctx context.Context, tx *db.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Action: "notice.sent", Result: "refused"})
		for _, r := range rows {
			if r.Reason == "too_many_messages" {
				out = append(out, r.UserID+" "+r.SubjectID)
			}
		}
		return err
	})
	return out
}

func notice(within bool) notify.Notice {
	return notify.Notice{
		Purpose:      "test.happened",
		Content:      email.ByHand{Vendor: "Vendor", What: "password set", At: now},
		WithinBudget: within,
	}
}

func (f *fixture) tellMia(times int, within bool) {
	f.t.Helper()
	for range times {
		f.in("acme", func(ctx context.Context, tx *db.Tx) error {
			return f.SendToHolder(ctx, tx, f.people["mia"], notice(within))
		})
	}
}

func (f *fixture) expect(name string, want ...string) {
	f.t.Helper()
	if got := f.sent(name); !slices.Equal(got, want) {
		f.t.Errorf("%s got %q, want %q", name, got, want)
	}
}

func TestTheHolderIsToldAtEveryAddress(t *testing.T) {
	each(t, func(f *fixture) {
		mia := f.people["mia"]
		f.in("acme", func(ctx context.Context, tx *db.Tx) error {
			c := user.Change{
				ID:        tx.NewID(),
				UserID:    mia.ID,
				From:      mia.Email,
				To:        "new@mia.example",
				TokenHash: []byte("hash"),
				CodeMAC:   []byte("mac"),
				TriesLeft: 5,
				BegunAt:   now,
				EndsAt:    now.Add(time.Hour),
			}
			if err := user.AskAddress(ctx, tx, mia, c); err != nil {
				return err
			}
			return user.MoveAddress(ctx, tx, mia, c, now.Add(time.Hour))
		})
		mia.Email = "new@mia.example"
		f.in("acme", func(ctx context.Context, tx *db.Tx) error { return f.SendToHolder(ctx, tx, mia, notice(false)) })
		f.expect("mia", "n•••@m•••.example test.happened", "m•••@a•••.example test.happened")
	})
}

// guard: only the addresses given are told
func TestSomeAddressesOnly(t *testing.T) {
	each(t, func(f *fixture) {
		f.in("acme", func(ctx context.Context, tx *db.Tx) error {
			return f.SendToAddresses(ctx, tx, f.people["mia"], []string{"old@elsewhere.example"}, notice(false))
		})
		f.expect("mia", "o•••@e•••.example test.happened")
	})
}

func TestASpentBudgetRefusesAndRecords(t *testing.T) {
	each(t, func(f *fixture) {
		f.tellMia(3, true)
		told := "m•••@a•••.example test.happened"
		f.expect("mia", told, told)
		if got := f.refused(); !slices.Equal(got, []string{f.people["mia"].ID + " test.happened"}) {
			t.Errorf("recorded: %q", got)
		}
	})
}

func TestWithoutABudgetNothingIsRefused(t *testing.T) {
	each(t, func(f *fixture) {
		f.tellMia(2, true)
		f.tellMia(3, false)
		if got := f.sent("mia"); len(got) != 5 {
			t.Errorf("%d notices", len(got))
		}
		if got := f.refused(); got != nil {
			t.Errorf("recorded: %q", got)
		}
	})
}

func TestAdministratorsHaveABudgetOfTheirOwn(t *testing.T) {
	each(t, func(f *fixture) {
		anna := f.people["anna"]
		f.in("acme", func(ctx context.Context, tx *db.Tx) error {
			for range 3 {
				if err := f.SendToAdmins(ctx, tx, notice(true)); err != nil {
					return err
				}
			}
			return f.SendToHolder(ctx, tx, anna, notice(true))
		})
		if got := f.sent("anna"); len(got) != 3 {
			t.Errorf("the administrator got %d notices, want two alerts and one of their own", len(got))
		}
		if got := f.sent("otto"); len(got) != 2 {
			t.Errorf("the owner got %d notices, want two", len(got))
		}
		f.expect("mia")
		f.expect("olga")
	})
}

func TestOwnersAndOperators(t *testing.T) {
	each(t, func(f *fixture) {
		f.in("acme", func(ctx context.Context, tx *db.Tx) error {
			if err := f.SendToOwners(ctx, tx, notice(false)); err != nil {
				return err
			}
			return f.SendToOperators(ctx, tx, notice(true))
		})
		f.expect("anna")
		f.expect("otto", "o•••@a•••.example test.happened")
		f.expect("olga", "o•••@v•••.example test.happened")
	})
}

// TestTheLastAlertBeforeAPauseSaysSo: the owner gets five of one kind within an hour. The fifth says when the next can
// come, and another kind comes meanwhile.
func TestTheLastAlertBeforeAPauseSaysSo(t *testing.T) {
	each(t, func(f *fixture) {
		var said []time.Time
		alert := func(purpose string) {
			f.in("acme", func(ctx context.Context, tx *db.Tx) error {
				return f.SendAlertToOwners(ctx, tx, purpose, func(next time.Time) email.Content {
					said = append(said, next)
					return email.CompanyAlert{Vendor: "Harbor", Company: "Acme", What: email.AlertMethodsReset, Next: next}
				})
			})
		}
		for range 7 {
			alert("company.methods_reset")
		}
		if len(said) != 5 {
			t.Fatalf("%d alerts within an hour", len(said))
		}
		for i, next := range said {
			if want := i == 4; want != next.Equal(now.Add(time.Hour)) || !want && !next.IsZero() {
				t.Errorf("alert %d says that the next comes at %v", i+1, next)
			}
		}
		if alert("company.users_exported"); len(said) != 6 || !said[5].IsZero() {
			t.Errorf("another kind is held back as well: %v", said)
		}
	})
}
