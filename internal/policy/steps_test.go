package policy

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/internal/secret"
	"countersign/internal/tenant"
)

const dayLong = 24 * time.Hour

// inSteps is a person of a company that turned on two-factor authentication in steps, some days ago.
func inSteps(role, id string, ago time.Duration) Input {
	return Input{
		Now:          now,
		Installation: tenant.Mandate{Mode: tenant.DefaultOff},
		Role:         role,
		UserID:       id,
		Tenant: tenant.Tenant{
			Name:         "Acme",
			SwitchedOnAt: now.Add(-ago),
			Steps:        tenant.Steps{Days: 3, StopAt: 10},
		},
	}
}

// TestEachStepReachesAShare: of many ids about one in ten are in the first step, half in the first two, and each person
// is in one. Owners and admins are in the first.
func TestEachStepReachesAShare(t *testing.T) {
	const all = 20000
	reached := map[int]int{}
	for i := range all {
		id := secret.NewID(now, i)
		for _, role := range []string{"owner", "admin", "newer", ""} {
			if StepOf(role, id) != tenant.FirstStep {
				t.Fatalf("a %q is in step %d", role, StepOf(role, id))
			}
		}
		step := StepOf("agent", id)
		if step != StepOf("supervisor", id) {
			t.Fatalf("%s: another role is in another step", id)
		}
		reached[step]++
	}
	if reached[1] < all*8/100 || reached[1] > all*11/100 {
		t.Errorf("%d of %d are in the first step", reached[1], all)
	}
	if two := reached[1] + reached[2]; two < all*48/100 || two > all*52/100 {
		t.Errorf("%d of %d are in the first two steps", two, all)
	}
	for _, odd := range []string{"", "x", "short"} {
		if step := StepOf("agent", odd); step < tenant.FirstStep || step > tenant.LastStep {
			t.Errorf("%q is in step %d", odd, step)
		}
	}
}

// idOf is an id of someone in a step.
func idOf(step int) string {
	for i := 0; ; i++ {
		if id := secret.NewID(now, i); StepOf("agent", id) == step {
			return id
		}
	}
}

// TestStepsBegin: each step begins on its day, a stop keeps later ones from beginning, and continuing begins the next
// at once and the last one as many days later.
//
// guard: Tenant.stepBegun, Input.waitsForStep
func TestStepsBegin(t *testing.T) {
	stopped := func(days time.Duration) func(*tenant.Tenant) {
		return func(t *tenant.Tenant) { t.Steps.StoppedAt = t.SwitchedOnAt.Add(days * dayLong) }
	}
	continued := func(stop, resume time.Duration) func(*tenant.Tenant) {
		return func(t *tenant.Tenant) {
			stopped(stop)(t)
			t.Steps = t.Resumed(t.SwitchedOnAt.Add(resume * dayLong))
		}
	}
	for _, c := range []struct {
		name  string
		days  time.Duration // since it was turned on
		after func(*tenant.Tenant)
		asked int // up to this step
	}{
		{"at first", 0, nil, 1},
		{"before the second day", 2, nil, 1},
		{"on the day of the second step", 3, nil, 2},
		{"before the last", 5, nil, 2},
		{"on the last day", 6, nil, 3},
		{"stopped in the first", 30, stopped(2), 1},
		{"stopped in the second", 30, stopped(4), 2},
		{"stopped as the second begins", 30, stopped(3), 2},
		{"continued late", 10, continued(2, 10), 2},
		{"continued late, before the last", 12, continued(2, 10), 2},
		{"continued late, on its day", 13, continued(2, 10), 3},
		{"continued early", 2, continued(1, 2), 1},
		{"continued early, on the second day", 3, continued(1, 2), 2},
		{"continued in the second", 20, continued(4, 20), 3},
		{"for everyone", 0, func(t *tenant.Tenant) { t.Steps.Days = 0 }, 3},
	} {
		for step := tenant.FirstStep; step <= tenant.LastStep; step++ {
			in := inSteps("agent", idOf(step), c.days*dayLong)
			if c.after != nil {
				c.after(&in.Tenant)
			}
			if got := StatusOf(in); got.Must != (step <= c.asked) || got.Waits == got.Must {
				t.Errorf("%s: step %d: %+v", c.name, step, got)
			}
		}
	}
}

