// Package apps is the journey of administering the apps that people sign in to: clients, in the words of OAuth. Each
// function checks access, changes and records in one transaction. It refuses to say what a sign-in to an app needs:
// that is policy.
package apps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/keyring"
	"countersign/internal/people"
	"countersign/internal/secret"
)

// Service administers apps.
type Service struct {
	DB   *db.DB
	Gate *gate.Gate // judges the session in which a person acts
	Keys *keyring.Keyring
}

// Create registers an app. A confidential one gets a secret, which is told this once.
func (s *Service) Create(
	ctx context.Context, a access.Actor, n client.New,
) (c client.Client, token secret.Text, err error) {
	if err := s.ensureKey(ctx, a, access.CreateApp, n.SigningAlg); err != nil {
		return c, "", err
	}
	err = s.change(ctx, a, access.CreateApp, audit.ClientCreated, n.ID, func(tx *db.Tx) (string, error) {
		c, token, err = client.Create(ctx, tx, n)
		return strings.Join([]string{c.Kind, c.SigningAlg, "PKCE " + pkceText(c.PKCEOptional)}, ", "), err
	})
	return c, token, err
}

// Changes are how an app speaks to Countersign. What is empty or nil stays as it is.
type Changes struct {
	AddRedirectURIs      []string
	RemoveRedirectURIs   []string
	AddPostLogoutURIs    []string
	RemovePostLogoutURIs []string
	SigningAlg           string
	PKCEOptional         *bool
	Seen                 string // the mark of the addresses that someone saw; empty = no matter
}

// MarkOfAddresses is the mark of an app's addresses.
func MarkOfAddresses(c client.Client) string {
	return people.Mark(fmt.Sprintf("%q %q", c.RedirectURIs, c.PostLogoutURIs))
}

// MarkOfExemption is the mark of an app's exemption.
func MarkOfExemption(c client.Client) string { return people.Mark(untilText(c.ExemptUntil)) }

// Change makes all of the changes of an app or none.
func (s *Service) Change(ctx context.Context, a access.Actor, id string, c Changes) error {
	if err := s.ensureKey(ctx, a, access.ChangeApp, c.SigningAlg); err != nil {
		return err
	}
	return s.change(ctx, a, access.ChangeApp, audit.ClientChanged, id, func(tx *db.Tx) (string, error) {
		if err := c.protocol(ctx, tx, id); err != nil {
			return "", err
		}
		return c.text(), c.addresses(ctx, tx, id)
	})
}

func (c Changes) protocol(ctx context.Context, tx *db.Tx, id string) error {
	if c.SigningAlg != "" {
		if err := client.SetSigningAlg(ctx, tx, id, c.SigningAlg); err != nil {
			return err
		}
	}
	if c.PKCEOptional != nil {
		return client.SetPKCE(ctx, tx, id, *c.PKCEOptional)
	}
	return nil
}

func (c Changes) addresses(ctx context.Context, tx *db.Tx, id string) error {
	known, err := held(ctx, tx, id)
	if err != nil {
		return err
	}
	if c.Seen != "" && c.Seen != MarkOfAddresses(known) {
		return people.ErrOutdated
	}
	added := map[string][]string{client.Redirect: c.AddRedirectURIs, client.PostLogout: c.AddPostLogoutURIs}
	for kind, uris := range added {
		for _, u := range uris {
			if err := client.AddURI(ctx, tx, &known, kind, u); err != nil {
				return err
			}
		}
	}
	removed := map[string][]string{client.Redirect: c.RemoveRedirectURIs, client.PostLogout: c.RemovePostLogoutURIs}
	for kind, uris := range removed {
		if err := remove(ctx, tx, id, kind, uris); err != nil {
			return err
		}
	}
	return nil
}

// held is an app that no one else changes until the transaction ends.
func held(ctx context.Context, tx *db.Tx, id string) (client.Client, error) {
	if err := client.Lock(ctx, tx, id); err != nil {
		return client.Client{}, err
	}
	return client.ByID(ctx, tx, id)
}

func remove(ctx context.Context, tx *db.Tx, id, kind string, uris []string) error {
	for _, u := range uris {
		found, err := client.RemoveURI(ctx, tx, id, kind, u)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.Invalid,
				"client.no_such_uri").Because(fmt.Errorf("%s is not registered for %s", u, id))
		}
	}
	return nil
}

// text is what the audit row says.
func (c Changes) text() string {
	var out []string
	add := func(name string, values ...string) {
		if len(values) > 0 {
			out = append(out, name+" "+strings.Join(values, " "))
		}
	}
	add("add redirect uri", c.AddRedirectURIs...)
	add("remove redirect uri", c.RemoveRedirectURIs...)
	add("add post logout uri", c.AddPostLogoutURIs...)
	add("remove post logout uri", c.RemovePostLogoutURIs...)
	if c.SigningAlg != "" {
		add("signing alg", c.SigningAlg)
	}
	if c.PKCEOptional != nil {
		add("pkce", pkceText(*c.PKCEOptional))
	}
	return strings.Join(out, ", ")
}

func pkceText(optional bool) string {
	if optional {
		return "optional"
	}
	return "required"
}

