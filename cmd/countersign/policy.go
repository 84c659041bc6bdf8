package main

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/app"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/user"
)

// PolicyCmd explains decisions.
type PolicyCmd struct {
	Explain PolicyExplainCmd `cmd:"" help:"What one person would be asked for by one app, and why."`
}

// PolicyExplainCmd explains one decision.
type PolicyExplainCmd struct {
	User   string `required:"" help:"Address of the person."`
	Client string `default:"countersign" help:"Id of the app; default: Countersign's own pages."`
}

// Run decides as if the password had just been right, from a browser that is not remembered.
func (c PolicyExplainCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.House) error {
		var u user.User
		err := h.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
			u, err = user.ByEmail(ctx, tx, c.User)
			return err
		})
		if err != nil {
			return err
		}
		d, err := h.SignIn.Explain(ctx, u, c.Client)
		if err != nil {
			return err
		}
		catalog, err := locale.New()
		if err != nil {
			return err
		}
		print := catalog.In("en")
		fmt.Printf("decision  %s\n", d.Outcome)
		for _, k := range d.Offer {
			fmt.Printf("offer     %s\n", k)
		}
		if d.Need != "" {
			fmt.Printf("needs     %s\n", d.Need)
		}
		fmt.Printf("remember  up to %d days\n", d.RememberDays)
		for _, r := range d.Because {
			fmt.Printf("because   %s\n", print.T(r.Key, dated(print, r.Args)...))
		}
		return nil
	})
}

func dated(p *locale.Printer, args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			a = p.Date(t)
		}
		out[i] = a
	}
	return out
}
