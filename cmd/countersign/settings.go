package main

import (
	"context"

	"countersign/internal/app"
	"countersign/internal/db"
	"countersign/internal/standards"
)

// SettingsCmd is about the settings that no replica may loosen by itself.
type SettingsCmd struct {
	Show   SettingsShowCmd   `cmd:"" help:"Compare this configuration with the strictest that was in force."`
	Accept SettingsAcceptCmd `cmd:"" help:"Let this configuration be in force although it is weaker. Goes on record."`
}

// SettingsShowCmd compares.
type SettingsShowCmd struct{}

// Run prints one line per setting.
func (SettingsShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.House) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			all, err := standards.Load(ctx, tx, h.Config.Limits)
			if err != nil {
				return err
			}
			table := env.table()
			table.note("SETTING", "IN FORCE", "HERE", "")
			for _, s := range all {
				stored, note := "-", ""
				if s.Known {
					stored = s.Show(s.Stored)
				}
				switch {
				case s.Weaker():
					note = "weaker: serve refuses to start"
				case s.Known && s.Value != s.Stored:
					note = "stricter: in force from the next start"
				}
				table.row(settingOf(s), s.Key, stored, s.Show(s.Value), note)
			}
			return table.flush()
		})
	})
}

// SettingsAcceptCmd takes standards back.
type SettingsAcceptCmd struct{}

// Run writes what is configured here and says what became weaker.
func (SettingsAcceptCmd) Run(ctx context.Context, env *Env) error {
	var weakened []standards.Standard
	err := env.within(ctx, func(h *app.House) error {
		return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			weakened, err = standards.Accept(ctx, tx, h.Config.Limits, byHand)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, s := range weakened {
		env.say(settingOf(s), "Accepted: %s\n", s)
	}
	if len(weakened) == 0 {
		env.explainMore("Nothing here is weaker than what was in force.\n")
	}
	return nil
}
