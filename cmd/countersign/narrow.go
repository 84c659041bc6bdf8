package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"countersign/internal/app"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// narrowing is a change of the methods that a company allows, before it is made.
type narrowing struct {
	was, will tenant.Methods // of the company
	vendorWas tenant.Methods
	vendor    tenant.Methods
}

// confirmNarrowing says whom a change of the allowed methods would leave without a method that
// signs in, and asks.
func confirmNarrowing(ctx context.Context, h *app.House, yes bool, companies map[string]narrowing) error {
	var stuck, must []string
	for id, n := range companies {
		err := h.DB.View(ctx, id, func(tx *db.Tx) error {
			before, err := user.WithoutUsable(ctx, tx, factors(n.vendorWas, n.was))
			if err != nil {
				return err
			}
			after, err := user.WithoutUsable(ctx, tx, factors(n.vendor, n.will))
			if err != nil {
				return err
			}
			into := &must
			if !policy.Enrollable(n.vendor, n.will, h.Binding.Kinds()) {
				into = &stuck
			}
			for _, u := range after {
				if !slices.ContainsFunc(before, func(b user.User) bool { return b.ID == u.ID }) {
					*into = append(*into, u.Email)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(stuck)+len(must) == 0 {
		return nil
	}
	say(must, "must show a method that is no longer allowed and set up another at their next sign-in")
	say(stuck, "can't sign in any more until you reset their methods: nothing that protects their account is allowed")
	return confirm(yes, "Change the allowed methods?")
}

// say names people, twenty at most.
func say(people []string, what string) {
	if len(people) == 0 {
		return
	}
	slices.Sort(people)
	shown := people[:min(len(people), 20)]
	fmt.Fprintf(os.Stderr, "People affected: %d. They %s: %s", len(people), what, strings.Join(shown, ", "))
	if more := len(people) - len(shown); more > 0 {
		fmt.Fprintf(os.Stderr, " and %d more", more)
	}
	fmt.Fprintln(os.Stderr)
}

// factors are the second factors that vendor and company allow, apart by spaces.
func factors(vendor, company tenant.Methods) string {
	var out []string
	for _, k := range authenticator.SecondSteps {
		if policy.Factor(k) && vendor.Allow(string(k)) && company.Allow(string(k)) {
			out = append(out, string(k))
		}
	}
	return strings.Join(out, " ")
}

// narrowingOf reads what a change of one company's methods is compared with.
func narrowingOf(ctx context.Context, h *app.House, idOrName, methods string) (out map[string]narrowing, err error) {
	will, err := policy.ParseMethods(methods)
	if err != nil {
		return nil, err
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		t, err := tenant.Find(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		out = map[string]narrowing{t.ID: {was: t.Methods, will: will, vendorWas: i.Methods, vendor: i.Methods}}
		return err
	})
	return out, err
}

// narrowingOfAll is narrowingOf for a change of what the vendor allows.
func narrowingOfAll(ctx context.Context, h *app.House, methods string) (out map[string]narrowing, err error) {
	will, err := policy.ParseMethods(methods)
	if err != nil {
		return nil, err
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return err
		}
		all, err := tenant.List(ctx, tx)
		out = map[string]narrowing{}
		for _, t := range all {
			out[t.ID] = narrowing{was: t.Methods, will: t.Methods, vendorWas: i.Methods, vendor: will}
		}
		return err
	})
	return out, err
}
