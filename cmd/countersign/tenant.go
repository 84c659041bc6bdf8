package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/company"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TenantCmd is about companies.
type TenantCmd struct {
	Create   TenantCreateCmd   `cmd:"" help:"Add a company."`
	Set      TenantSetCmd      `cmd:"" help:"Change a company."`
	Branding TenantBrandingCmd `cmd:"" help:"Show or change how pages and mails look for a company."`
	Show     TenantShowCmd     `cmd:"" help:"Show one company."`
	List     TenantListCmd     `cmd:"" help:"List all companies."`
}

// decisions are what the vendor and the owner may decide about a company.
type decisions struct {
	Mandate       *string  `help:"The vendor's decision: mandatory, default_on, default_off or inherit."`
	MandateFrom   string   `help:"From when it holds: 2027-01-31 or 2027-01-31T08:00:00Z. Default: at once."`
	Switch        string   `enum:"on,off," default:"" help:"The company's own switch: on or off."`
	RememberDays  *int     `help:"How long browsers may be remembered: 0 to 30 days, -1 as the installation says."`
	Methods       *string  `help:"The second steps that the company allows: passkey, totp, push, sms, email, backup, or all."`
	VendorMethods *string  `help:"The second steps that the vendor lets the company allow at the most, or all."`
	VendorDays    *int     `name:"vendor-remember-days" help:"How long the vendor lets the company remember browsers at the most: 0 to 30 days, -1 as the installation says."`
	Choice        string   `enum:"required,adaptive,optional," default:"" help:"Where it is on: required of everyone, of everyone where a sign-in is unusual (adaptive), or optional for each user."`
	Roles         *string  `help:"The roles that it is required of: owner,admin,supervisor, or all. A list has owner and admin in it; people in other roles decide for themselves."`
	CoverApps     *string  `placeholder:"APPS" help:"The apps in which it is required although the vendor exempts them: ids with commas between them, or none."`
	SMSCountries  *string  `name:"sms-countries" help:"Whose telephone numbers the company takes, of those in sms.countries: DE,ES, or all."`
	LockAfter     *int     `help:"After how many wrong passwords or codes an account is locked: 3 to 20, at most limits.lock_after_max; 0: as the installation says."`
	LockMinutes   *int     `help:"For how many minutes it is locked: 1 to 60."`
	Network       []string `sep:"none" placeholder:"NETWORK" help:"A network that people may sign in from, with a comment after a space: '203.0.113.0/24 Lisbon'. Repeat it for each; they replace those of before. 'any': from anywhere."`
	NetworkScope  *string  `help:"Whom the networks concern: everyone, administrators, or apps (everyone, but not on our own pages)."`
	StepDays      *int     `name:"steps-days" help:"With --switch on: ask people in three steps, so many days apart: 1 to 14. 0: ask everyone now."`
	StepStop      *int     `name:"steps-stop" help:"Above how many percent of those asked who could not sign in no further step begins: 1 to 100; 0: no limit."`
	SetUpBy       *string  `help:"Until then a code by email is enough for people without a method; at most 90 days ahead; empty: none."`
	SetUpDays     *int     `help:"How many days newcomers have from their first sign-in to set up a method: 1 to 90; 0: no time of their own."`
	SetUpLaters   *int     `help:"How many sign-ins someone may finish before they set up a method: 1 to 10; 0: no limit. What is used stays used."`
}

// changes reads the decisions. installation is the list of countries that a company may narrow.
func (d decisions) changes(installation []string) (c company.Changes, err error) {
	if d.Mandate != nil {
		m, err := mandate(*d.Mandate, d.MandateFrom)
		if err != nil {
			return c, err
		}
		c.Mandate = &m
	}
	if d.Switch != "" {
		on := d.Switch == "on"
		c.On = &on
	}
	if d.SMSCountries != nil {
		list, err := company.ParseCountries(*d.SMSCountries, installation)
		if err != nil {
			return c, err
		}
		c.SMSCountries = &list
	}
	c.VendorDays = d.VendorDays
	c.StepDays, c.StepStop = d.StepDays, d.StepStop
	c.RememberDays, c.SetUpDays, c.SetUpLaters = d.RememberDays, d.SetUpDays, d.SetUpLaters
	if c.Lock, err = d.lock(); err != nil {
		return c, err
	}
	if err := d.networkChanges(&c); err != nil {
		return c, err
	}
	return c, d.methodChanges(&c)
}

// apps reads the exempt apps in which the company requires a second step.
func (d decisions) apps() *tenant.Apps {
	if d.CoverApps == nil {
		return nil
	}
	apps := tenant.MakeApps(strings.FieldsFunc(*d.CoverApps, func(r rune) bool { return r == ',' || r == ' ' }))
	if apps == "none" {
		apps = ""
	}
	return &apps
}

