package standards_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
	"countersign/internal/standards"
)

func within(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) error {
	t.Helper()
	return d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error { return fn(t.Context(), tx) })
}

// recorded is the subjects of the installation's events with an action, newest first.
func recorded(t *testing.T, d *db.DB, action string) (out []string) {
	t.Helper()
	err := within(t, d, func(ctx context.Context, tx *db.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Action: action})
		for _, r := range rows {
			out = append(out, r.ActorID+": "+r.Reason)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keep(t *testing.T, d *db.DB, l config.Limits) error {
	t.Helper()
	return within(t, d, func(ctx context.Context, tx *db.Tx) error { return standards.Keep(ctx, tx, l) })
}

// guard: a weaker number is refused and changes nothing
func TestREL24_WeakerThanStored(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		first := config.Default().Limits
		if err := errors.Join(keep(t, d, first), keep(t, d, first)); err != nil {
			t.Fatal(err)
		}
		mixed := first
		mixed.CodeLength, mixed.CodeLife, mixed.WrongAnswers = 8, 9*time.Minute, 6
		err := keep(t, d, mixed)
		if err == nil || !strings.Contains(err.Error(), "limits.wrong_answers is 6 here and was 5") || strings.Contains(err.Error(), "code_l") {
			t.Errorf("%v", err)
		}
		if err := keep(t, d, first); err != nil {
			t.Error("a refused start has raised something:", err)
		}
		strict := mixed
		strict.WrongAnswers = 5
		if err := keep(t, d, strict); err != nil {
			t.Fatal(err)
		}
		err = keep(t, d, first)
		var weaker standards.WeakerError
		if !errors.As(err, &weaker) || len(weaker) != 2 {
			t.Errorf("%v", err)
		}
		if got := strings.Join(recorded(t, d, "settings.raised"), ", "); got != "start: limits.code_life 10m to 9m, start: limits.code_length 6 to 8" {
			t.Errorf("recorded %q", got)
		}
	})
}

// guard: an operator may take a standard back, on record
func TestREL24_WeakerOnRecord(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		strict, loose := config.Default().Limits, config.Default().Limits
		strict.NewCodes = 1
		loose.CodeLength = 8
		if err := keep(t, d, strict); err != nil {
			t.Fatal(err)
		}
		var changed []standards.Standard
		err := within(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			changed, err = standards.Accept(ctx, tx, loose, "maya")
			return err
		})
		if err != nil || len(changed) != 1 || changed[0].String() != "limits.new_codes 1 to 3" {
			t.Error(changed, err)
		}
		if err := keep(t, d, loose); err != nil {
			t.Error(err)
		}
		if got := strings.Join(recorded(t, d, "settings.accepted"), ", "); got != "maya: limits.new_codes 1 to 3" {
			t.Errorf("recorded %q", got)
		}
		if got := strings.Join(recorded(t, d, "settings.raised"), ", "); got != "start: limits.code_length 6 to 8" {
			t.Errorf("recorded %q", got)
		}
	})
}

// guard: the canary opens with the installation's keys only
func TestSEC138_AKeyFileOfSomebodyElse(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ours, theirs := secret.NewKeys(time.Now()), secret.NewKeys(time.Now())
		prove := func(k *secret.Keys) error {
			return within(t, d, func(ctx context.Context, tx *db.Tx) error { return standards.Prove(ctx, tx, k) })
		}
		if err := errors.Join(prove(ours), prove(ours)); err != nil {
			t.Fatal(err)
		}
		if err := prove(theirs); !errors.Is(err, standards.ErrForeignKey) {
			t.Errorf("a foreign key: %v", err)
		}
	})
}

// guard: a database from before canaries is asked for its signing keys
func TestSEC138_AKeyFileOfSomebodyElseBeforeThereWereCanaries(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ours, theirs := secret.NewKeys(time.Now()), secret.NewKeys(time.Now())
		err := within(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO signing_keys (id, algorithm, sealed, created_at, active_from, retired_at) VALUES ('k', 'ES256', $1, 1, 1, 0)`,
				ours.Seal([]byte("x"), "signing_keys", "sealed", "k"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			keys *secret.Keys
			want error
		}{{theirs, standards.ErrForeignKey}, {ours, nil}, {theirs, standards.ErrForeignKey}} {
			if err := within(t, d, func(ctx context.Context, tx *db.Tx) error { return standards.Prove(ctx, tx, c.keys) }); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		}
	})
}
