package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TenantCmd is about companies.
type TenantCmd struct {
	Create TenantCreateCmd `cmd:"" help:"Add a company."`
	Set    TenantSetCmd    `cmd:"" help:"Change a company."`
	Show   TenantShowCmd   `cmd:"" help:"Show one company."`
	List   TenantListCmd   `cmd:"" help:"List all companies."`
}

// decisions are what the vendor and the owner may decide about a company.
type decisions struct {
	Mandate      *string `help:"The vendor's decision: mandatory, default_on, default_off or inherit."`
	MandateFrom  string  `help:"From when it holds: 2027-01-31 or 2027-01-31T08:00:00Z. Default: at once."`
	Switch       string  `enum:"on,off," default:"" help:"The company's own switch: on or off."`
	RememberDays *int    `help:"How long browsers may be remembered: 0 to 30 days, -1 as the installation says."`
	Methods      *string `help:"The second steps that the company allows: passkey, totp, push, sms, email, backup, or all."`
	Choice       string  `enum:"required,optional," default:"" help:"Who decides where it is on: required of everybody, or optional for each user."`
	SMSCountries *string `name:"sms-countries" help:"Whose telephone numbers the company takes, of those in sms.countries: DE,ES, or all."`
	SetUpBy      *string `help:"Until then a code by email is enough for people without a method; at most 90 days ahead; empty: none."`
}

// apply records each decision with its audit row, in one transaction. installation is the
// list of countries that a company may narrow.
func (d decisions) apply(ctx context.Context, tx *db.Tx, installation []string) error {
	if d.Mandate != nil {
		m, err := mandate(*d.Mandate, d.MandateFrom)
		if err != nil {
			return err
		}
		if err := note(ctx, tx, tenant.SetMandate(ctx, tx, m), audit.TenantMandate, *d.Mandate+" from "+shown(m.From)); err != nil {
			return err
		}
	}
	switch d.Switch {
	case "on":
		if err := note(ctx, tx, tenant.SwitchOn(ctx, tx), audit.TenantSwitched, "on"); err != nil {
			return err
		}
	case "off":
		if err := note(ctx, tx, tenant.SwitchOff(ctx, tx), audit.TenantSwitched, "off"); err != nil {
			return err
		}
	}
	if d.RememberDays != nil {
		if err := note(ctx, tx, tenant.SetRememberDays(ctx, tx, *d.RememberDays), audit.TenantRememberDays, fmt.Sprint(*d.RememberDays)); err != nil {
			return err
		}
	}
	if err := d.applyCountries(ctx, tx, installation); err != nil {
		return err
	}
	return d.applyMethods(ctx, tx)
}

// applyMethods records what the company allows, who decides, and until when.
func (d decisions) applyMethods(ctx context.Context, tx *db.Tx) error {
	if d.Methods != nil {
		m, err := policy.ParseMethods(*d.Methods)
		if err != nil {
			return err
		}
		if err := note(ctx, tx, tenant.SetMethods(ctx, tx, m), audit.TenantMethods, shownMethods(m)); err != nil {
			return err
		}
	}
	if d.Choice != "" {
		c, err := tenant.ParseChoice(d.Choice)
		if err != nil {
			return err
		}
		if err := note(ctx, tx, tenant.SetChoice(ctx, tx, c), audit.TenantChoice, d.Choice); err != nil {
			return err
		}
	}
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
	return note(ctx, tx, tenant.SetDeadline(ctx, tx, by), audit.TenantDeadline, shown(by))
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

// note records a change that has just been made.
func note(ctx context.Context, tx *db.Tx, err error, action audit.Action, what string) error {
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{Action: action, Result: audit.OK, ActorID: byHand, Reason: what})
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
		var t tenant.Tenant
		err := h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			if t, err = tenant.Create(ctx, tx, c.ID, c.Name, tenant.Company); err != nil {
				return err
			}
			tx = tx.ForTenant(t.ID)
			if err := note(ctx, tx, nil, audit.TenantCreated, t.Name); err != nil {
				return err
			}
			if err := c.apply(ctx, tx, h.Config.SMS.Countries); err != nil {
				return err
			}
			t, err = tenant.ByID(ctx, tx, t.ID)
			return err
		})
		if err == nil {
			env.say(tenantOf(t), "Created company %s (%s).\n", t.Name, t.ID)
		}
		return err
	})
}