// networkChanges reads where people may sign in from.
func (d decisions) networkChanges(c *company.Changes) error {
	if len(d.Network) > 0 {
		text := strings.Join(d.Network, "\n")
		if text == "any" {
			text = ""
		}
		networks, err := tenant.Networks(text).Clean()
		if err != nil {
			return err
		}
		c.Networks = &networks
	}
	if d.NetworkScope == nil {
		return nil
	}
	scope, err := tenant.ParseScope(*d.NetworkScope)
	c.NetworkScope = &scope
	return err
}

// lock reads how accounts are locked. Both numbers belong together.
func (d decisions) lock() (*tenant.AccountLock, error) {
	switch {
	case d.LockAfter == nil && d.LockMinutes == nil:
		return nil, nil
	case d.LockAfter != nil && *d.LockAfter == 0 && d.LockMinutes == nil:
		return &tenant.AccountLock{}, nil
	case d.LockAfter == nil || d.LockMinutes == nil:
		return nil, errors.New("name both --lock-after and --lock-minutes, or --lock-after 0")
	}
	l := tenant.AccountLock{After: *d.LockAfter, Minutes: *d.LockMinutes}
	return &l, l.Check()
}

// methodChanges reads what the company allows, who decides, and until when.
func (d decisions) methodChanges(c *company.Changes) error {
	if d.Methods != nil {
		m, err := policy.ParseMethods(*d.Methods)
		if err != nil {
			return err
		}
		c.Methods = &m
	}
	if d.VendorMethods != nil {
		m, err := policy.ParseMethods(*d.VendorMethods)
		if err != nil {
			return err
		}
		c.VendorMethods = &m
	}
	if d.Choice != "" {
		choice, err := tenant.ParseChoice(d.Choice)
		if err != nil {
			return err
		}
		c.Choice = &choice
	}
	if d.Roles != nil {
		roles, err := tenant.ParseRoles(*d.Roles)
		if err != nil {
			return err
		}
		c.Roles = &roles
	}
	c.Apps = d.apps()
	if d.SetUpBy == nil {
		return nil
	}
	var by time.Time
	if *d.SetUpBy != "" {
		var err error
		if by, err = instant(*d.SetUpBy); err != nil {
			return err
		}
	}
	c.SetUpBy = &by
	return nil
}

func shownMethods(m tenant.Methods) string {
	if m == "" {
		return "all"
	}
	return string(m)
}

func mandate(mode, from string) (m tenant.Mandate, err error) {
	if m.Mode, err = tenant.ParseMode(mode); err != nil || from == "" {
		return m, err
	}
	m.From, err = instant(from)
	return m, err
}

// TenantCreateCmd adds a company.
type TenantCreateCmd struct {
	ID   string `help:"An id of your own: 3 to 40 small letters, digits and hyphens. Default: a new one."`
	Name string `required:"" help:"The name people read."`
	decisions
}

// Run adds the company and prints its id.
func (c TenantCreateCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		decided, err := c.changes(h.Config.SMS.Countries)
		if err != nil {
			return err
		}
		t, err := h.Company.Create(ctx, access.Server, company.New{ID: c.ID, Name: c.Name, Changes: decided})
		if err == nil {
			env.say(tenantOf(t), "Created company %s (%s).\n", t.Name, t.ID)
		}
		return err
	})
}

// TenantSetCmd changes a company.
type TenantSetCmd struct {
	Tenant        string `arg:"" help:"Id or name."`
	Name          string `help:"A new name."`
	Suspend       bool   `help:"Stop every sign-in and session of the company."`
	Resume        bool   `help:"Lift a suspension."`
	StepsContinue bool   `help:"Continue the steps in which two-factor authentication is turned on, after they were stopped."`
	Yes           bool   `short:"y" help:"Do not ask before people are shut out."`
	decisions
}

// Run changes what was asked for.
func (c TenantSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	if c.Suspend {
		if err := confirm(c.Yes,
			"Suspend "+c.Tenant+
				"? No one there can sign in until you resume it, and everyone's sessions end for good."); err != nil {
			return err
		}
	}
	return env.within(ctx, func(h *app.Core) error {
		wanted, err := c.wanted(h.Config.SMS.Countries)
		if err != nil {
			return err
		}
		if wanted.Methods != nil {
			stranded, err := h.Company.StrandedBy(ctx, access.Server, c.Tenant, *wanted.Methods)
			if err != nil {
				return err
			}
			if err := confirmStranding(c.Yes, stranded); err != nil {
				return err
			}
		}
		if wanted.Networks != nil {
			outside, err := h.Company.OutsideOf(ctx, access.Server, c.Tenant, *wanted.Networks)
			if err != nil {
				return err
			}
			if err := confirmOutsiders(c.Yes, outside); err != nil {
				return err
			}
		}
		t, err := h.Company.Change(ctx, access.Server, c.Tenant, wanted)
		if err == nil {
			env.say(changeDocument{t.ID, what}, "Changed %s: %s.\n", c.Tenant, what)
		}
		return err
	})
}

