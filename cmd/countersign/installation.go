package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/company"
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
		i, err := h.Company.Installation(ctx, access.Server)
		if err != nil {
			return err
		}
		texts, err := h.Company.WhyTexts(ctx, access.Server)
		if err == nil {
			own := ownWhy(texts)
			env.say(installationOf(i, own), installationText,
				i.Name, i.Mandate.Mode, shown(i.Mandate.From), i.RememberDays, shownMethods(i.Methods),
				i.SupportEmail, i.SupportURL, i.SupportPhone, shownAccent(i.Accent), cmp.Or(i.LogoHash, none),
				cmp.Or(strings.Join(own, ", "), none), shown(i.SetUpAt))
		}
		return err
	})
}

const installationText = `name          %s
mandate       %s from %s
remember days %d
methods       %s
support       %s %s %s
accent        %s
logo          %s
own why text  %s
set up        %s
`

// ownWhy are the languages in which the vendor has words of their own about why a second step is asked.
func ownWhy(texts []tenant.WhyText) []string {
	languages := []string{}
	for _, t := range texts {
		if t.Body != "" {
			languages = append(languages, t.Language)
		}
	}
	return languages
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
	Why          *string `help:"Your own words about why a second step is asked; empty for the built-in ones."`
	Language     string  `default:"en" enum:"en,de,es,fr,pt-BR" help:"Language of --why."`
	Yes          bool    `short:"y" help:"Do not ask before people are shut out."`
}

// Run changes what was asked for, in one transaction.
func (c InstallationSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		wanted, err := c.wanted()
		if err != nil {
			return err
		}
		if wanted.Methods != nil {
			stranded, err := h.Company.StrandedByInstallation(ctx, access.Server, *wanted.Methods)
			if err != nil {
				return err
			}
			if err := confirmStranding(c.Yes, stranded); err != nil {
				return err
			}
		}
		err = h.Company.ChangeInstallation(ctx, access.Server, wanted)
		if err == nil {
			env.say(changeDocument{db.Installation, what}, "Changed the installation: %s.\n", what)
		}
		return err
	})
}

// none is what removes a logo or an accent.
const none = "none"

// wanted reads all that is to be changed.
func (c InstallationSetCmd) wanted() (company.InstallationChanges, error) {
	out := company.InstallationChanges{
		SupportEmail: c.SupportEmail,
		SupportURL:   c.SupportURL,
		SupportPhone: c.SupportPhone,
		RememberDays: c.RememberDays,
		Accent:       c.Accent,
	}
	if c.Name != "" {
		out.Name = &c.Name
	}
	if c.Accent != nil && *c.Accent == none {
		out.Accent = new(string)
	}
	if c.Why != nil {
		out.Why = map[string]string{c.Language: *c.Why}
	}
	if c.Mandate != "" {
		m, err := mandate(c.Mandate, c.MandateFrom)
		if err != nil {
			return out, err
		}
		out.Mandate = &m
	}
	if c.Methods != nil {
		m, err := policy.ParseMethods(*c.Methods)
		if err != nil {
			return out, err
		}
		out.Methods = &m
	}
	return out, c.readLogo(&out)
}

func (c InstallationSetCmd) readLogo(to *company.InstallationChanges) error {
	if c.Logo == nil {
		return nil
	}
	var file []byte
	if *c.Logo != none {
		var err error
		if file, err = os.ReadFile(*c.Logo); err != nil {
			return fmt.Errorf("read the logo: %w", err)
		}
	}
	to.Logo = &file
	return nil
}

// shownAccent is a colour with the tones that pages use.
func shownAccent(accent string) string {
	tones, err := web.TonesOf(accent)
	if err != nil {
		return none
	}
	return fmt.Sprintf("%s (%s on light pages, %s on dark ones)", accent, tones.Light, tones.Dark)
}
