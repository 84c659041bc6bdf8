package main

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/app"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/ops"
	"countersign/internal/policy"
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
	return env.within(ctx, func(h *app.Core) error {
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
		app, err := appOf(ctx, h, c.Client)
		if err != nil {
			return err
		}
		catalog, err := locale.New()
		if err != nil {
			return err
		}
		print := catalog.In("en")
		if env.asJSON() {
			env.say(decisionOf(print, d, app), "")
			return nil
		}
		for _, sentence := range append(ops.Explain(print, d), ops.Reasons(print, d)...) {
			fmt.Println(sentence)
		}
		for _, key := range app.Weaknesses() {
			fmt.Println(print.T(key, "App", app.Name))
		}
		return nil
	})
}

// appOf loads an app; the zero Client stands for Countersign's own pages.
func appOf(ctx context.Context, h *app.Core, id string) (c client.Client, err error) {
	if id == client.PortalID {
		return c, nil
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		c, err = client.ByID(ctx, tx, id)
		return err
	})
	return c, err
}

type decisionDocument struct {
	Outcome      string     `json:"outcome"`
	Needs        string     `json:"needs,omitempty"` // the level that is missing
	Offer        []string   `json:"offer"`
	SetUp        []string   `json:"set_up"`
	ForSetUp     bool       `json:"for_set_up"`       // what is offered opens only the set-up of a method
	Protection   string     `json:"protection_level"` // of the account, whatever is asked here
	Required     bool       `json:"required"`
	NeedsAdmin   bool       `json:"needs_admin"`
	RememberDays int        `json:"remember_days"`
	SetUpBy      *time.Time `json:"set_up_by"`
	Announced    *time.Time `json:"required_from"`
	Sentences    []string   `json:"sentences"`
	Because      []string   `json:"because"`
	Weaker       []string   `json:"weaker"` // what makes this app easier to attack than others
}

func decisionOf(print *locale.Printer, d policy.Decision, app client.Client) decisionDocument {
	out := decisionDocument{
		Outcome:      string(d.Outcome),
		Needs:        string(d.Need),
		Offer:        []string{},
		SetUp:        []string{},
		ForSetUp:     d.ForSetUp,
		Protection:   string(d.Protection),
		Required:     d.Required,
		NeedsAdmin:   d.NeedsAdmin,
		RememberDays: d.RememberDays,
		SetUpBy:      at(d.SetUpBy),
		Announced:    at(d.Announced),
		Sentences:    ops.Explain(print, d),
		Because:      append([]string{}, ops.Reasons(print, d)...),
		Weaker:       []string{},
	}
	for _, k := range d.Offer {
		out.Offer = append(out.Offer, string(k))
	}
	for _, k := range d.SetUp {
		out.SetUp = append(out.SetUp, string(k))
	}
	for _, key := range app.Weaknesses() {
		out.Weaker = append(out.Weaker, print.T(key, "App", app.Name))
	}
	return out
}
