package company

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// InstallationChanges are the settings of the vendor's own. What is nil stays as it is.
type InstallationChanges struct {
	Name         *string
	SupportEmail *string
	SupportURL   *string
	SupportPhone *string
	Mandate      *tenant.Mandate
	RememberDays *int
	Methods      *tenant.Methods
	Accent       *string           // "#rrggbb"; empty: ours
	Logo         *[]byte           // a PNG; nil bytes: ours
	Why          map[string]string // the vendor's words by language; an empty text removes them

	decision *Decision // what the vendor decides for all companies, in place of all others
}

// Installation loads the settings.
func (s *Service) Installation(ctx context.Context, a access.Actor) (i tenant.Installation, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ViewInstallation, access.Target{}); err != nil {
			return err
		}
		i, err = tenant.LoadInstallation(ctx, tx)
		return err
	})
	return i, err
}

// ChangeInstallation changes settings, all or none. Companies are told by a job of what that makes of their rules.
func (s *Service) ChangeInstallation(ctx context.Context, a access.Actor, c InstallationChanges) error {
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := people.CheckHeld(ctx, tx, s.Gate, a, access.ChangeInstallation, access.Target{}); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		c, err := c.decided(i, tx.Now)
		if err != nil {
			return err
		}
		was := i
		c.set(&i)
		if err := s.speakAll(slices.Collect(maps.Keys(c.Why))...); err != nil {
			return err
		}
		if err := c.setTexts(ctx, tx); err != nil {
			return err
		}
		if err := tenant.SaveInstallation(ctx, tx, i); err != nil {
			return fmt.Errorf("save installation: %w", err)
		}
		if err := s.tellAll(ctx, tx, a, was, i); err != nil {
			return err
		}
		return record(ctx, tx, a, audit.InstallationChanged, c.text(i))
	})
	return people.RecordRefusal(ctx, s.DB, err)
}

func (c InstallationChanges) set(i *tenant.Installation) {
	replace(&i.Name, c.Name)
	replace(&i.SupportEmail, c.SupportEmail)
	replace(&i.SupportURL, c.SupportURL)
	replace(&i.SupportPhone, c.SupportPhone)
	replace(&i.Accent, c.Accent)
	replace(&i.RememberDays, c.RememberDays)
	replace(&i.Methods, c.Methods)
	replace(&i.Mandate, c.Mandate)
}

func replace[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// setTexts stores the logo and the vendor's words.
func (c InstallationChanges) setTexts(ctx context.Context, tx *db.Tx) error {
	if c.Logo != nil {
		logo := *c.Logo
		if logo != nil {
			var err error
			if logo, err = tenant.CleanLogo(logo); err != nil {
				return err
			}
		}
		if err := tenant.SetLogo(ctx, tx, logo); err != nil {
			return fmt.Errorf("store the logo: %w", err)
		}
	}
	for language, body := range c.Why {
		if err := tenant.SetWhy(ctx, tx, language, body); err != nil {
			return fmt.Errorf("store why: %w", err)
		}
	}
	return nil
}

// text is what the audit row says.
func (c InstallationChanges) text(i tenant.Installation) string {
	what := fmt.Sprintf("mandate %s, remember %d days, methods %s",
		mandateText(i.Mandate), i.RememberDays, methodsText(i.Methods))
	if c.Accent != nil {
		what += ", accent " + cmp.Or(i.Accent, "none")
	}
	if c.Logo != nil {
		what += ", another logo"
	}
	for _, language := range slices.Sorted(maps.Keys(c.Why)) {
		what += ", " + whyText(language, c.Why[language])
	}
	return what
}
