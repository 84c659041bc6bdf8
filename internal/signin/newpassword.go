package signin

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

const minLength = password.MinLength

// ReplacePassword sets a new password for a claimant whose old one was reported as known
// to somebody else, after every proof that policy asks for. Everything that the old
// password opened ends; this flow goes on.
func (s *Service) ReplacePassword(ctx context.Context, ref secret.Reference, plain string, v session.Visitor) (Step, error) {
	words, err := s.mayReplace(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := password.Check(plain, words...); err != nil {
		return nil, err
	}
	stored, err := s.Passwords.Hash(ctx, plain) // slow: outside any transaction
	if err != nil {
		return nil, err
	}
	var step Step
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) (err error) {
		step, err = s.replace(ctx, tx, ref, stored, v)
		return err
	})
	return step, err
}

var errNotAsked = fault.New(fault.Denied, "signin.not_asked")

// mayReplace returns the words that the new password must not be made of.
func (s *Service) mayReplace(ctx context.Context, ref secret.Reference) (words []string, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		step, err := s.standing(ctx, tx, f, "")
		if err != nil {
			return err
		}
		ask, ok := step.(ReplacePassword)
		if !ok {
			return errNotAsked
		}
		words = []string{f.Vendor.Name, f.Tenant.Name, f.User.Name, ask.Email, f.App.Name}
		return nil
	})
	return words, err
}

func (s *Service) replace(ctx context.Context, tx *db.Tx, ref secret.Reference, stored password.Stored, v session.Visitor) (Step, error) {
	f, err := s.hold(ctx, tx, ref)
	if err != nil {
		return nil, err
	}
	if why := f.over(tx.Now); why != "" {
		return f.overStep(why), nil
	}
	d, _, err := s.decide(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	if d.Outcome != "allow" || f.User.PasswordFlaggedAt.IsZero() {
		return nil, errNotAsked
	}
	if err := password.Set(ctx, tx, f.User.ID, stored); err != nil {
		return nil, err
	}
	if err := user.PasswordChanged(ctx, tx, f.User.ID); err != nil {
		return nil, err
	}
	if err := audit.Record(ctx, tx, event("password.replaced", "ok", "reported", f.User.ID, f.ClientID, string(authenticator.Password), f.ID, v)); err != nil {
		return nil, err
	}
	f.SecurityVersion++
	f.User.SecurityVersion++
	f.User.PasswordFlaggedAt = db.Time(0)
	return s.next(ctx, tx, f, false)
}