// Exempt frees sign-ins to an app from the second step until an instant; db.Forever is for good.
func (s *Service) Exempt(ctx context.Context, a access.Actor, id string, until time.Time) error {
	return s.ExemptBecause(ctx, a, id, Exemption{Until: until})
}

// Exemption is until when an app is exempt, and why.
type Exemption struct {
	Until  time.Time
	Reason string
	Seen   string // the mark of the exemption that it replaces; empty = no matter
}

// save stores the exemption, unless someone else has stored another one since.
func (e Exemption) save(ctx context.Context, tx *db.Tx, id string) error {
	c, err := held(ctx, tx, id)
	if err != nil {
		return err
	}
	if e.Seen != "" && e.Seen != MarkOfExemption(c) && !c.ExemptUntil.Equal(e.Until) {
		return people.ErrOutdated
	}
	return client.Exempt(ctx, tx, id, e.Until)
}

var errExemptPast = fault.New(fault.Invalid, "client.exempt_past")

// ExemptBecause is Exempt with a reason for the record, which people must give; for them the instant is to come.
func (s *Service) ExemptBecause(ctx context.Context, a access.Actor, id string, e Exemption) error {
	return s.change(ctx, a, access.ExemptApp, audit.ClientExempted, id, func(tx *db.Tx) (string, error) {
		reason, err := people.CleanReason(a, e.Reason)
		if err != nil {
			return "", err
		}
		if a.Kind == access.Person && !e.Until.After(tx.Now) {
			return "", errExemptPast
		}
		what := "until " + untilText(e.Until)
		if reason != "" {
			what += ": " + reason
		}
		return what, e.save(ctx, tx, id)
	})
}

func untilText(until time.Time) string {
	switch {
	case until.IsZero():
		return "-"
	case until.Equal(db.Forever):
		return "forever"
	}
	return until.Format(time.RFC3339)
}

// Require2FA ends an app's exemption now. seen is the mark of the exemption that someone saw; empty = no matter.
func (s *Service) Require2FA(ctx context.Context, a access.Actor, id, seen string) error {
	return s.change(ctx, a, access.ExemptApp, audit.ClientCovered, id, func(tx *db.Tx) (string, error) {
		return "", Exemption{Seen: seen}.save(ctx, tx, id)
	})
}

// RotateSecret replaces an app's secret. The old one stops at once, the new one is told this once.
func (s *Service) RotateSecret(ctx context.Context, a access.Actor, id string) (token secret.Text, err error) {
	err = s.change(ctx, a, access.RotateAppSecret, audit.ClientSecretReplaced, id, func(tx *db.Tx) (string, error) {
		token, err = client.RotateSecret(ctx, tx, id)
		return "", err
	})
	return token, err
}

// Disable stops sign-ins to an app.
func (s *Service) Disable(ctx context.Context, a access.Actor, id string) error {
	return s.change(ctx, a, access.DisableApp, audit.ClientDisabled, id, func(tx *db.Tx) (string, error) {
		return "", client.Disable(ctx, tx, id)
	})
}

// Enable lifts Disable.
func (s *Service) Enable(ctx context.Context, a access.Actor, id string) error {
	return s.change(ctx, a, access.DisableApp, audit.ClientEnabled, id, func(tx *db.Tx) (string, error) {
		return "", client.Enable(ctx, tx, id)
	})
}

// Find loads an app.
func (s *Service) Find(ctx context.Context, a access.Actor, id string) (c client.Client, err error) {
	err = s.view(ctx, a, access.ViewApps, func(tx *db.Tx) error {
		c, err = client.ByID(ctx, tx, id)
		return err
	})
	return c, err
}

// List returns all apps by id: an installation has few.
func (s *Service) List(ctx context.Context, a access.Actor) (all []client.Client, err error) {
	err = s.view(ctx, a, access.ViewApps, func(tx *db.Tx) error {
		all, err = client.List(ctx, tx)
		return err
	})
	return all, err
}

// ensureKey makes the first key of an algorithm, so that an app can verify its first token. An RSA key takes up to some
// seconds and is made outside any transaction, but only for an actor who may go on.
func (s *Service) ensureKey(ctx context.Context, a access.Actor, action access.Action, algorithm string) error {
	if algorithm == "" {
		return nil
	}
	if err := s.view(ctx, a, action, func(*db.Tx) error { return nil }); err != nil {
		return err
	}
	return s.Keys.Ensure(ctx, algorithm)
}

// change runs fn and its audit row in one transaction of the installation.
func (s *Service) change(
	ctx context.Context, a access.Actor, action access.Action, event audit.Action, id string,
	fn func(tx *db.Tx) (what string, err error),
) error {
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := people.CheckHeld(ctx, tx, s.Gate, a, action, access.Target{}); err != nil {
			return err
		}
		what, err := fn(tx)
		if err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
		return audit.Record(ctx, tx, audit.Event{
			Action:   event,
			Result:   audit.OK,
			ActorID:  a.ID(),
			ClientID: id,
			Reason:   what,
			Origin:   a.Origin,
		})
	})
	return people.RecordRefusal(ctx, s.DB, err)
}

func (s *Service) view(ctx context.Context, a access.Actor, action access.Action, fn func(tx *db.Tx) error) error {
	return people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, action, access.Target{}); err != nil {
			return err
		}
		return fn(tx)
	})
}
