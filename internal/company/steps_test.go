package company_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func stepDays(days int) company.Changes { return company.Changes{StepDays: &days} }

// startInSteps turns two-factor authentication on in steps, as the command line does.
func (r *rig) startInSteps(days, stop int) {
	r.t.Helper()
	on := true
	changes := company.Changes{
		Mandate:  &tenant.Mandate{Mode: tenant.DefaultOff},
		On:       &on,
		StepDays: &days,
		StepStop: &stop,
	}
	if err := r.change(access.Server, changes); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) acme() tenant.Tenant {
	r.t.Helper()
	found, err := r.Find(r.t.Context(), access.Server, "acme")
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// signIn stores a sign-in of someone of acme that began some time ago.
func (r *rig) signIn(userID string, ago time.Duration, change func(f *flow.Flow)) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		f := flow.Flow{
			ID:          tx.NewID(),
			UserID:      userID,
			TokenHash:   []byte(tx.NewID()),
			ClientID:    "countersign",
			ChallengeID: "c",
			StartedAt:   tx.Now.Add(-ago),
			ExpiresAt:   tx.Now.Add(time.Hour),
		}
		if change != nil {
			change(&f)
		}
		return flow.Store(ctx, tx, f)
	})
}

func finished(f *flow.Flow) {
	f.ClosedAt, f.ClosedBecause = f.StartedAt.Add(time.Minute), flow.Finished
}

func closed(because string) func(*flow.Flow) {
	return func(f *flow.Flow) { f.ClosedAt, f.ClosedBecause = f.StartedAt.Add(time.Minute), because }
}

func (r *rig) agents(n int) (ids []string) {
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			u, err := user.Create(ctx, tx, fmt.Sprintf("agent-%d@many.example", i), "Agent", user.Agent, "en")
			if err != nil {
				return err
			}
			ids = append(ids, u.ID)
		}
		return nil
	})
	return ids
}

func (r *rig) stopAll() {
	r.t.Helper()
	if err := r.StopSteps(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// TestStepsStopWhenTooManyFail: what counts as a failure, and that neither few people nor a share at the limit stop
// anything.
func TestStepsStopWhenTooManyFail(t *testing.T) {
	old := 20 * time.Minute
	failed := func(r *rig, id string) { r.signIn(id, old, nil) }
	for name, c := range map[string]struct {
		people int
		seed   func(r *rig, id string, n int)
		stop   bool
	}{
		"two of five fail": {5, func(r *rig, id string, n int) {
			if n < 2 {
				failed(r, id)
				return
			}
			r.signIn(id, old, finished)
		}, true},
		"two of ten fail, at the limit": {10, func(r *rig, id string, n int) {
			if n < 2 {
				failed(r, id)
				return
			}
			r.signIn(id, old, finished)
		}, false},
		"four of four are too few": {4, func(r *rig, id string, _ int) { failed(r, id) }, false},
		"one person fails often": {5, func(r *rig, id string, n int) {
			if n > 0 {
				r.signIn(id, old, finished)
				return
			}
			for range 9 {
				failed(r, id)
			}
		}, false},
		"they still try": {5, func(r *rig, id string, _ int) { r.signIn(id, 14*time.Minute, nil) }, false},
		"they got in later": {5, func(r *rig, id string, _ int) {
			failed(r, id)
			r.signIn(id, 10*time.Minute, finished)
		}, false},
		"they got in later in a remembered browser": {5, func(r *rig, id string, _ int) {
			failed(r, id)
			r.signIn(id, 10*time.Minute, func(f *flow.Flow) {
				f.ChallengeID = ""
				finished(f)
			})
		}, false},
		"they got in before": {5, func(r *rig, id string, _ int) {
			r.signIn(id, 40*time.Minute, finished)
			failed(r, id)
		}, true},
		"nothing is asked of them": {5, func(r *rig, id string, _ int) {
			r.signIn(id, old, func(f *flow.Flow) { f.ChallengeID = "" })
		}, false},
		"only an administrator can help": {5, func(r *rig, id string, _ int) {
			r.signIn(id, old, func(f *flow.Flow) {
				f.ChallengeID = ""
				closed(flow.NeedsAdmin)(f)
			})
		}, true},
		"it was someone else": {5, func(r *rig, id string, _ int) { r.signIn(id, old, closed(flow.NotMe)) }, false},
		"step-ups": {5, func(r *rig, id string, _ int) {
			r.signIn(id, old, func(f *flow.Flow) { f.SteppingUp = "s" })
		}, false},
		"before it was on": {5, func(r *rig, id string, _ int) { r.signIn(id, 5*time.Hour, nil) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ids := r.agents(c.people)
				r.startInSteps(3, 20)
				r.at = r.at.Add(time.Hour)
				for n, id := range ids {
					c.seed(r, id, n)
				}
				r.stopAll()
				if got := !r.acme().Steps.StoppedAt.IsZero(); got != c.stop {
					t.Errorf("stopped: %v", got)
				}
			})
		})
	}
}

