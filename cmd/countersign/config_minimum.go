package main

import (
	"context"

	"countersign/internal/app"
	"countersign/internal/configminimum"
	"countersign/internal/db"
)

// ConfigMinimumCmd manages the minimum security settings, which no single replica may weaken.
type ConfigMinimumCmd struct {
	Show   ConfigMinimumShowCmd   `cmd:"" help:"Compare this configuration with the strictest that was in force."`
	Accept ConfigMinimumAcceptCmd `cmd:"" help:"Let this configuration be in force although it is weaker. Goes on record."`
}

// ConfigMinimumShowCmd compares.
type ConfigMinimumShowCmd struct{}

// Run prints one line per setting.
func (ConfigMinimumShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			all, err := configminimum.Load(ctx, tx, h.Config.Limits)
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

// ConfigMinimumAcceptCmd takes standards back.
type ConfigMinimumAcceptCmd struct{}

// Run writes what is configured here and says what became weaker.
func (ConfigMinimumAcceptCmd) Run(ctx context.Context, env *Env) error {
	var weakened []configminimum.Setting
	err := env.within(ctx, func(h *app.Core) error {
		return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			weakened, err = configminimum.Accept(ctx, tx, h.Config.Limits, byHand)
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
