package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// changeRole needs the right for the role that the person has, and for the one that they get. No person gives an owner
// or an operator another role: they could then change that account's address, reset its methods, and give it its role
// back.
// The role that they have already changes nothing and is not recorded.
// The person's sessions end, so that none keeps what the role before allowed (SEC-59), and they are told.
func (s *Service) changeRole(
	ctx context.Context, tx *db.Tx, a access.Actor, u user.User, role user.Role, force bool,
) error {
	next := target(u)
	next.Role = role
	for _, t := range []access.Target{target(u), next} {
		if err := access.Check(a, access.ChangeRole, t); err != nil {
			return err
		}
	}
	if role == u.Role {
		return nil
	}
	if leads(u.Role) {
		if err := access.Check(a, access.Demote, target(u)); err != nil {
			return err
		}
	}
	if err := s.keepAnOwner(ctx, tx, a, u, force); err != nil {
		return err
	}
	if err := user.SetRole(ctx, tx, u.ID, role); err != nil {
		return fmt.Errorf("change role: %w", err)
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	if err := s.tellRole(ctx, tx, a, u, role); err != nil {
		return fmt.Errorf("tell of the role: %w", err)
	}
	return record(ctx, tx, a, u, audit.UserRole, string(role))
}

var errLastOwner = fault.New(fault.Conflict, "user.last_owner")

// keepAnOwner fails with Conflict where a person is the last active owner of their company who can sign in. The
// company's row is held: of two owners who remove each other at once, the second sees what the first has left.
func (s *Service) keepAnOwner(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, force bool) error {
	if u.Role != user.Owner || !u.DisabledAt.IsZero() {
		return nil
	}
	if force {
		return access.Check(a, access.RemoveLastOwner, target(u))
	}
	if err := tenant.Lock(ctx, tx); err != nil {
		return fmt.Errorf("lock company: %w", err)
	}
	others, err := user.OtherOwners(ctx, tx, u.ID)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	for _, id := range others {
		if can, err := s.Gate.CanSignIn(ctx, tx, id); err != nil || can {
			return err
		}
	}
	return errLastOwner
}

// tellRole tells a person about their new role, and the other owners of their company if an owner was added or is no
// longer one.
func (s *Service) tellRole(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, role user.Role) error {
	letter, err := roleLetter(ctx, tx, a)
	if err != nil {
		return err
	}
	letter.Was, letter.Is = string(u.Role), string(role)
	notice := notify.Notice{Purpose: "user.role", Content: letter}
	if err := s.Notifier.SendToHolder(ctx, tx, u, notice); err != nil || !leads(u.Role) && !leads(role) {
		return err
	}
	letter.Name, letter.Email = u.Name, u.Email
	notice.Content = letter
	return s.Notifier.SendToOtherOwners(ctx, tx, []string{u.ID}, notice)
}

// tellAdded tells the owners of a company, or the operators of the vendor, of people who were added and may do as much
// as they or almost. The person who added them is told, too, if they are one of them: someone else may have
// their session.
// Those who were added with them are not told, and no one is of those whom the command line adds: it fills companies.
func (s *Service) tellAdded(ctx context.Context, tx *db.Tx, a access.Actor, added ...user.User) error {
	if a.Kind == access.CommandLine {
		return nil
	}
	var ids []string
	for _, u := range added {
		ids = append(ids, u.ID)
	}
	for _, u := range added {
		if !leads(u.Role) && u.Role != user.Admin {
			continue
		}
		letter, err := roleLetter(ctx, tx, a)
		if err != nil {
			return err
		}
		letter.Is, letter.Name, letter.Email = string(u.Role), u.Name, u.Email
		notice := notify.Notice{Purpose: "user.created", Content: letter}
		if err := s.Notifier.SendToOtherOwners(ctx, tx, ids, notice); err != nil {
			return fmt.Errorf("tell the owners: %w", err)
		}
	}
	return nil
}

// roleLetter is a letter about a role that an actor gave, without the role and the person.
func roleLetter(ctx context.Context, tx *db.Tx, a access.Actor) (letter email.RoleChanged, err error) {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return letter, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return letter, err
	}
	letter.Vendor, letter.Company = i.Name, t.Name
	letter.By, err = ChangedBy(ctx, tx, a)
	return letter, err
}

// leads reports whether a role is the highest of a company, or of the vendor's staff.
func leads(r user.Role) bool { return r == user.Owner || r == user.Operator }

// ChangedBy is an actor as letters name them.
func ChangedBy(ctx context.Context, tx *db.Tx, a access.Actor) (email.ChangedBy, error) {
	by := email.ChangedBy{
		Vendor:  a.Staff(),
		IP:      a.Origin.IP,
		Place:   a.Origin.Place,
		Browser: a.Origin.Browser,
		At:      tx.Now,
	}
	if a.Kind != access.Person {
		return by, nil
	}
	u, err := user.ByID(ctx, tx.ForTenant(a.TenantID), a.UserID)
	if err != nil {
		return by, fmt.Errorf("load the actor: %w", err)
	}
	by.Name, by.Email = u.Name, u.Email
	return by, nil
}
