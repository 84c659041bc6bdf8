package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/passwordlink"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// NewPassword is a first password, or the hash of one made elsewhere (PHC string). The zero value is neither.
type NewPassword struct{ Plain, Hash secret.Text }

// New is a person to add. Without a password they are invited to choose one, unless Uninvited is set.
type New struct {
	Email, Name, Language string
	Role                  user.Role
	Password              NewPassword
	Uninvited             bool
}

// Invited reports whether adding the person sends an invitation.
func (n New) Invited() bool { return n.Password == (NewPassword{}) && !n.Uninvited }

// Add adds a person to a company. Their address counts as verified. The company's owners are told of a new owner or
// admin, and the vendor's operators of a new operator, unless the command line adds them.
func (s *Service) Add(ctx context.Context, a access.Actor, company string, n New) (u user.User, err error) {
	words, err := s.mayAdd(ctx, a, company, n)
	if err != nil {
		return u, err
	}
	stored, err := s.hash(ctx, n.Password, append(words, n.Name, n.Email)...)
	if err != nil {
		return u, err
	}
	err = s.inCompany(ctx, a, access.AddPerson, company, func(ctx context.Context, tx *db.Tx, a access.Actor) error {
		if err := n.check(a, tx.Tenant); err != nil {
			return err
		}
		u, err = s.add(ctx, tx, a, n, stored)
		return err
	})
	return u, s.RecordTaken(ctx, a, audit.UserCreated, err)
}

// add adds a person to tx.Tenant whom the actor may add.
func (s *Service) add(
	ctx context.Context, tx *db.Tx, a access.Actor, n New, stored *password.Stored,
) (u user.User, err error) {
	u, err = setup.Add(ctx, tx, setup.Person{
		Email:    n.Email,
		Name:     n.Name,
		Role:     n.Role,
		Language: n.Language,
		Password: stored,
		SMTPUTF8: s.SMTPUTF8,
		By:       a.ID(),
		Origin:   a.Origin,
	})
	if err != nil {
		return u, fmt.Errorf("add person: %w", err)
	}
	if n.Invited() {
		if err := s.Links.Invite(ctx, tx, u, a); err != nil {
			return u, err
		}
	}
	return u, s.tellAdded(ctx, tx, a, u)
}

// AddInvited adds a person to tx.Tenant and invites them, as part of a change whose actor has the rights that they
// have in tx. Its caller records with RecordTaken where their address is taken.
func (s *Service) AddInvited(ctx context.Context, tx *db.Tx, a access.Actor, n New) error {
	n.Password, n.Uninvited = NewPassword{}, false
	if err := n.check(a, tx.Tenant); err != nil {
		return err
	}
	if err := mayTryAddress(ctx, tx, a); err != nil {
		return err
	}
	_, err := s.add(ctx, tx, a, n, nil)
	return err
}

// mayAdd looks at the rights before a password is hashed, which costs much; they are looked at again when the
// person is added. words are what no password of the company may be made of.
func (s *Service) mayAdd(ctx context.Context, a access.Actor, company string, n New) (words []string, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, access.AddPerson, company)
		if err != nil {
			return err
		}
		if err := n.check(a, id); err != nil {
			return err
		}
		if err := mayTryAddress(ctx, tx, a); err != nil {
			return err
		}
		words, err = names(ctx, tx, id)
		return err
	})
	return words, err
}

// names are those of a company and of the vendor.
func names(ctx context.Context, tx *db.Tx, companyID string) ([]string, error) {
	t, err := tenant.ByID(ctx, tx, companyID)
	if err != nil {
		return nil, fmt.Errorf("load company: %w", err)
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("load installation: %w", err)
	}
	return []string{t.Name, i.Name}, nil
}

// check asks for the right to add the person to a company, and to give them a password where they get one.
func (n New) check(a access.Actor, companyID string) error {
	t := access.Target{TenantID: companyID, Role: n.Role}
	if err := access.Check(a, access.AddPerson, t); err != nil || n.Password == (NewPassword{}) {
		return err
	}
	return access.Check(a, access.SetPassword, t)
}

// Invite mails a person without a password a new invitation; earlier ones stop working.
func (s *Service) Invite(ctx context.Context, a access.Actor, ref Ref) error {
	return s.change(ctx, a, access.InvitePerson, ref, s.invite)
}

func (s *Service) invite(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
	if err := access.Check(a, access.InvitePerson, target(u)); err != nil {
		return err
	}
	return s.Links.Invite(ctx, tx, u, a)
}

// WithdrawInvitation ends the invitation of a person who has not accepted it: its link stops working. Conflict where
// they have accepted it, or where there is none.
func (s *Service) WithdrawInvitation(ctx context.Context, a access.Actor, ref Ref) error {
	return s.change(ctx, a, access.InvitePerson, ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := access.Check(a, access.InvitePerson, target(u)); err != nil {
				return err
			}
			return s.Links.Withdraw(ctx, tx, u, a)
		})
}

var errWithdrawn = fault.New(fault.Conflict, "people.invitation_withdrawn")

// inviteAgain is invite for one of many people: someone whose invitation was withdrawn is invited only by themselves.
func (s *Service) inviteAgain(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
	if err := access.Check(a, access.InvitePerson, target(u)); err != nil {
		return err
	}
	withdrawn, err := passwordlink.Withdrawn(ctx, tx, u.ID)
	if err == nil && withdrawn {
		err = errWithdrawn
	}
	if err != nil {
		return err
	}
	return s.invite(ctx, tx, a, u)
}

// hash computes what is stored of a password, outside any transaction; nil where there is none. words are what
// the password must not be made of.
func (s *Service) hash(ctx context.Context, p NewPassword, words ...string) (*password.Stored, error) {
	switch {
	case p.Plain != "":
		if err := password.Check(p.Plain, words...); err != nil {
			return nil, err
		}
		stored, err := s.Passwords.Hash(ctx, p.Plain)
		return &stored, err
	case p.Hash != "":
		return &password.Stored{Hash: p.Hash.Reveal()}, s.Passwords.CheckImported(p.Hash.Reveal())
	}
	return nil, nil
}

var errNoCompany = fault.New(fault.NotFound, "tenant.unknown")

// inCompany runs fn in a write transaction of a company, with the actor's rights there.
func (s *Service) inCompany(
	ctx context.Context, a access.Actor, action access.Action, company string,
	fn func(ctx context.Context, tx *db.Tx, a access.Actor) error,
) error {
	err := audit.OrLater(ctx, s.DB, db.Installation, func(ctx context.Context, tx *db.Tx) error {
		a, err := Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, action, company)
		if err != nil {
			return err
		}
		return fn(ctx, tx.ForTenant(id), a)
	})
	return RecordRefusal(ctx, s.DB, err)
}

// companyID finds the company that an action concerns by id or name. Outside the vendor people know their own only.
func companyID(
	ctx context.Context, tx *db.Tx, a access.Actor, action access.Action, idOrName string,
) (string, error) {
	if a.Staff() {
		t, err := tenant.Find(ctx, tx, idOrName)
		return t.ID, err
	}
	if idOrName != a.TenantID {
		return "", unknownTo(a, action, errNoCompany)
	}
	return a.TenantID, nil
}
