// Package company is the journey of administering companies and the installation: what the vendor and a company's
// owner decide about two-factor authentication. Each function checks access, changes and records in one
// transaction. It refuses to say what a decision means for a sign-in: that is policy.
package company

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/geo"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

// Service administers companies.
type Service struct {
	DB        *db.DB
	Keys      *secret.Keys
	Queue     *message.Queue
	Limits    config.Limits
	Notifier  *notify.Notifier
	People    *people.Service
	Gate      *gate.Gate           // judges the session in which a person acts
	Countries []string             // whose telephone numbers the installation takes; empty: all
	Bindable  []authenticator.Kind // what people can set up in this installation
	Languages []string             // that pages are written in
	Origin    string               // of the links in mails
	Places    *geo.Places          // where addresses are; nil: unknown

	pictures sync.Mutex // one is decoded at a time: it can take a hundred times the memory of its file
}

var errUnknown = fault.New(fault.NotFound, "tenant.unknown")

// New is what a company is made of. An empty ID is replaced by a new one.
type New struct {
	ID, Name string
	Owner    *people.New // who is invited as its first owner; nil = no one yet
	Changes
}

// Create adds a company with what has been decided about it, and its first owner.
func (s *Service) Create(ctx context.Context, a access.Actor, n New) (t tenant.Tenant, err error) {
	n.ConfirmName = n.Name // nothing is switched off that was on
	err = s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		a, err := people.Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.CreateCompany, access.Target{}); err != nil {
			return err
		}
		if t, err = tenant.Create(ctx, tx, n.ID, n.Name, tenant.Company); err != nil {
			return fmt.Errorf("create company: %w", err)
		}
		tx = tx.ForTenant(t.ID)
		if err := record(ctx, tx, a, audit.TenantCreated, t.Name); err != nil {
			return err
		}
		if err := s.apply(ctx, tx, a, t, n.Changes); err != nil {
			return err
		}
		if n.Owner != nil {
			if err := s.People.AddInvited(ctx, tx, a, *n.Owner); err != nil {
				return err
			}
		}
		t, err = tenant.ByID(ctx, tx, t.ID)
		return err
	})
	if n.Owner != nil {
		err = s.People.RecordTaken(ctx, a, audit.UserCreated, err)
	}
	return t, people.RecordRefusal(ctx, s.DB, err)
}

// Change makes all of the changes of a company or none, and tells its owners and admins where it is protected less
// now, suspended or resumed. While the audit cannot be written, they are made and recorded later: a suspension must
// not fail.
func (s *Service) Change(
	ctx context.Context, a access.Actor, idOrName string, c Changes,
) (t tenant.Tenant, err error) {
	c.Reason = strings.Join(strings.Fields(c.Reason), " ")
	err = audit.OrLater(ctx, s.DB, db.Installation, func(ctx context.Context, tx *db.Tx) error {
		a, err := people.Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if t, err = find(ctx, tx, a, c.first(), idOrName); err != nil {
			return err
		}
		tx = tx.ForTenant(t.ID)
		was, err := held(ctx, tx)
		if err != nil {
			return err
		}
		changes, err := c.decided(a, was, tx.Now)
		if err != nil {
			return err
		}
		if err := s.apply(ctx, tx, a, was, changes); err != nil {
			return err
		}
		if t, err = tenant.ByID(ctx, tx, t.ID); err != nil {
			return err
		}
		if err := s.keepReachable(ctx, tx, a, was, t, changes); err != nil {
			return err
		}
		if err := s.tellState(ctx, tx, a, was, t, c.Reason); err != nil {
			return err
		}
		return s.tellLowered(ctx, tx, a, was, t)
	})
	return t, people.RecordRefusal(ctx, s.DB, err)
}

// held is the company of the transaction, which no one else changes until the transaction ends. Of two changes at the
// same moment, the second judges what the first has left.
func held(ctx context.Context, tx *db.Tx) (tenant.Tenant, error) {
	if err := tenant.Lock(ctx, tx); err != nil {
		return tenant.Tenant{}, fmt.Errorf("hold company: %w", err)
	}
	return tenant.ByID(ctx, tx, tx.Tenant)
}

// Find loads a company.
func (s *Service) Find(ctx context.Context, a access.Actor, idOrName string) (t tenant.Tenant, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if t, err = find(ctx, tx, a, access.ViewCompany, idOrName); err != nil {
			return err
		}
		return access.Check(a, access.ViewCompany, access.Target{TenantID: t.ID})
	})
	return t, err
}

// find loads the company that an action concerns by id or name. Outside the vendor people know their own company only,
// so that they do not learn which others exist.
func find(
	ctx context.Context, tx *db.Tx, a access.Actor, action access.Action, idOrName string,
) (tenant.Tenant, error) {
	if a.Staff() {
		return tenant.Find(ctx, tx, idOrName)
	}
	if idOrName != a.TenantID {
		return tenant.Tenant{}, &access.Refusal{Actor: a, Action: action, Cause: errUnknown}
	}
	return tenant.ByID(ctx, tx, a.TenantID)
}

// List returns up to limit companies by name, after the one that was last on the page before. The last company of a
// full page is where the next one begins.
func (s *Service) List(
	ctx context.Context, a access.Actor, after tenant.Place, limit int,
) (out []tenant.Tenant, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ListCompanies, access.Target{}); err != nil {
			return err
		}
		out, err = tenant.ListAfter(ctx, tx, tenant.Search{After: after, Limit: limit})
		return err
	})
	return out, err
}

func record(ctx context.Context, tx *db.Tx, a access.Actor, action audit.Action, what string) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:  action,
		Result:  audit.OK,
		ActorID: a.ID(),
		Reason:  what,
		Origin:  a.Origin,
	})
}
