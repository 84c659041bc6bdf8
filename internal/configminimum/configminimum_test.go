package configminimum_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/configminimum"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
)

func within(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) error {
	t.Helper()
	return d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error { return fn(t.Context(), tx) })
}

// recorded is the subjects of the installation's events with an action, newest first.
func recorded(t *testing.T, d *db.DB, action audit.Action) (out []string) {
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
	return within(t, d, func(ctx context.Context, tx *db.Tx) error { return configminimum.Keep(ctx, tx, l) })
}

// guard: a weaker number is refused and changes nothing
func TestREL24_WeakerThanStored(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		first := config.Default().Limits
		if err := errors.Join(keep(t, d, first), keep(t, d, first)); err != nil {
			t.Fatal(err)
		}
		mixed := first
		mixed.CodeLength, mixed.CodeTTL, mixed.WrongAnswers = 8, 9*time.Minute, 6
		err := keep(t, d, mixed)
		if err == nil || !strings.Contains(err.Error(), "limits.wrong_answers is 6 here and was 5") ||
			strings.Contains(err.Error(), "code_l") {
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
		var weaker configminimum.WeakerError
		if !errors.As(err, &weaker) || len(weaker) != 2 {
			t.Errorf("%v", err)
		}
		if got := strings.Join(recorded(t, d, "configminimum.raised"),
			", "); got != "start: limits.code_ttl 10m to 9m, start: limits.code_length 6 to 8" {
			t.Errorf("recorded %q", got)
		}
	})
}

// guard: an operator may lower a minimum, on record
func TestREL24_WeakerOnRecord(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		strict, loose := config.Default().Limits, config.Default().Limits
		strict.NewCodes = 1
		loose.CodeLength = 8
		if err := keep(t, d, strict); err != nil {
			t.Fatal(err)
		}
		var changed []configminimum.Setting
		err := within(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			changed, err = configminimum.Accept(ctx, tx, loose, "maya")
			return err
		})
		if err != nil || len(changed) != 1 || changed[0].String() != "limits.new_codes 1 to 3" {
			t.Error(changed, err)
		}
		if err := keep(t, d, loose); err != nil {
			t.Error(err)
		}
		if got := strings.Join(recorded(t, d, "configminimum.accepted"), ", "); got != "maya: limits.new_codes 1 to 3" {
			t.Errorf("recorded %q", got)
		}
		if got := strings.Join(recorded(t, d, "configminimum.raised"),
			", "); got != "start: limits.code_length 6 to 8" {
			t.Errorf("recorded %q", got)
		}
	})
}

// guard: the key check opens with the installation's keys only
func TestSEC138_AKeyFileOfSomeoneElse(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ours, theirs := secret.NewKeys(time.Now()), secret.NewKeys(time.Now())
		prove := func(k *secret.Keys) error {
			return within(t, d, func(ctx context.Context, tx *db.Tx) error { return configminimum.Prove(ctx, tx, k) })
		}
		if err := errors.Join(prove(ours), prove(ours)); err != nil {
			t.Fatal(err)
		}
		if err := prove(theirs); !errors.Is(err, configminimum.ErrForeignKey) {
			t.Errorf("a foreign key: %v", err)
		}
	})
}

// guard: a database without a key check is asked for its signing keys
func TestSEC138_AKeyFileOfSomeoneElseBeforeThereWereCanaries(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ours, theirs := secret.NewKeys(time.Now()), secret.NewKeys(time.Now())
		err := within(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx,
				`INSERT INTO signing_keys (id, algorithm, sealed, created_at, active_from, retired_at)
					VALUES ('k', 'ES256', $1, 1, 1, 0)`,
				ours.Seal([]byte("x"), "signing_keys", "sealed", "k"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			keys *secret.Keys
			want error
		}{{theirs, configminimum.ErrForeignKey}, {ours, nil}, {theirs, configminimum.ErrForeignKey}} {
			if err := within(t, d,
				func(ctx context.Context,
					tx *db.Tx) error {
					return configminimum.Prove(ctx, tx, c.keys)
				}); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		}
	})
}
