// Package setup owns the first run and the adding of people by hand. The set-up token is
// printed once where the program runs; anyone who holds it makes the first operator, and
// no one can do so again. It refuses to invent a default account.
package setup

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Service makes people.
type Service struct {
	DB        *db.DB
	Passwords *password.Pool
	SMTPUTF8  bool // the mail server takes addresses with letters beyond ASCII before the @
}

// Begin returns the token to be printed on the console; it is empty once the installation
// has been set up.
func (s *Service) Begin(ctx context.Context) (token secret.Text, err error) {
	err = s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		token, err = tenant.OfferSetUp(ctx, tx)
		return err
	})
	return token, err
}

// First is the answer to the set-up page.
type First struct {
	Token, Company, Name, Email string
	Password                    secret.Text
	Language                    string
	Visitor                     session.Visitor
}

// Run spends the token and makes the vendor's tenant and its first operator, all or
// nothing. It fails with fault Denied on a wrong or spent token.
func (s *Service) Run(ctx context.Context, f First) error {
	if err := password.Check(f.Password, f.Company, f.Name, f.Email); err != nil {
		return err
	}
	stored, err := s.Passwords.Hash(ctx, f.Password)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := tenant.ClaimSetUp(ctx, tx, f.Token); err != nil {
			return err
		}
		t, err := tenant.Create(ctx, tx, "", f.Company, tenant.Vendor)
		if err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return err
		}
		i.Name = t.Name
		if err := tenant.SaveInstallation(ctx, tx, i); err != nil {
			return err
		}
		tx = tx.ForTenant(t.ID)
		if err := tenant.SwitchOn(ctx, tx); err != nil {
			return err
		}
		_, err = Add(ctx, tx, Person{
			Email:    f.Email,
			Name:     f.Name,
			Role:     user.Operator,
			Language: f.Language,
			Password: &stored,
			SMTPUTF8: s.SMTPUTF8,
			By:       "setup",
			Origin:   f.Visitor.Origin(),
		})
		return err
	})
}

// Person is someone to add.
type Person struct {
	Email, Name, Language string
	Role                  user.Role
	Password              *password.Stored // nil: cannot sign in yet
	SMTPUTF8              bool             // as of Service
	By                    string           // who adds, for the audit log
	Origin                audit.Origin
}

// Add makes a user of the transaction's tenant whose email address counts as verified.
func Add(ctx context.Context, tx *db.Tx, p Person) (user.User, error) {
	if err := user.CheckReachable(p.Email, p.SMTPUTF8); err != nil {
		return user.User{}, err
	}
	u, err := user.Create(ctx, tx, p.Email, p.Name, p.Role, p.Language)
	if err != nil {
		return u, err
	}
	if _, err := outofband.Bind(ctx, tx, u.ID, authenticator.Email, u.Email); err != nil {
		return u, err
	}
	if p.Password != nil {
		if err := password.Set(ctx, tx, u.ID, *p.Password); err != nil {
			return u, err
		}
	}
	return u, audit.Record(ctx, tx, audit.Event{
		Action:  audit.UserCreated,
		Result:  audit.OK,
		Reason:  string(p.Role),
		ActorID: p.By,
		UserID:  u.ID,
		Origin:  p.Origin,
	})
}

// Disable closes the account of someone who has left, as the first steps of an installation may.
func Disable(ctx context.Context, tx *db.Tx, userID string) error {
	if err := user.Disable(ctx, tx, userID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.UserDisabled,
		Result:  audit.OK,
		ActorID: "setup",
		UserID:  userID,
	})
}
