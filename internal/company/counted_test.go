package company_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestWhatIsCountedInTheBackgroundIsTheSame as what is counted while someone waits: no one waits for it in a company
// with many people, and each question has an answer of its own. guard: Fully
func TestWhatIsCountedInTheBackgroundIsTheSame(t *testing.T) {
	each(t, func(r *rig) {
		owner, operator := r.person("acme", user.Owner), r.person("vendor", user.Operator)
		r.accepted(owner, authenticator.TOTP)
		owner = gatetest.SignIn(t, r.DB, "acme", owner.UserID, authenticator.Password, authenticator.TOTP)
		r.accepted(r.person("acme", user.Agent), authenticator.Email)
		r.delivered("mail.example")
		soon := tenant.Mandate{Mode: tenant.Mandatory, From: r.at.AddDate(0, 0, 20)}
		for name, ask := range map[string]func(context.Context) (any, error){
			"a plan": func(ctx context.Context) (any, error) {
				return r.PlanActivation(ctx, owner, company.Choices{Methods: "email totp", Choice: tenant.Required})
			},
			"another plan": func(ctx context.Context) (any, error) {
				return r.PlanActivation(ctx, owner, company.Choices{Methods: "totp", Choice: tenant.Required})
			},
			"stranded": func(ctx context.Context) (any, error) { return r.StrandedBy(ctx, owner, "acme", "totp") },
			"by methods": func(ctx context.Context) (any, error) {
				return r.WeakenedByMethods(ctx, owner, "acme", "email")
			},
			"by days": func(ctx context.Context) (any, error) { return r.WeakenedByDays(ctx, owner, "acme", 30) },
			"sharing": func(ctx context.Context) (any, error) { return r.Sharing(ctx, owner, "acme", "") },
			"a decision": func(ctx context.Context) (any, error) {
				return r.PlanDecision(ctx, operator, "acme",
					company.Decision{Mandate: soon, Methods: "totp", RememberDays: tenant.InheritDays})
			},
			"one for all": func(ctx context.Context) (any, error) {
				return r.PlanDecision(ctx, operator, "",
					company.Decision{Mandate: soon, RememberDays: tenant.MaxRememberDays})
			},
			"delivery": func(ctx context.Context) (any, error) {
				out, err := r.Delivery(ctx, operator)
				if out.At.Counting() {
					err = people.ErrCounting
				}
				out.At = people.AsOf{}
				return out, err
			},
		} {
			r.People.Counter = nil
			want, err := ask(t.Context())
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			r.inBackground(name, want, ask)
		}
	})
}

// inBackground asks until there is an answer, which is to be what is wanted.
func (r *rig) inBackground(name string, want any, ask func(context.Context) (any, error)) {
	r.t.Helper()
	r.People.Counter = people.NewCounter(r.DB, slog.New(slog.DiscardHandler), 0)
	defer r.People.Counter.Close()
	got, err := ask(r.t.Context())
	if !errors.Is(err, people.ErrCounting) {
		r.t.Errorf("%s, at first: %+v, %v", name, got, err)
	}
	for end := time.Now().Add(20 * time.Second); errors.Is(err, people.ErrCounting); got, err = ask(r.t.Context()) {
		if time.Now().After(end) {
			r.t.Fatalf("%s is never counted", name)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		r.t.Errorf("%s: %+v, not %+v, %v", name, got, want, err)
	}
}

// delivered adds an hour in which messages went to a mail domain.
func (r *rig) delivered(domain string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO delivery_hours (tenant_id, channel, destination, hour, accepted, delivered, delayed, bounced,
				failed, timed, within_2, within_10, within_30, within_60, within_300, last_problem)
			VALUES ($1, 'email', $2, $3, 5, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, '')`,
			tx.Tenant, domain, tx.Now.Truncate(time.Hour))
		return err
	})
}