// TenantSetCmd changes a company.
type TenantSetCmd struct {
	Tenant  string `arg:"" help:"Id or name."`
	Name    string `help:"A new name."`
	Suspend bool   `help:"Stop every sign-in and session of the company."`
	Resume  bool   `help:"Lift a suspension."`
	Yes     bool   `short:"y" help:"Do not ask before people are shut out."`
	decisions
}

// Run changes what was asked for.
func (c TenantSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	if c.Suspend {
		if err := confirm(c.Yes, "Suspend "+c.Tenant+"? Nobody there can sign in, and their sessions stop working, until you resume it."); err != nil {
			return err
		}
	}
	return env.within(ctx, func(h *app.Core) error {
		if c.Methods != nil {
			companies, err := narrowingOf(ctx, h, c.Tenant, *c.Methods)
			if err != nil {
				return err
			}
			if err := confirmNarrowing(ctx, h, c.Yes, companies); err != nil {
				return err
			}
		}
		var id string
		err := inTenant(ctx, h, c.Tenant, func(ctx context.Context, tx *db.Tx, t tenant.Tenant) error {
			id = t.ID
			return c.change(ctx, tx, h.Config.SMS.Countries)
		})
		if err == nil {
			env.say(changeDocument{id, what}, "Changed %s: %s.\n", c.Tenant, what)
		}
		return err
	})
}

func (c TenantSetCmd) change(ctx context.Context, tx *db.Tx, countries []string) error {
	if c.Name != "" {
		if err := note(ctx, tx, tenant.Rename(ctx, tx, c.Name), audit.TenantRenamed, c.Name); err != nil {
			return err
		}
	}
	if c.Suspend {
		if err := note(ctx, tx, tenant.Suspend(ctx, tx), audit.TenantSuspended, ""); err != nil {
			return err
		}
	}
	if c.Resume {
		if err := note(ctx, tx, tenant.Resume(ctx, tx), audit.TenantResumed, ""); err != nil {
			return err
		}
	}
	return c.apply(ctx, tx, countries)
}

// TenantShowCmd shows one company.
type TenantShowCmd struct {
	Tenant string `arg:"" help:"Id or name."`
}

// Run prints a company.
func (c TenantShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			t, err := tenant.Find(ctx, tx, c.Tenant)
			if err == nil {
				printTenant(env, t)
			}
			return err
		})
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
	env.say(tenantOf(t), "id            %s\nname          %s\nkind          %s\nmandate       %s from %s\nswitched on   %s\nswitched off  %s\nremember days %s\nmethods       %s\nchoice        %s\nsms countries %s\nset up by     %s\nsuspended     %s\ncreated       %s\n",
		t.ID, t.Name, t.Kind, mode, shown(t.Mandate.From), shown(t.SwitchedOnAt), shown(t.SwitchedOffAt), days, shownMethods(t.Methods), shownChoice(t.Choice), shownCountries(t.SMSCountries), shown(t.SetUpBy), shown(t.SuspendedAt), t.CreatedAt.Format(time.RFC3339))
}

// TenantListCmd lists companies.
type TenantListCmd struct{}

// Run prints a line for each.
func (TenantListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			all, err := tenant.List(ctx, tx)
			for _, t := range all {
				env.say(tenantOf(t), "%-40s %s\n", t.ID, t.Name)
			}
			return err
		})
	})
}

func shownChoice(c tenant.Choice) string {
	if c == tenant.Required {
		return "required"
	}
	return string(c)
}
