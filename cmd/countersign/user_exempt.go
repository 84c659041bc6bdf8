package main

import (
	"context"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/people"
)

// UserExemptCmd gives a person more time to set up a method.
type UserExemptCmd struct {
	Email  string `arg:"" help:"Address."`
	Until  string `xor:"what" required:"" help:"Date (2027-01-31, midnight UTC) or instant at which it ends."`
	End    bool   `xor:"what" required:"" help:"End it now."`
	Reason string `help:"Why, for the activity log; up to 200 characters."`
}

// Run gives it or ends it.
func (c UserExemptCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		if c.End {
			err := h.People.EndExemption(ctx, access.Server, people.ByEmail(c.Email))
			if err == nil {
				env.say(changeDocument{c.Email, changed{{"exempt_until", nil}}},
					"Ended. %s must set up a method.\n", c.Email)
			}
			return err
		}
		until, err := instant(c.Until)
		if err != nil {
			return usageError(err.Error())
		}
		if err := h.People.Exempt(ctx, access.Server, people.ByEmail(c.Email), until, c.Reason); err != nil {
			return err
		}
		env.say(changeDocument{c.Email, changed{{"exempt_until", until}}},
			"%s need not set up a method before %s. The owners have been told.\n", c.Email, shown(until))
		return nil
	})
}
