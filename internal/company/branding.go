package company

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Branding is what a company's administrators see of its brand, and the vendor's name.
type Branding struct {
	Tenant tenant.Tenant
	Brand  tenant.Brand
	Vendor string
}

// BrandChanges are what a company decides about its brand. What is nil stays as it is; what is empty is the vendor's
// again.
type BrandChanges struct {
	Name         *string
	Accent       *string // "#rrggbb"
	SupportEmail *string
	SupportURL   *string
	SupportPhone *string
	Logo         *[]byte // a PNG or JPEG file
	Seen         string  // the mark of what they saw of it; empty = no matter
}

// VendorsBrand takes back everything that a company has decided about its brand.
func VendorsBrand() BrandChanges {
	return BrandChanges{new(string), new(string), new(string), new(string), new(string), new([]byte), ""}
}

// Branding loads the brand of a company, for those who may change it.
func (s *Service) Branding(ctx context.Context, a access.Actor, idOrName string) (b Branding, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if b.Tenant, err = findBranded(ctx, tx, a, idOrName); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		b.Vendor = i.Name
		b.Brand, err = tenant.LoadBrand(ctx, tx.ForTenant(b.Tenant.ID))
		return err
	})
	return b, err
}

// findBranded loads the company whose brand an actor may change.
func findBranded(ctx context.Context, tx *db.Tx, a access.Actor, idOrName string) (tenant.Tenant, error) {
	t, err := find(ctx, tx, a, access.SetBranding, idOrName)
	if err != nil {
		return t, err
	}
	return t, access.Check(a, access.SetBranding, access.Target{TenantID: t.ID})
}

// ChangeBranding makes all of the changes or none. It tells the owners about a new support contact, because people who
// are locked out turn to it.
func (s *Service) ChangeBranding(ctx context.Context, a access.Actor, idOrName string, c BrandChanges) error {
	picture, err := s.picture(ctx, a, idOrName, c)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		a, err := people.Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := findBranded(ctx, tx, a, idOrName)
		if err != nil {
			return err
		}
		return s.setBrand(ctx, tx.ForTenant(t.ID), a, c, picture)
	})
	return people.RecordRefusal(ctx, s.DB, err)
}

// picture draws a logo again, outside any transaction. Only someone who may change the brand makes us do that work.
func (s *Service) picture(
	ctx context.Context, a access.Actor, idOrName string, c BrandChanges,
) (p tenant.Picture, err error) {
	if c.Logo == nil || len(*c.Logo) == 0 {
		return p, nil
	}
	if _, err := s.Branding(ctx, a, idOrName); err != nil {
		return p, err
	}
	s.pictures.Lock()
	defer s.pictures.Unlock()
	return tenant.ReadPicture(*c.Logo)
}

func (s *Service) setBrand(
	ctx context.Context, tx *db.Tx, a access.Actor, c BrandChanges, picture tenant.Picture,
) error {
	if err := tenant.Lock(ctx, tx); err != nil {
		return fmt.Errorf("hold company: %w", err)
	}
	was, err := tenant.LoadBrand(ctx, tx)
	if err != nil {
		return fmt.Errorf("load brand: %w", err)
	}
	if c.Seen != "" && c.Seen != MarkOfBrand(was) {
		return people.ErrOutdated
	}
	is, err := c.apply(was).Clean()
	if err != nil {
		return err
	}
	what := c.text(was, is)
	if what == "" {
		return nil
	}
	if err := tenant.SaveBrand(ctx, tx, is); err != nil {
		return fmt.Errorf("save brand: %w", err)
	}
	if c.Logo != nil {
		if err := tenant.SetPicture(ctx, tx, picture); err != nil {
			return fmt.Errorf("store the logo: %w", err)
		}
	}
	if err := record(ctx, tx, a, audit.TenantBranding, what); err != nil {
		return err
	}
	if supportOf(was) == supportOf(is) {
		return nil
	}
	return people.TellOwners(ctx, tx, s.Notifier, a, email.AlertSupport, user.User{})
}

// apply is b with the changes, without the logo.
func (c BrandChanges) apply(b tenant.Brand) tenant.Brand {
	replace(&b.Name, c.Name)
	replace(&b.Accent, c.Accent)
	replace(&b.SupportEmail, c.SupportEmail)
	replace(&b.SupportURL, c.SupportURL)
	replace(&b.SupportPhone, c.SupportPhone)
	return b
}

// supportOf is the support contact, as the log shows it.
func supportOf(b tenant.Brand) string {
	return strings.Join(strings.Fields(b.SupportEmail+" "+b.SupportURL+" "+b.SupportPhone), " ")
}

// text is what the audit row says; empty where nothing changes.
func (c BrandChanges) text(was, is tenant.Brand) string {
	var out []string
	add := func(what, before, after string) {
		if before != after {
			out = append(out, what+" "+cmp.Or(after, "as the vendor's"))
		}
	}
	add("name", was.Name, is.Name)
	add("accent", was.Accent, is.Accent)
	add("support", supportOf(was), supportOf(is))
	switch {
	case c.Logo != nil && len(*c.Logo) > 0:
		out = append(out, "another logo")
	case c.Logo != nil && was.Logo.Hash != "":
		out = append(out, "no logo")
	}
	return strings.Join(out, ", ")
}
