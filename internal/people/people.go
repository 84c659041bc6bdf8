package people

import (
	"context"
	"fmt"
	"sync"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/notify"
	"countersign/internal/passwordlink"
	"countersign/internal/user"
)

// Service administers people.
type Service struct {
	DB        *db.DB
	Gate      *gate.Gate            // judges the session in which a person acts
	Links     *passwordlink.Service // sends invitations
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Bindable  []authenticator.Kind // what people can set up in this installation
	Counter   *Counter             // nil: everyone is counted while someone waits
	importing sync.Map             // ids of companies that import people now
	SMTPUTF8  bool                 // the mail server takes addresses with letters beyond ASCII before the @
}

// Ref names a person: by address, or by company and id.
type Ref struct{ Email, TenantID, UserID string }

// ByEmail names the person with an address.
func ByEmail(address string) Ref { return Ref{Email: address} }

// ByID names a person of a company.
func ByID(tenantID, userID string) Ref { return Ref{TenantID: tenantID, UserID: userID} }

var errUnknown = fault.New(fault.NotFound, "user.unknown")

// load reads the person whom an action affects. Except for the vendor's staff, people find only those of their own
// company, so that they do not learn who is in another.
func (r Ref) load(
	ctx context.Context, tx *db.Tx, a access.Actor, action access.Action,
) (u user.User, err error) {
	if r.Email != "" {
		u, err = user.ByEmail(ctx, tx, r.Email)
	} else {
		u, err = user.ByID(ctx, tx.ForTenant(r.TenantID), r.UserID)
	}
	if err == nil && !a.Staff() && u.TenantID != a.TenantID {
		u, err = user.User{}, errUnknown
	}
	if fault.Is(err, fault.NotFound) {
		err = unknownTo(a, action, err)
	}
	return u, err
}

func target(u user.User) access.Target {
	return access.Target{TenantID: u.TenantID, UserID: u.ID, Role: u.Role}
}

// Details are a person and their sign-in methods, without secrets.
type Details struct {
	User    user.User
	Methods []authenticator.Authenticator
}

// Find loads a person with their methods.
func (s *Service) Find(ctx context.Context, a access.Actor, ref Ref) (d Details, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if d.User, err = ref.load(ctx, tx, a, access.ListPeople); err != nil {
			return err
		}
		for _, action := range []access.Action{access.ListPeople, access.ListMethods} {
			if err := access.Check(a, action, target(d.User)); err != nil {
				return err
			}
		}
		d.Methods, err = authenticator.Of(ctx, tx.ForTenant(d.User.TenantID), d.User.ID)
		return err
	})
	return d, err
}

// List returns up to limit people of a company by address, after that of the last person on the previous page.
func (s *Service) List(
	ctx context.Context, a access.Actor, company, after string, limit int,
) (out []user.User, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, access.ListPeople, company)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ListPeople, access.Target{TenantID: id}); err != nil {
			return err
		}
		out, err = user.ListAfter(ctx, tx.ForTenant(id), after, limit)
		return err
	})
	return out, err
}

// change runs fn with a person as they are in the transaction; their row is locked, so that no one changes their role
// meanwhile. While the audit cannot be written, the change is made and recorded later: ending sessions must not fail. A
// refusal is recorded, too; action is what is tried first.
func (s *Service) change(
	ctx context.Context, a access.Actor, action access.Action, ref Ref,
	fn func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error,
) error {
	err := audit.OrLater(ctx, s.DB, db.Installation, func(ctx context.Context, tx *db.Tx) error {
		a, err := Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		u, err := ref.load(ctx, tx, a, action)
		if err != nil {
			return err
		}
		tx = tx.ForTenant(u.TenantID)
		if err := user.Lock(ctx, tx, u.ID); err != nil {
			return err
		}
		if u, err = user.ByID(ctx, tx, u.ID); err != nil {
			return err
		}
		return fn(ctx, tx, a, u)
	})
	return RecordRefusal(ctx, s.DB, err)
}

func record(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, action audit.Action, what string) error {
	err := audit.Record(ctx, tx, audit.Event{
		Action:  action,
		Result:  audit.OK,
		ActorID: a.ID(),
		UserID:  u.ID,
		Reason:  what,
		Origin:  a.Origin,
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", action, err)
	}
	return nil
}
