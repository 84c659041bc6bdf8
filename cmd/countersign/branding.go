package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/company"
	"countersign/internal/tenant"
)

// TenantBrandingCmd shows or changes how the pages of a company look.
type TenantBrandingCmd struct {
	Tenant       string  `arg:"" help:"Id or name."`
	Name         *string `help:"The name that its people see in place of the vendor's; empty: the vendor's."`
	Logo         *string `placeholder:"FILE" help:"Its logo: a PNG or JPEG of at most 512 KiB, 16 to 2000 pixels on a side; 'none' removes it."`
	Accent       *string `placeholder:"#RRGGBB" help:"Its colour; pages use a tone of it that can be read. 'none' removes it."`
	SupportEmail *string `help:"Where its people find help; empty removes it."`
	SupportURL   *string `name:"support-url" help:"Where its people find help, an address with https; empty removes it."`
	SupportPhone *string `help:"Where its people find help; empty removes it."`
	Defaults     bool    `help:"Remove everything that the company has set: it is the vendor's again."`
}

// Run changes what was asked for in one transaction, or shows what there is.
func (c TenantBrandingCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	return env.within(ctx, func(h *app.Core) error {
		what, err := changes(k)
		if err != nil {
			return c.show(ctx, env, h)
		}
		wanted, err := c.wanted()
		if err != nil {
			return err
		}
		if err := h.Company.ChangeBranding(ctx, access.Server, c.Tenant, wanted); err != nil {
			return err
		}
		b, err := h.Company.Branding(ctx, access.Server, c.Tenant)
		if err == nil {
			env.say(changeDocument{b.Tenant.ID, what}, "Changed %s: %s.\n", c.Tenant, what)
		}
		return err
	})
}

func (c TenantBrandingCmd) wanted() (company.BrandChanges, error) {
	if c.Defaults {
		return company.VendorsBrand(), nil
	}
	out := company.BrandChanges{
		Name:         c.Name,
		Accent:       c.Accent,
		SupportEmail: c.SupportEmail,
		SupportURL:   c.SupportURL,
		SupportPhone: c.SupportPhone,
	}
	if c.Accent != nil && *c.Accent == none {
		out.Accent = new(string)
	}
	if c.Logo == nil {
		return out, nil
	}
	var file []byte
	if *c.Logo != none {
		var err error
		if file, err = readLogo(*c.Logo); err != nil {
			return out, err
		}
	}
	out.Logo = &file
	return out, nil
}

// readLogo reads a file that may be a logo; of a longer one it reads no more than shows that.
func readLogo(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > tenant.MaxPictureBytes {
		return nil, tenant.ErrPictureSize
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the logo: %w", err)
	}
	if len(file) == 0 {
		return nil, fmt.Errorf("read the logo: %s is empty", path)
	}
	return file, nil
}

// brandDocument is the brand of a company. What is empty is the vendor's.
type brandDocument struct {
	Tenant       string `json:"tenant"`
	Name         string `json:"name"`
	Accent       string `json:"accent"`    // "#rrggbb"
	LogoHash     string `json:"logo_hash"` // in the address of the logo
	SupportEmail string `json:"support_email"`
	SupportURL   string `json:"support_url"`
	SupportPhone string `json:"support_phone"`
}

func (c TenantBrandingCmd) show(ctx context.Context, env *Env, h *app.Core) error {
	found, err := h.Company.Branding(ctx, access.Server, c.Tenant)
	if err != nil {
		return err
	}
	b := found.Brand
	env.say(brandDocument{
		Tenant:       found.Tenant.ID,
		Name:         b.Name,
		Accent:       b.Accent,
		LogoHash:     b.Logo.Hash,
		SupportEmail: b.SupportEmail,
		SupportURL:   b.SupportURL,
		SupportPhone: b.SupportPhone,
	}, "company  %s\nname     %s\naccent   %s\nlogo     %s\nsupport  %s %s %s\n",
		found.Tenant.ID, cmp.Or(b.Name, none), shownAccent(b.Accent), cmp.Or(b.Logo.Hash, none),
		b.SupportEmail, b.SupportURL, b.SupportPhone)
	return nil
}