// TestStepsAreStoppedOnce: of several replicas one stops and tells the owners and admins. Continuing forgets the
// failures of before, and a second stop is told again.
//
// guard: tenant.StopSteps, Tenant.CountedFrom
func TestStepsAreStoppedOnce(t *testing.T) {
	each(t, func(r *rig) {
		r.person("acme", user.Owner)
		r.person("acme", user.Admin)
		ids := r.agents(6)
		r.startInSteps(3, 10)
		r.at = r.at.Add(time.Hour)
		fail := func() {
			for _, id := range ids {
				r.signIn(id, 20*time.Minute, nil)
			}
		}
		fail()
		var replicas sync.WaitGroup
		var failures atomic.Int32
		for range 6 {
			replicas.Go(func() {
				if r.StopSteps(t.Context()) != nil {
					failures.Add(1)
				}
			})
		}
		replicas.Wait()
		r.stopAll()
		if got := r.notices("company.steps_stopped"); len(got) != 2 || failures.Load() > 0 {
			t.Fatalf("told %v, and %d replicas failed", got, failures.Load())
		}
		o, err := r.Overview(t.Context(), r.person("acme", user.Owner), "acme")
		if err != nil || !o.Steps.Shown || o.Steps.Begun != 1 || o.Steps.Asked != (flow.Asked{People: 6, Failed: 6}) {
			t.Errorf("%+v, %v", o.Steps, err)
		}

		r.at = r.at.Add(9 * 24 * time.Hour)
		if began := r.acme().StepsBegun(r.at); began != 1 {
			t.Errorf("step %d has begun although they were stopped", began)
		}
		admin := r.person("acme", user.Admin)
		if err := r.change(admin, company.Changes{StepsContinue: true}); err != nil {
			t.Fatal(err)
		}
		r.stopAll()
		now := r.acme()
		if !now.Steps.StoppedAt.IsZero() || now.StepsBegun(r.at) != 2 {
			t.Errorf("continued: %+v in step %d", now.Steps, now.StepsBegun(r.at))
		}
		if err := r.change(admin, company.Changes{StepsContinue: true}); !fault.Is(err, fault.Conflict) {
			t.Errorf("continued twice: %v", err)
		}
		r.at = r.at.Add(time.Hour)
		fail()
		r.stopAll()
		if got := r.notices("company.steps_stopped"); len(got) != 2 {
			t.Errorf("told of the second stop: %v", got)
		}
	})
}

