package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// UserBulkCmd does the same to many people.
type UserBulkCmd struct {
	Action       string `arg:"" enum:"invite,remind,exempt,require,sign-out" help:"invite, remind, exempt, require or sign-out."`
	Tenant       string `required:"" help:"Id or name of the company."`
	File         string `xor:"who" required:"" help:"File with one address on each line; - for standard input."`
	View         string `xor:"who" required:"" help:"Everyone in a view of the users page, such as invited or never_signed_in."`
	All          bool   `xor:"who" required:"" help:"Everyone in the company whose account is not disabled."`
	Role         string `help:"Only owner, admin, supervisor or agent."`
	Status       string `enum:",pending,activated,disabled" default:"" help:"Only with this 2FA status: pending, activated or disabled."`
	Until        string `help:"With exempt: date (2027-01-31, midnight UTC) or instant at which the extra time ends."`
	Reason       string `help:"With exempt: why, for the activity log; up to 200 characters."`
	KeepBrowsers bool   `help:"With sign-out: keep remembered browsers."`
	DryRun       bool   `help:"Say what would happen to whom, and change nothing."`
	Yes          bool   `short:"y" help:"Do not ask before sign-out."`
}

// Help says what is done.
func (UserBulkCmd) Help() string {
	return "invite sends people without a password another invitation; remind asks those who have yet to set up a method; exempt " +
		"gives them more time until a date, and require ends that; sign-out ends sessions, unfinished sign-ins and remembered " +
		"browsers. People who can't be reached are named with the reason and don't hold up the others."
}

var bulkKinds = map[string]people.BulkKind{
	"invite":   people.BulkInvite,
	"remind":   people.BulkRemind,
	"exempt":   people.BulkExempt,
	"require":  people.BulkRequire,
	"sign-out": people.BulkSignOut,
}

// Run does it, and fails if someone was not found or not reached.
func (c UserBulkCmd) Run(ctx context.Context, env *Env) error {
	b, err := c.bulk()
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		if (b.Kind == people.BulkInvite || b.Kind == people.BulkRemind) && h.Config.PublicURL == "" {
			return configError{errors.New("public_url is missing: the mail carries a link")}
		}
		plan, err := h.People.PlanBulk(ctx, access.Server, c.Tenant, b)
		if err != nil {
			return err
		}
		r := &bulkReport{env: env, command: c, plan: plan}
		if plan.People > 0 && !c.DryRun {
			if err := r.do(ctx, h.People, b); err != nil {
				return err
			}
		}
		return r.print(b)
	})
}

// bulk reads what is to be done to whom.
func (c UserBulkCmd) bulk() (b people.Bulk, err error) {
	kind := bulkKinds[c.Action]
	b = people.Bulk{
		Kind:     kind,
		All:      c.File == "",
		Browsers: kind == people.BulkSignOut && !c.KeepBrowsers,
		Reason:   c.Reason,
		Named:    true,
	}
	exempts := kind == people.BulkExempt
	switch {
	case exempts && c.Until == "":
		return b, usageError("exempt needs --until")
	case !exempts && (c.Until != "" || c.Reason != ""):
		return b, usageError("--until and --reason are for exempt only")
	case kind != people.BulkSignOut && c.KeepBrowsers:
		return b, usageError("--keep-browsers is for sign-out only")
	case exempts:
		if b.Until, err = instant(c.Until); err != nil {
			return b, usageError(err.Error())
		}
	}
	if !b.All {
		b.Emails, err = c.addresses()
		return b, err
	}
	b.Search, err = c.search()
	return b, err
}

// search reads whom a view and the filters select.
func (c UserBulkCmd) search() (s people.Search, err error) {
	s = people.Search{View: people.SavedView(c.View), Status: policy.Status(c.Status)}
	if views := slices.Concat(people.Views, people.Checks); !slices.Contains(views, s.View) {
		var names []string
		for _, v := range views {
			if v != people.AllPeople && !slices.Contains(names, string(v)) {
				names = append(names, string(v))
			}
		}
		return s, usageError(fmt.Sprintf("%q is not a view: use %s", c.View, strings.Join(names, ", ")))
	}
	if c.Role != "" {
		s.Role, err = user.ParseRole(c.Role)
	}
	return s, err
}

