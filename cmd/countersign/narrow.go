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

// allowance is what vendor and company allow as a second step.
type allowance struct{ vendor, company tenant.Methods }

// narrowing is a change of one company's allowance, before it is made.
type narrowing struct {
	tenantID      string
	before, after allowance
}

// confirmNarrowing says whom a change of the allowed methods would leave without a method that
// signs in, and asks.
func confirmNarrowing(ctx context.Context, h *app.Core, yes bool, companies []narrowing) error {
	var mustSetUp, lockedOut []string
	for _, n := range companies {
		stranded, err := n.stranded(ctx, h)
		if err != nil {
			return err
		}
		if policy.Enrollable(n.after.vendor, n.after.company, h.Binding.Kinds()) {
			mustSetUp = append(mustSetUp, stranded...)
		} else {
			lockedOut = append(lockedOut, stranded...)
		}
	}
	if len(mustSetUp)+len(lockedOut) == 0 {
		return nil
	}
	listPeople(mustSetUp, "must show a method that is no longer allowed and set up another at their next sign-in")
	listPeople(lockedOut, "can't sign in any more until you reset their methods: "+
		"nothing that protects their account is allowed")
	return confirm(yes, "Change the allowed methods?")
}

// stranded are the addresses of the people who would have no method that signs in after the
// change, and have one now.
func (n narrowing) stranded(ctx context.Context, h *app.Core) (out []string, err error) {
	err = h.DB.View(ctx, n.tenantID, func(tx *db.Tx) error {
		already, err := user.WithoutUsable(ctx, tx, n.before.factors())
		if err != nil {
			return err
		}
		after, err := user.WithoutUsable(ctx, tx, n.after.factors())
		for _, u := range after {
			if !slices.ContainsFunc(already, func(b user.User) bool { return b.ID == u.ID }) {
				out = append(out, u.Email)
			}
		}
		return err
	})
	return out, err
}

// factors are the second factors among it, apart by spaces.
func (a allowance) factors() string {
	var out []string
	for _, k := range authenticator.SecondSteps {
		if policy.Factor(k) && a.vendor.Allow(string(k)) && a.company.Allow(string(k)) {
			out = append(out, string(k))
		}
	}
	return strings.Join(out, " ")
}

// listPeople names people, twenty at most.
func listPeople(people []string, what string) {
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

// narrowingOf reads what a change of one company's methods is compared with.
func narrowingOf(ctx context.Context, h *app.Core, idOrName, methods string) (out []narrowing, err error) {
	after, err := policy.ParseMethods(methods)
	if err != nil {
		return nil, err
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		t, err := tenant.Find(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		out = []narrowing{{t.ID, allowance{i.Methods, t.Methods}, allowance{i.Methods, after}}}
		return err
	})
	return out, err
}

// narrowingOfAll is narrowingOf for a change of what the vendor allows.
func narrowingOfAll(ctx context.Context, h *app.Core, methods string) (out []narrowing, err error) {
	after, err := policy.ParseMethods(methods)
	if err != nil {
		return nil, err
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return err
		}
		all, err := tenant.List(ctx, tx)
		for _, t := range all {
			out = append(out, narrowing{t.ID, allowance{i.Methods, t.Methods}, allowance{after, t.Methods}})
		}
		return err
	})
	return out, err
}