// TestNothingStopsWhereNoStepIsLeft: everyone is asked, the vendor requires it, no limit is set, or it is off.
func TestNothingStopsWhereNoStepIsLeft(t *testing.T) {
	for name, change := range map[string]func(r *rig) company.Changes{
		"all steps have begun": func(r *rig) company.Changes {
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE tenants SET switched_on_at = $1, version = version + 1
					WHERE tenant_id = $2`, tx.Now.Add(-7*24*time.Hour), tx.Tenant)
				return err
			})
			return company.Changes{}
		},
		"no limit": func(*rig) company.Changes { none := 0; return company.Changes{StepStop: &none} },
		"everyone": func(*rig) company.Changes { return stepDays(0) },
		"a mandate": func(*rig) company.Changes {
			return company.Changes{Mandate: &tenant.Mandate{Mode: tenant.Mandatory}}
		},
		"off": func(*rig) company.Changes { off := false; return company.Changes{On: &off} },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				ids := r.agents(6)
				r.startInSteps(3, 10)
				r.at = r.at.Add(time.Hour)
				if err := r.change(access.Server, change(r)); err != nil {
					t.Fatal(err)
				}
				for _, id := range ids {
					r.signIn(id, 20*time.Minute, nil)
				}
				r.stopAll()
				if got := r.acme().Steps.StoppedAt; !got.IsZero() {
					t.Errorf("stopped at %s", got)
				}
			})
		})
	}
}

// TestOnlyWhoTurnsItOnMayChangeTheSteps, and not on top of a change that they have not seen. Steps can't begin once
// people are asked: that would turn it off for them.
//
// guard: access.SwitchOn, Changes.checkSteps, MarkOf
func TestOnlyWhoTurnsItOnMayChangeTheSteps(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		r.startInSteps(3, 10)
		for _, a := range []access.Actor{r.person("acme", user.Supervisor), r.person("acme", user.Agent),
			r.person("other", user.Owner), r.person("vendor", user.Support)} {
			if err := r.change(a, stepDays(0)); err == nil {
				t.Errorf("%s of %s starts for everyone", a.UserID, a.TenantID)
			}
			if err := r.change(a, company.Changes{StepsContinue: true}); err == nil || fault.Is(err, fault.Conflict) {
				t.Errorf("%s of %s continues: %v", a.UserID, a.TenantID, err)
			}
		}
		saw := company.MarkOf(r.acme(), access.SwitchOn)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.StopSteps(ctx, tx, r.acme())
			return err
		})
		outdated := stepDays(0)
		outdated.Seen = company.Marks{access.SwitchOn: saw}
		if err := r.change(admin, outdated); !fault.Is(err, fault.Outdated) {
			t.Errorf("over a stop that they have not seen: %v", err)
		}
		if err := r.change(admin, stepDays(0)); err != nil {
			t.Fatal(err)
		}
		if got := r.acme(); got.InSteps(r.at) || got.Steps != (tenant.Steps{StopAt: 10}) {
			t.Errorf("for everyone: %+v", got.Steps)
		}
		for _, a := range []access.Actor{owner, admin, access.Server} {
			if err := r.change(a, stepDays(3)); !fault.Is(err, fault.Conflict) {
				t.Errorf("steps once everyone is asked: %v", err)
			}
		}
		for _, days := range []int{-1, 15} {
			on := true
			changes := company.Changes{On: &on, StepDays: &days}
			if err := r.change(access.Server, changes); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d days: %v", days, err)
			}
		}
	})
}

// TestStartingAnewHasNoOldSteps: turning it off, and on again, leaves nothing of the steps of before.
func TestStartingAnewHasNoOldSteps(t *testing.T) {
	each(t, func(r *rig) {
		r.startInSteps(3, 10)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.StopSteps(ctx, tx, r.acme())
			return err
		})
		off, on := false, true
		for _, c := range []company.Changes{{On: &off}, {On: &on}} {
			if err := r.change(access.Server, c); err != nil {
				t.Fatal(err)
			}
			if got := r.acme(); got.Steps != (tenant.Steps{}) {
				t.Errorf("%+v", got.Steps)
			}
		}
		r.startInSteps(2, 10)
		if err := r.change(access.Server, company.Changes{On: &on}); err != nil {
			t.Fatal(err)
		}
		if got := r.acme(); got.InSteps(r.at) {
			t.Errorf("turned on again without steps: %+v", got.Steps)
		}
	})
}

// TestThePlanCountsEachStep: the numbers of the summary are those of the people whom policy asks in each step.
func TestThePlanCountsEachStep(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.person("acme", user.Owner)
		r.accepted(owner)
		r.agents(30)
		r.person("acme", user.Supervisor)
		choices := company.Choices{Methods: "email", StepDays: 2, StepStop: 10}
		plan, err := r.PlanActivation(t.Context(), owner, choices)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.People.Search(t.Context(), access.Server, "acme", people.Search{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		want := make([]string, tenant.LastStep)
		for i := range want {
			n := 0
			for _, l := range page.People {
				if policy.StepOf(string(l.User.Role), l.User.ID) <= i+1 {
					n++
				}
			}
			want[i] = fmt.Sprint(r.at.AddDate(0, 0, 2*i), n)
		}
		for i, s := range plan.Steps {
			if got := fmt.Sprint(s.From, s.People); got != want[i] {
				t.Errorf("step %d: %s, want %s", i+1, got, want[i])
			}
		}
		if len(plan.Steps) != 3 {
			t.Errorf("%+v", plan.Steps)
		}
		choices.Choice = tenant.Optional
		if _, err := r.PlanActivation(t.Context(), owner, choices); !fault.Is(err, fault.Invalid) {
			t.Errorf("steps where each person decides: %v", err)
		}
	})
}