// TestWhoWaitsIsToldFromWhen: the decision and the status say when it begins, or that it was stopped.
func TestWhoWaitsIsToldFromWhen(t *testing.T) {
	in := inSteps("agent", idOf(3), dayLong)
	want := now.Add(5 * dayLong)
	d := Evaluate(in)
	if d.Required || !d.Announced.Equal(want) || d.AnnouncedBy != "Acme" || !said(d, "policy.step_later") {
		t.Errorf("%+v", d)
	}
	if s := StatusOf(in); s.Status != Disabled || !s.From.Equal(want) {
		t.Errorf("%+v", s)
	}
	in.Tenant.Steps.StoppedAt = now
	d = Evaluate(in)
	if d.Required || !d.Announced.IsZero() || !said(d, "policy.step_stopped") {
		t.Errorf("stopped: %+v", d)
	}
	in.Installation = tenant.Mandate{Mode: tenant.Mandatory, From: now.Add(dayLong)}
	in.Tenant.Steps.StoppedAt = time.Time{}
	if d = Evaluate(in); !d.Announced.Equal(now.Add(dayLong)) {
		t.Errorf("the vendor begins before: %+v", d)
	}
}

func said(d Decision, key string) bool {
	for _, r := range d.Because {
		if r.Key == key {
			return true
		}
	}
	return false
}

// drawSteps adds steps to random rules.
func drawSteps(t *rapid.T, in *Input) {
	in.UserID = idOf(rapid.IntRange(1, 3).Draw(t, "step"))
	in.Tenant.Steps = tenant.Steps{
		Days:  rapid.IntRange(0, 3).Draw(t, "step days"),
		Delay: time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * dayLong,
	}
	in.Tenant.Steps.StoppedAt = rapid.SampledFrom([]time.Time{{}, now.Add(-2 * dayLong), now}).Draw(t, "stopped")
	if days := rapid.IntRange(0, 8).Draw(t, "days ago"); days > 0 {
		in.Tenant.SwitchedOnAt = now.Add(-time.Duration(days) * dayLong)
	}
}

// TestStepsOnlyPostpone: someone who waits is treated exactly as where each person decides, and everyone else, and
// everyone under the vendor's mandate, as without steps. So what they chose, a reported password and their account's
// level count while they wait, and no one is asked for more than without steps.
//
// guard: Input.decidesThemself, Input.waitsForStep
func TestStepsOnlyPostpone(t *testing.T) {
	waiting, asked, locked := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		drawSteps(t, &in)
		optional, plain := in, in
		optional.Tenant.Choice, optional.Tenant.Roles, optional.Tenant.Steps = tenant.Optional, "", tenant.Steps{}
		plain.Tenant.Steps = tenant.Steps{}
		got, asOptional, asPlain := Evaluate(in), Evaluate(optional), Evaluate(plain)
		got.Announced, got.AnnouncedBy = asOptional.Announced, asOptional.AnnouncedBy
		switch {
		case in.mandated():
			locked++
			if !reflect.DeepEqual(got, asPlain) {
				t.Fatalf("a mandate looks at the steps: %+v and %+v", got, asPlain)
			}
		case in.waitsForStep():
			waiting++
			if !sameButReasons(got, asOptional) {
				t.Fatalf("who waits: %+v and %+v", got, asOptional)
			}
			if (in.OwnChoice || in.PasswordFlagged) && asPlain.Required && !got.Required {
				t.Fatalf("waiting takes away what was chosen, or a report: %+v", got)
			}
		default:
			asked++
			if !reflect.DeepEqual(got, asPlain) {
				t.Fatalf("who is asked: %+v and %+v", got, asPlain)
			}
		}
		if got.Required && !asPlain.Required {
			t.Fatalf("steps ask for more: %+v and %+v", got, asPlain)
		}
		if got.Protection != asPlain.Protection || got.Required && got.Need.AtLeast(EmailConfirmed) &&
			!got.Need.AtLeast(in.Protection()) {
			t.Fatalf("the level is lower: %+v and %+v", got, asPlain)
		}
	})
	if waiting < 5 || asked < 5 || locked < 5 {
		t.Error(fmt.Sprint(waiting, " wait, ", asked, " do not, ", locked, " under a mandate"))
	}
}
