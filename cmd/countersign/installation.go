package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// InstallationCmd is about the vendor's own settings.
type InstallationCmd struct {
	Show InstallationShowCmd `cmd:"" help:"Show the settings."`
	Set  InstallationSetCmd  `cmd:"" help:"Change settings."`
}

// InstallationShowCmd prints the settings.
type InstallationShowCmd struct{}

// Run prints them.
func (InstallationShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			i, err := tenant.LoadInstallation(ctx, tx)
			if err == nil {
				env.say(installationOf(i), "name          %s\nmandate       %s from %s\nremember days %d\nmethods       %s\nsupport       %s %s %s\naccent        %s\nlogo          %s\nset up        %s\n",
					i.Name, i.Mandate.Mode, shown(i.Mandate.From), i.RememberDays, shownMethods(i.Methods), i.SupportEmail, i.SupportURL, i.SupportPhone, shownAccent(i.Accent), cmp.Or(i.LogoHash, none), shown(i.SetUpAt))
			}
			return err
		})
	})
}

// InstallationSetCmd changes settings; what is not named stays.
type InstallationSetCmd struct {
	Name         string  `help:"The vendor's name, on every page and mail."`
	SupportEmail *string `help:"Where people find help."`
	SupportURL   *string `name:"support-url" help:"Where people find help."`
	SupportPhone *string `help:"Where people find help."`
	Mandate      string  `help:"What companies inherit: mandatory, default_on or default_off."`
	MandateFrom  string  `help:"From when it holds: 2027-01-31 or 2027-01-31T08:00:00Z. Default: at once."`
	RememberDays *int    `help:"The longest that any browser may be remembered: 0 to 30 days."`
	Methods      *string `help:"The second steps that companies may allow: passkey, totp, push, sms, email, backup, or all."`
	Logo         *string `placeholder:"FILE" help:"Your logo in place of ours: a PNG of at most 256 KiB, 16 to 1024 pixels on a side; 'none' removes it."`
	Accent       *string `placeholder:"#RRGGBB" help:"Your colour in place of ours; pages use a tone of it that can be read. 'none' removes it."`
	Why          *string `help:"Your own words about why a second step is asked; empty removes them."`
	Language     string  `default:"en" enum:"en,es" help:"Language of --why."`
	Yes          bool    `short:"y" help:"Do not ask before people are shut out."`
}

// Run changes what was asked for, in one transaction.
func (c InstallationSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		if c.Methods != nil {
			companies, err := narrowingOfAll(ctx, h, *c.Methods)
			if err != nil {
				return err
			}
			if err := confirmNarrowing(ctx, h, c.Yes, companies); err != nil {
				return err
			}
		}
		err := h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			i, err := tenant.LoadInstallation(ctx, tx)
			if err != nil {
				return err
			}
			if err := c.change(&i); err != nil {
				return err
			}
			if err := c.changeLogo(ctx, tx); err != nil {
				return err
			}
			if c.Why != nil {
				if err := tenant.SetWhy(ctx, tx, c.Language, *c.Why); err != nil {
					return err
				}
			}
			what := fmt.Sprintf("mandate %s from %s, remember %d days, methods %s", i.Mandate.Mode, shown(i.Mandate.From), i.RememberDays, shownMethods(i.Methods))
			if c.Accent != nil {
				what += ", accent " + cmp.Or(i.Accent, none)
			}
			if c.Logo != nil {
				what += ", another logo"
			}
			return note(ctx, tx, tenant.SaveInstallation(ctx, tx, i), audit.InstallationChanged, what)
		})
		if err == nil {
			env.say(changeDocument{db.Installation, what}, "Changed the installation: %s.\n", what)
		}
		return err
	})
}

// none is what removes a logo or an accent.
const none = "none"

func (c InstallationSetCmd) changeLogo(ctx context.Context, tx *db.Tx) error {
	switch {
	case c.Logo == nil:
		return nil
	case *c.Logo == none:
		return tenant.SetLogo(ctx, tx, nil)
	}
	file, err := os.ReadFile(*c.Logo)
	if err != nil {
		return fmt.Errorf("read the logo: %w", err)
	}
	logo, err := tenant.CleanLogo(file)
	if err != nil {
		return err
	}
	return tenant.SetLogo(ctx, tx, logo)
}

// shownAccent is a colour with the tones that pages use.
func shownAccent(accent string) string {
	tones, err := web.TonesOf(accent)
	if err != nil {
		return none
	}
	return fmt.Sprintf("%s (%s on light pages, %s on dark ones)", accent, tones.Light, tones.Dark)
}

func (c InstallationSetCmd) change(i *tenant.Installation) (err error) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&i.SupportEmail, c.SupportEmail)
	set(&i.SupportURL, c.SupportURL)
	set(&i.SupportPhone, c.SupportPhone)
	set(&i.Accent, c.Accent)
	if i.Accent == none {
		i.Accent = ""
	}
	if c.Name != "" {
		i.Name = c.Name
	}
	if c.RememberDays != nil {
		i.RememberDays = *c.RememberDays
	}
	if c.Methods != nil {
		if i.Methods, err = policy.ParseMethods(*c.Methods); err != nil {
			return err
		}
	}
	if c.Mandate != "" {
		i.Mandate, err = mandate(c.Mandate, c.MandateFrom)
	}
	return err
}