// wanted reads all that is to be changed.
func (c TenantSetCmd) wanted(countries []string) (company.Changes, error) {
	wanted, err := c.changes(countries)
	wanted.StepsContinue = c.StepsContinue
	if c.Name != "" {
		wanted.Name = &c.Name
	}
	if c.Suspend || c.Resume {
		suspended := !c.Resume
		wanted.Suspended = &suspended
	}
	return wanted, err
}

// TenantShowCmd shows one company.
type TenantShowCmd struct {
	Tenant string `arg:"" help:"Id or name."`
}

// Run prints a company.
func (c TenantShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		t, err := h.Company.Find(ctx, access.Server, c.Tenant)
		if err == nil {
			printTenant(env, t)
		}
		return err
	})
}

func printTenant(env *Env, t tenant.Tenant) {
	mode := string(t.Mandate.Mode)
	if mode == "" {
		mode = "inherit"
	}
	days := "as the installation says"
	if t.RememberDays != tenant.InheritDays {
		days = fmt.Sprint(t.RememberDays)
	}
	limit := fmt.Sprintf("at most %d days", t.Ceiling.Days.Days())
	if t.Ceiling.Days.Days() == tenant.InheritDays {
		limit = "as for all companies"
	}
	env.say(tenantOf(t),
		"id            %s\nname          %s\nkind          %s\nmandate       %s from %s\nswitched on   %s\nswitched off  %s\nremember days %s\nmethods       %s\nvendor allows %s; browsers %s\nchoice        %s\nroles         %s\ncovers        %s\nsms countries %s\nset up by     %s\nnewcomers     %s\nlaters        %s\nsteps         %s\naccount lock  %s\nnetworks      %s\nsuspended     %s\ncreated       %s\n",
		t.ID, t.Name, t.Kind, mode, shown(t.Mandate.From), shown(t.SwitchedOnAt), shown(t.SwitchedOffAt), days,
		shownMethods(t.Methods), shownMethods(t.Ceiling.Methods), limit, shownChoice(t.Choice), shownRoles(t.Roles),
		cmp.Or(string(t.Apps), "no app that the vendor exempts"),
		shownCountries(t.SMSCountries),
		shown(t.SetUpBy),
		shownNumber(t.SetUpDays, "no time of their own", "days"), shownNumber(t.SetUpLaters, "no limit", "sign-ins"),
		shownSteps(t.Steps),
		shownLock(t.Lock), shownNetworks(t), shown(t.SuspendedAt), t.CreatedAt.Format(time.RFC3339))
}

// TenantListCmd lists companies.
type TenantListCmd struct{}

// Run prints a line for each.
func (TenantListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		var after tenant.Place
		for {
			page, err := h.Company.List(ctx, access.Server, after, pageSize)
			if err != nil {
				return err
			}
			for _, t := range page {
				env.say(tenantOf(t), "%-40s %s\n", t.ID, t.Name)
				after = tenant.Place{Name: t.Name, ID: t.ID}
			}
			if len(page) < pageSize {
				return nil
			}
		}
	})
}

// pageSize is how many lines of a list are read from the database at once.
const pageSize = 500

func shownChoice(c tenant.Choice) string {
	if c == tenant.Required {
		return "required"
	}
	return string(c)
}

func shownRoles(r tenant.Roles) string {
	if r == "" {
		return "all"
	}
	return string(r)
}

func shownNetworks(t tenant.Tenant) string {
	if t.Networks == "" {
		return "any"
	}
	scope := t.NetworkScope
	if scope == tenant.EveryoneEverywhere {
		scope = "everyone"
	}
	return fmt.Sprintf("for %s: %s", scope, strings.ReplaceAll(string(t.Networks), "\n", "; "))
}

func shownNumber(n int, none, unit string) string {
	if n == 0 {
		return none
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func shownLock(l tenant.AccountLock) string {
	if !l.IsSet() {
		return "as the installation says"
	}
	return fmt.Sprintf("after %d failures, for %d minutes", l.After, l.Minutes)
}

func shownCountries(c tenant.Countries) string {
	if c == "" {
		return "as the installation says"
	}
	return string(c)
}