// addresses reads the file: one address on a line; empty lines and those that begin with # are left out.
func (c UserBulkCmd) addresses() (out []string, err error) {
	if c.Role != "" || c.Status != "" {
		return nil, usageError("--role and --status go with --all or --view")
	}
	in, err := UserImportCmd{File: c.File}.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	lines := bufio.NewScanner(io.LimitReader(in, 16<<20))
	for lines.Scan() {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(out) == 0 {
		return nil, usageError("the file is empty")
	}
	return out, nil
}

// bulkReport is what becomes of the people who were chosen.
type bulkReport struct {
	env      *Env
	command  UserBulkCmd
	plan     people.BulkPlan
	id       string // of the action
	outcomes map[string]people.Outcome
	last     time.Time // of the newest progress line
}

// do does what was planned.
func (r *bulkReport) do(ctx context.Context, s *people.Service, b people.Bulk) (err error) {
	if b.Kind == people.BulkSignOut {
		question := fmt.Sprintf("Sign out %d people of %s? It can't be undone.", r.plan.People, r.command.Tenant)
		if err := confirm(r.command.Yes, question); err != nil {
			return err
		}
	}
	if r.id, err = s.StartBulk(ctx, access.Server, r.command.Tenant, b, r.plan.Digest); err != nil {
		return err
	}
	r.outcomes, err = s.FinishBulk(ctx, access.Server, r.command.Tenant, r.id, r.progress)
	return err
}

// progress says how far it is to a person who waits.
func (r *bulkReport) progress(b people.BulkState) {
	if at := now(); isTerminal(os.Stderr) && at.Sub(r.last) >= time.Second {
		r.last = at
		fmt.Fprintf(os.Stderr, "%d of %d people reached\n", r.plan.People-b.Waiting, r.plan.People)
	}
}

// bulkLine is what became of one person, in JSON.
type bulkLine struct {
	Action  string `json:"action"`
	Email   string `json:"email"`
	Outcome string `json:"outcome"` // done, planned, not_found, or why they are left out
}

// bulkDocument is what became of all of them.
type bulkDocument struct {
	Action   string         `json:"action"`
	ID       string         `json:"id"` // as the audit names it; empty where nothing was to do
	Chosen   int            `json:"chosen"`
	Done     int            `json:"done"`
	LeftOut  map[string]int `json:"left_out"`
	NotFound int            `json:"not_found"`
	DryRun   bool           `json:"dry_run"`
}

// print names everyone and counts them.
func (r *bulkReport) print(b people.Bulk) error {
	all := bulkDocument{
		Action:  r.command.Action,
		ID:      r.id,
		Chosen:  r.plan.Matched,
		LeftOut: map[string]int{},
		DryRun:  r.command.DryRun,
	}
	left := 0
	for _, p := range r.plan.Chosen {
		outcome := r.outcomeOf(p)
		r.line(p.User.Email, outcome)
		switch outcome {
		case people.OutcomeDone, outcomePlanned:
			all.Done++
		default:
			all.LeftOut[string(outcome)]++
			left++
		}
	}
	for _, address := range r.notFound(b.Emails) {
		r.line(address, outcomeNotFound)
		all.NotFound++
	}
	verb := "Done"
	if all.DryRun {
		verb = "Dry run, nothing was changed. To do"
	}
	r.env.say(all, "%s: %d. Left out: %d. Not found: %d.\n", verb, all.Done, left, all.NotFound)
	failed := all.LeftOut[string(people.OutcomeFailed)] + all.LeftOut[string(people.OutcomeStopped)] + all.NotFound
	if failed > 0 {
		return fmt.Errorf("people who were not found or not reached: %d", failed)
	}
	return nil
}

// Outcomes that only the command line has.
const (
	outcomePlanned  people.Outcome = "planned"
	outcomeNotFound people.Outcome = "not_found"
)

func (r *bulkReport) outcomeOf(p people.BulkPerson) people.Outcome {
	switch {
	case p.Why != "":
		return p.Why
	case r.command.DryRun:
		return outcomePlanned
	}
	return r.outcomes[p.User.ID]
}

func (r *bulkReport) line(address string, o people.Outcome) {
	r.env.say(bulkLine{r.command.Action, address, string(o)}, "%-40s %s\n", address, outcomeWords[o])
}

// notFound are the addresses that no one of the company has.
func (r *bulkReport) notFound(addresses []string) (out []string) {
	found := map[string]bool{}
	for _, p := range r.plan.Chosen {
		if key, err := user.EmailKey(p.User.Email); err == nil {
			found[key] = true
		}
	}
	for _, address := range addresses {
		if key, err := user.EmailKey(address); err != nil || !found[key] {
			out = append(out, address)
		}
	}
	return out
}

// outcomeWords say what became of one person.
var outcomeWords = map[people.Outcome]string{
	outcomePlanned:               "to do",
	outcomeNotFound:              "not found: no one in this company has this address",
	people.OutcomeDone:           "done",
	people.OutcomeSelf:           "left out: it is their own account",
	people.OutcomeRole:           "left out: not allowed for their role",
	people.OutcomeDisabled:       "left out: the account is disabled",
	people.OutcomeHasPassword:    "left out: has a password already",
	people.OutcomeWithdrawn:      "left out: the invitation was withdrawn; run countersign user invite to invite them again",
	people.OutcomeNotPending:     "left out: has nothing left to set up",
	people.OutcomeNotAccepted:    "left out: has not accepted the invitation",
	people.OutcomeRemindedBefore: "left out: was reminded in the last 24 hours",
	people.OutcomeSignedOut:      "left out: is not signed in anywhere",
	people.OutcomeHadMethod:      "left out: has or had a second factor",
	people.OutcomeNotExempt:      "left out: has no extra time",
	people.OutcomeOften:          "left out: has had too many mails or changes",
	people.OutcomeGone:           "left out: is no longer there",
	people.OutcomeStopped:        "not reached: the action was stopped",
	people.OutcomeFailed:         "failed: see the log",
}

// UserSignOutCmd signs a person out everywhere.
type UserSignOutCmd struct {
	Email        string `arg:"" help:"Address."`
	KeepBrowsers bool   `help:"Keep remembered browsers."`
	Yes          bool   `short:"y" help:"Do not ask."`
}

// Run ends what is open.
func (c UserSignOutCmd) Run(ctx context.Context, env *Env) error {
	if err := confirm(c.Yes, "Sign out "+c.Email+" everywhere? It can't be undone."); err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		err := h.People.SignOut(ctx, access.Server, people.ByEmail(c.Email), !c.KeepBrowsers)
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"signed_out", true}}},
				"Signed out. %s has to sign in again everywhere.\n", c.Email)
		}
		return err
	})
}
