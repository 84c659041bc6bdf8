package main

import (
	"context"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/authenticator"
	"countersign/internal/people"
)

// UserMethodsCmd is about a person's sign-in methods.
type UserMethodsCmd struct {
	List    UserMethodsListCmd    `cmd:"" help:"List a person's sign-in methods and their state."`
	Restore UserMethodsRestoreCmd `cmd:"" help:"Restore a suspended method. First make sure that it is the person's own."`
	Reset   UserMethodsResetCmd   `cmd:"" help:"Remove every method, so that the person can set up a new one within 24 hours."`
}

// UserMethodsListCmd lists methods.
type UserMethodsListCmd struct {
	Email string `arg:"" help:"Address."`
}

// Run prints a line for each method.
func (c UserMethodsListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		d, err := h.People.Find(ctx, access.Server, people.ByEmail(c.Email))
		for i, m := range methodsOf(d.Methods) {
			env.say(m, "%s  %-8s  %-9s  set up %s  %s\n", m.ID, m.Kind, m.State, shown(d.Methods[i].BoundAt), m.Label)
		}
		return err
	})
}

func stateOf(a authenticator.Authenticator) string {
	switch {
	case !a.SuspendedAt.IsZero():
		return "suspended"
	case !a.DisabledAt.IsZero():
		return "disabled"
	}
	return "works"
}

// UserMethodsRestoreCmd lifts a suspension.
type UserMethodsRestoreCmd struct {
	Email  string `arg:"" help:"Address."`
	Method string `arg:"" help:"ID of the method, as printed by the list."`
}

// Run lifts it.
func (c UserMethodsRestoreCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		err := h.People.RestoreMethod(ctx, access.Server, people.ByEmail(c.Email), c.Method)
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"restored", c.Method}}}, "Restored. %s has been told.\n", c.Email)
		}
		return err
	})
}

// UserMethodsResetCmd resets a person's methods.
type UserMethodsResetCmd struct {
	Email  string `arg:"" help:"Address."`
	Reason string `help:"Why, for the activity log; up to 200 characters."`
}

// Run resets them.
func (c UserMethodsResetCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		r, err := h.People.ResetMethods(ctx, access.Server, people.ByEmail(c.Email), c.Reason)
		if err != nil {
			return err
		}
		if r.Waited {
			env.say(changeDocument{c.Email, changed{{"removed_methods", 0}, {"enrollable", true}}},
				"There was no method to remove. %s can set one up now, although their password was reset by email.\n",
				c.Email)
			return nil
		}
		env.say(changeDocument{c.Email, changed{{"removed_methods", r.Removed}, {"enrollable", r.Enrollable}}},
			"Removed %d methods. %s has been told, and every session has ended.\n", r.Removed, c.Email)
		if r.Enrollable {
			env.explainMore(
				"They can set up a new one within 24 hours, once, with the password and a code to their mailbox.\n")
		} else {
			env.explainMore(
				"The company allows nothing that they could set up: their mailbox protects the account now.\n")
		}
		return nil
	})
}
