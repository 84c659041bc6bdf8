package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/people"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// outcome is what a sign-in comes to right after the password, in one line, and how many statements that took.
func (r *rig) outcome(address string) (what string, statements int64) {
	r.t.Helper()
	before := r.DB.Statements()
	step, err := r.signIn.SubmitPassword(r.t.Context(), firststep.Attempt{
		Email:    address,
		Password: rightPassword,
		ClientID: client.PortalID,
		Visitor:  visitor,
	})
	statements = r.DB.Statements() - before
	if err != nil {
		r.t.Fatalf("%s: %v", address, err)
	}
	switch step := step.(type) {
	case signin.AnswerCode:
		return fmt.Sprint("asks for ", step.Kind, step.Others, step.ForSetUp, step.Because), statements
	case signin.SetUpMethod:
		return fmt.Sprint("sets up ", step.Kinds), statements
	case signin.Over:
		return "over: " + step.Reason, statements
	case signin.Done:
		return fmt.Sprint("done ", step.Method), statements
	}
	return fmt.Sprintf("%T", step), statements
}

func (r *rig) outcomes(addresses []string) (what []string, statements []int64) {
	for _, address := range addresses {
		w, n := r.outcome(address)
		what, statements = append(what, w), append(statements, n)
	}
	return what, statements
}

// rules gives the company the rules that it has.
func (r *rig) rules(on bool, methods tenant.Methods) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		if err := tenant.SetMethods(ctx, tx, methods); err != nil || !on {
			return err
		}
		return tenant.SwitchOn(ctx, tx)
	})
}

func (r *rig) try(s tenant.Shadow) {
	r.t.Helper()
	c := &company.Service{DB: r.DB, Gate: r.Gate, Notifier: r.people.Notifier, Bindable: r.Bindable}
	if err := c.Try(r.t.Context(), access.Server, "acme", s); err != nil {
		r.t.Fatal(err)
	}
}

// found are the addresses in a trial's results.
func (r *rig) found(v people.SavedView) (out []string) {
	r.t.Helper()
	p, err := r.people.Search(r.t.Context(), access.Server, "acme", people.Search{View: v, Limit: 500})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range p.People {
		out = append(out, l.User.Email)
	}
	return out
}

// TestAIR18_ATrialChangesNoSignIn: with any rules, and any others on trial, each sign-in comes to what it comes to
// without a trial. A trial costs one statement at the most.
func TestAIR18_ATrialChangesNoSignIn(t *testing.T) {
	each(t, func(r *rig) {
		all := slices.DeleteFunc(r.seed(2*len(defects)), func(address string) bool {
			return strings.Contains(address, "invited") || strings.HasPrefix(address, "closed")
		})
		written := 0
		for _, present := range []struct {
			on      bool
			methods tenant.Methods
		}{{false, ""}, {true, "email"}, {true, "totp"}} {
			r.rules(present.on, present.methods)
			r.try(tenant.Shadow{})
			r.outcomes(all) // what is stored at the first sign-in of all is stored
			want, cost := r.outcomes(all)
			for _, methods := range []tenant.Methods{"", "totp", "email"} {
				r.at = r.at.Add(time.Hour) // budgets of mails recover
				r.try(tenant.Shadow{Methods: methods, From: r.at, Until: r.at.Add(24 * time.Hour)})
				got, withTrial := r.outcomes(all)
				again, afterwards := r.outcomes(all)
				for i, address := range all {
					if got[i] != want[i] || again[i] != want[i] {
						t.Errorf("%+v, trying %q: %s: %s, then %s, and without a trial %s",
							present, methods, address, got[i], again[i], want[i])
					}
					if withTrial[i] > cost[i]+1 || afterwards[i] > cost[i]+1 {
						t.Errorf("%+v, trying %q: %s: %d statements, then %d; without %d", present, methods, address,
							withTrial[i], afterwards[i], cost[i])
					}
					if withTrial[i] > cost[i] {
						written++
					}
				}
			}
		}
		if written == 0 {
			t.Error("no trial found anything")
		}
	})
}

// TestAIR18_ATrialOfRolesAsksOnlyThem: the rules on trial concern the roles that they name, and no one else.
func TestAIR18_ATrialOfRolesAsksOnlyThem(t *testing.T) {
	each(t, func(r *rig) {
		r.addPeople("owner@people.example", "agent@people.example")
		r.mark("owner", "role", string(user.Owner))
		all := []string{"agent@people.example", "owner@people.example"}
		for roles, want := range map[tenant.Roles][]string{"": all, tenant.Shortest: all[1:]} {
			r.at = r.at.Add(time.Hour)
			r.try(tenant.Shadow{Methods: "totp", Roles: roles, From: r.at, Until: r.at.Add(time.Hour)})
			r.outcomes(all)
			got := r.found(people.TrialSetUp)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%q: the trial found %v, and concerns %v", roles, got, want)
			}
		}
	})
}

// TestAIR18_ATrialFindsWhomTheRulesWouldStop: of those who sign in during a trial, it finds the ones whom the report
// predicts, and says nothing of the time before and after.
func TestAIR18_ATrialFindsWhomTheRulesWouldStop(t *testing.T) {
	each(t, func(r *rig) {
		all := slices.DeleteFunc(r.seed(2*len(defects)), func(address string) bool {
			return strings.Contains(address, "invited") || strings.HasPrefix(address, "closed")
		})
		begins := r.at.Add(time.Hour)
		r.try(tenant.Shadow{Methods: "totp", From: begins, Until: begins.Add(time.Hour)})
		r.outcomes(all) // too early
		if n := len(r.found(people.TrialAsked)) + len(r.found(people.TrialStopped)); n > 0 {
			t.Errorf("%d people before it began", n)
		}
		r.at = begins
		r.outcomes(all)
		r.at = begins.Add(30 * time.Minute)
		var want, setUp []string
		coming := people.Coming{Methods: "totp"}
		for _, address := range r.predicted(coming) {
			if !strings.HasPrefix(address, "bounce") { // what becomes of a mail that is not sent, no one knows
				want = append(want, address)
			}
		}
		got := r.found(people.TrialStopped)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || len(want) < 5 {
			t.Errorf("the trial found %v, and predicted are %v", got, want)
		}
		setUp = r.found(people.TrialSetUp)
		if !slices.Contains(setUp, all[1]) || !slices.Contains(r.found(people.TrialAsked), "app.008@people.example") {
			t.Errorf("set up %v, asked %v", setUp, r.found(people.TrialAsked))
		}
		report, err := r.Check(t.Context(), access.Server, "acme", nil)
		if err != nil || !report.Tenant.Shadow.Active(report.Now) || !report.Tenant.Shadow.From.Equal(begins) {
			t.Errorf("%+v, %v", report.Tenant.Shadow, err)
		}
		r.at = begins.Add(time.Hour)
		r.exec(`DELETE FROM shadow_results WHERE tenant_id = $1`)
		r.outcomes(all)
		if n := len(r.found(people.TrialAsked)) + len(r.found(people.TrialStopped)); n > 0 {
			t.Errorf("%d people after its end", n)
		}
	})
}
