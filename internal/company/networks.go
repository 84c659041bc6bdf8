package company

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// errNotInside: someone who could not sign in again from where they are has made a mistake.
var errNotInside = fault.New(fault.Invalid, "tenant.network_without_you")

// inside fails where a person allows networks that they are not in themselves.
func (c Changes) inside(a access.Actor) error {
	if a.Kind != access.Person || c.Networks == nil || *c.Networks == "" {
		return nil
	}
	networks, err := c.Networks.Clean()
	if err != nil {
		return err
	}
	if networks != "" && !networks.Contains(a.Origin.IP) {
		return errNotInside
	}
	return nil
}

// setNetworks changes where people may sign in from, and what counts as the company's own network before a password
// is known to be right.
func setNetworks(ctx context.Context, tx *db.Tx, n tenant.Networks) error {
	if err := tenant.SetNetworks(ctx, tx, n); err != nil {
		return err
	}
	return user.WriteDomainRules(ctx, tx)
}

// Outsider is an owner or admin whose last sign-in was from outside the networks that are to be allowed.
type Outsider struct {
	Name, Email string
	IP          string // of that sign-in
}

// OutsideOf says which owners and admins last signed in from outside of networks, and fails as a change to them would
// where the actor is outside. It changes nothing.
func (s *Service) OutsideOf(
	ctx context.Context, a access.Actor, idOrName string, networks tenant.Networks,
) (out []Outsider, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.SetNetworks, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.SetNetworks, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		if err := (Changes{Networks: &networks}).inside(a); err != nil {
			return err
		}
		if networks, err = networks.Clean(); err != nil || networks == "" {
			return err
		}
		out, err = outsiders(ctx, tx.ForTenant(t.ID), a, networks)
		return err
	})
	return out, err
}

func outsiders(ctx context.Context, tx *db.Tx, a access.Actor, n tenant.Networks) (out []Outsider, err error) {
	admins, err := user.Admins(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("list admins: %w", err)
	}
	for _, u := range admins {
		if u.ID == a.UserID {
			continue // the networks must have the place that they act from
		}
		last, _, err := session.LastSignIn(ctx, tx, u.ID)
		if err != nil {
			return nil, err
		}
		if last.IP != "" && !n.Contains(last.IP) {
			out = append(out, Outsider{Name: u.Name, Email: u.Email, IP: last.IP})
		}
	}
	return out, nil
}

// networksLowered reports whether people may sign in from where they could not.
func networksLowered(was, is tenant.Tenant) bool {
	if was.Networks == "" {
		return false
	}
	return is.Networks == "" || !was.Networks.Covers(is.Networks) ||
		is.NetworkScope != was.NetworkScope && is.NetworkScope != tenant.EveryoneEverywhere
}

// mostShown is how many networks a letter or a row of the activity names.
const mostShown = 5

// shownNetworks names a company's networks and whom they concern.
func shownNetworks(t tenant.Tenant) string {
	if t.Networks == "" {
		return ""
	}
	text := networksText(t.Networks)
	if t.NetworkScope != tenant.EveryoneEverywhere {
		text += " (" + scopeText(t.NetworkScope) + ")"
	}
	return text
}

func networksText(n tenant.Networks) string {
	n, _ = n.Clean() // what is not valid is not stored
	var out []string
	all := n.List()
	for _, one := range all[:min(len(all), mostShown)] {
		out = append(out, one.Prefix.String())
	}
	if more := len(all) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("+%d", more))
	}
	return cmp.Or(strings.Join(out, ", "), "anywhere")
}

func scopeText(s tenant.NetworkScope) string { return cmp.Or(string(s), "everyone") }
