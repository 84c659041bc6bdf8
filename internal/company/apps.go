package company

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// ExemptApp is an app that the vendor exempts from two-factor authentication.
type ExemptApp struct {
	ID, Name string
	Until    time.Time // db.Forever: for good
	Required bool      // the company requires it there anyway
}

// ForGood reports whether the exemption has no end.
func (e ExemptApp) ForGood() bool { return e.Until.Equal(db.Forever) }

// Coverage is which apps ask for a second step, by name.
type Coverage struct {
	Covered []string // those in which the vendor leaves no choice
	Exempt  []ExemptApp
}

// Asking are the names of the apps that ask, no matter who decided so.
func (c Coverage) Asking() []string {
	out := slices.Clone(c.Covered)
	for _, app := range c.Exempt {
		if app.Required {
			out = append(out, app.Name)
		}
	}
	return out
}

// NotAsking are the apps that don't ask.
func (c Coverage) NotAsking() (out []ExemptApp) {
	for _, app := range c.Exempt {
		if !app.Required {
			out = append(out, app)
		}
	}
	return out
}

// CoverageOf is the coverage in a company of apps that people can sign in to.
func CoverageOf(apps []client.Client, required tenant.Apps, now time.Time) (c Coverage) {
	for _, app := range apps {
		switch {
		case app.Disabled():
		case app.Covered(now):
			c.Covered = append(c.Covered, app.Name)
		default:
			c.Exempt = append(c.Exempt, ExemptApp{app.ID, app.Name, app.ExemptUntil, required.Include(app.ID)})
		}
	}
	return c
}

func coverage(ctx context.Context, tx *db.Tx, required tenant.Apps) (c Coverage, err error) {
	apps, err := client.List(ctx, tx)
	if err != nil {
		return c, fmt.Errorf("list apps: %w", err)
	}
	return CoverageOf(apps, required, tx.Now), nil
}

var errUnknownApp = fault.New(fault.Invalid, "tenant.unknown_app")

// known fails if an app is newly among a list and there is no such app.
func known(ctx context.Context, tx *db.Tx, was, is tenant.Apps) error {
	added := is.Without(was)
	if len(added) == 0 {
		return nil
	}
	names, err := appNames(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range added {
		if _, there := names[id]; !there {
			return errUnknownApp
		}
	}
	return nil
}

// appNames are the names of all apps by id.
func appNames(ctx context.Context, tx *db.Tx) (map[string]string, error) {
	apps, err := client.List(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	out := make(map[string]string, len(apps))
	for _, app := range apps {
		out[app.ID] = app.Name
	}
	return out, nil
}

// AppsPlan is what another list of apps would change.
type AppsPlan struct {
	Added, Removed []string // the apps that would ask, and those that would no longer ask, by name
	Forecast       people.Forecast
	CountedAt      people.AsOf
	Weaker         []Weaker
}

// PlanApps says what another list of exempt apps in which a second step is required would change: who must set up a
// method first, and where it opens a weaker way to a session. It changes nothing.
func (s *Service) PlanApps(
	ctx context.Context, a access.Actor, idOrName string, required tenant.Apps,
) (p AppsPlan, err error) {
	o, err := s.Overview(ctx, a, idOrName)
	if err != nil {
		return p, err
	}
	p.Forecast, p.CountedAt = o.Forecast, o.CountedAt
	for _, app := range o.Apps.Exempt {
		switch asks := required.Include(app.ID); {
		case asks && !app.Required:
			p.Added = append(p.Added, app.Name)
		case !asks && app.Required:
			p.Removed = append(p.Removed, app.Name)
		}
	}
	if len(p.Removed) == 0 {
		return p, nil
	}
	p.Weaker, err = s.weakened(ctx, a, idOrName, fmt.Sprintf("apps %v", required),
		func(in *policy.Input) { in.Tenant.Apps = required })
	return p, err
}
