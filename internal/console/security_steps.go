package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// stepsView is how far a company is that turns on two-factor authentication in steps.
type stepsView struct {
	Shown     bool
	MayChange bool
	Stopped   time.Time // zero: they were not
	StopAt    int       // percent; 0 = no limit
	Rows      []stepRow
	Asked     int // people, since it was turned on or the steps were continued
	Failed    int // of them could not sign in
}

// stepRow is one step; Title is a catalogue key.
type stepRow struct {
	Title  string
	From   time.Time
	Begun  bool
	Waits  bool      // the steps were stopped before it
	Resume time.Time // Waits: when it begins if they are continued now
}

// stepKeys are the catalogue keys of whom each step reaches.
var stepKeys = []string{"console.steps.first", "console.steps.second", "console.steps.third"}

func (a *administrator) stepsView(o company.Overview) stepsView {
	s := o.Steps
	out := stepsView{
		Shown:     s.Shown,
		MayChange: a.May(access.SwitchOn, a.own()),
		Stopped:   o.Tenant.Steps.StoppedAt,
		StopAt:    o.Tenant.Steps.StopAt,
		Asked:     s.Asked.People,
		Failed:    s.Asked.Failed,
	}
	continued := o.Tenant
	continued.Steps = o.Tenant.Resumed(s.SeenAt)
	for i, from := range s.Starts {
		row := stepRow{Title: stepKeys[i], From: from, Begun: i < s.Begun}
		if row.Waits = !row.Begun && !out.Stopped.IsZero(); row.Waits {
			row.Resume = continued.StepStart(tenant.FirstStep + i)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// setSteps starts two-factor authentication for everyone now, or continues steps that were stopped.
func (c *Console) setSteps(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SwitchOn, a.own()); err != nil {
		return err
	}
	changes := company.Changes{Seen: seen(r, access.SwitchOn)}
	atOnce, done, yours := 0, "everyone", "console.steps.everyone"
	switch r.PostForm.Get("do") {
	case "everyone":
		changes.StepDays = &atOnce
	case "continue":
		changes.StepsContinue, done, yours = true, "continued", "console.steps.continue"
	default:
		return fault.New(fault.Invalid, "error.malformed")
	}
	if _, err := c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: stepsSaid(o.Tenant), Yours: key(yours)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done="+done)
}

func stepsSaid(t tenant.Tenant) []said {
	switch {
	case t.Steps.Days == 0:
		return key("console.steps.at_once")
	case !t.Steps.StoppedAt.IsZero():
		return key("console.steps.stopped_short")
	}
	return []said{{Key: "console.steps.apart", Count: t.Steps.Days}}
}

// What the wizard suggests.
const (
	suggestedStepDays = "3"
	suggestedStepStop = "10" // percent
)

// inSteps is the value of the form field that chooses steps.
const inSteps = "three"

// readSteps reads how many days lie between the steps and above how many percent they stop; no limit is empty.
func (f choiceForm) readSteps(out *company.Choices) error {
	if f.Steps != inSteps {
		return nil
	}
	days, err := strconv.Atoi(strings.TrimSpace(f.StepDays))
	if err != nil || days < 1 {
		return fault.New(fault.Invalid, "tenant.step_days")
	}
	out.StepDays = days
	if percent := strings.TrimSpace(f.StepStop); percent != "" {
		if out.StepStop, err = strconv.Atoi(percent); err != nil {
			return fault.New(fault.Invalid, "tenant.step_stop")
		}
	}
	return nil
}

// mountSteps is beside the other changes of the overview.
func (c *Console) mountSteps(mux *web.Mux) {
	mux.Post("/company/security/steps", c.withRecentProof(c.setSteps))
}
