package company

import (
	"context"
	"fmt"
	"slices"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// WhyTexts are the vendor's words about why a second step is asked, in every language, in the order of the languages.
func (s *Service) WhyTexts(ctx context.Context, a access.Actor) (out []tenant.WhyText, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ViewInstallation, access.Target{}); err != nil {
			return err
		}
		written, err := tenant.WhyTexts(ctx, tx)
		if err != nil {
			return fmt.Errorf("load why: %w", err)
		}
		out = nil
		for _, language := range s.Languages {
			t := written[language]
			t.Language = language
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

// SetWhy replaces the vendor's words in one language, if they still have the version of t. An empty text leaves it to
// the built-in one.
func (s *Service) SetWhy(ctx context.Context, a access.Actor, t tenant.WhyText) error {
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := people.CheckHeld(ctx, tx, s.Gate, a, access.ChangeInstallation, access.Target{}); err != nil {
			return err
		}
		if err := s.speakAll(t.Language); err != nil {
			return err
		}
		if err := tenant.ReplaceWhy(ctx, tx, t); err != nil {
			return fmt.Errorf("store why: %w", err)
		}
		return record(ctx, tx, a, audit.InstallationChanged, whyText(t.Language, t.Body))
	})
	return people.RecordRefusal(ctx, s.DB, err)
}

var errLanguage = fault.New(fault.NotFound, "error.not_found")

// speakAll fails where one of the languages is none that pages are written in.
func (s *Service) speakAll(languages ...string) error {
	for _, l := range languages {
		if !slices.Contains(s.Languages, l) {
			return errLanguage
		}
	}
	return nil
}

// whyText is what the audit row says.
func whyText(language, body string) string {
	if body == "" {
		return "built-in why text in " + language
	}
	return "why text in " + language
}
