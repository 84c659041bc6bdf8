package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/user"
)

// Changes are what an administrator may change of a person. What is nil stays as it is.
type Changes struct {
	Role     *user.Role
	Email    *string
	Disabled *bool
	Seen     Seen
	Force    bool // even where the company is left without an active owner
}

// Seen is what an administrator saw of a person before they decided; what is empty does not matter.
type Seen struct {
	Role  user.Role
	Email string
}

// ErrOutdated is why a change is refused that was decided on a page which showed what someone else has changed since.
// Its fault is Outdated.
var ErrOutdated = fault.New(fault.Outdated, "console.outdated")

// Mark stands for what a page showed, as an entity tag does (RFC 9110 §8.8.3): equal marks mean that nothing has
// changed.
func Mark(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// current fails where someone else has changed since what c changes.
func (c Changes) current(u user.User) error {
	if c.Role != nil && c.Seen.Role != "" && c.Seen.Role != u.Role ||
		c.Email != nil && c.Seen.Email != "" && c.Seen.Email != u.Email {
		return ErrOutdated
	}
	return nil
}

// first is the action that is tried first.
func (c Changes) first() access.Action {
	switch {
	case c.Role != nil:
		return access.ChangeRole
	case c.Email != nil:
		return access.ChangeAddress
	case c.Disabled != nil && !*c.Disabled:
		return access.EnablePerson
	}
	return access.DisablePerson
}

// Change makes all of the changes of a person or none.
func (s *Service) Change(ctx context.Context, a access.Actor, ref Ref, c Changes) error {
	err := s.change(ctx, a, c.first(), ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := c.current(u); err != nil {
				return err
			}
			if c.Role != nil {
				if err := s.changeRole(ctx, tx, a, u, *c.Role, c.Force); err != nil {
					return err
				}
				u.Role = *c.Role
			}
			if c.Email != nil {
				if err := s.changeAddress(ctx, tx, a, u, *c.Email); err != nil {
					return err
				}
			}
			switch {
			case c.Disabled == nil:
				return nil
			case *c.Disabled:
				return s.disable(ctx, tx, a, u, c.Force)
			}
			return s.enable(ctx, tx, a, u)
		})
	return s.RecordTaken(ctx, a, audit.UserAddress, err)
}

// changeAddress ends sessions and remembered browsers, and tells the old addresses and the new one.
func (s *Service) changeAddress(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, address string) error {
	if err := access.Check(a, access.ChangeAddress, target(u)); err != nil {
		return err
	}
	if err := mayTryAddress(ctx, tx, a); err != nil {
		return err
	}
	had, err := user.Addresses(ctx, tx, u)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	if err := user.CheckReachable(address, s.SMTPUTF8); err != nil {
		return err
	}
	stored, err := user.ChangeEmail(ctx, tx, u.ID, address)
	if err != nil {
		return fmt.Errorf("change address: %w", err)
	}
	if err := outofband.Follow(ctx, tx, u.ID, stored); err != nil {
		return fmt.Errorf("move the mailbox: %w", err)
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	if err := s.Notifier.SendAddressChanged(ctx, tx, u, had, stored); err != nil {
		return err
	}
	return record(ctx, tx, a, u, audit.UserAddress, "changed by "+actorText(a))
}

// actorText is the kind of an actor in the words of audit rows.
func actorText(a access.Actor) string {
	if a.Kind == access.CommandLine {
		return "the command line"
	}
	return string(a.Kind)
}

var (
	errDisabledAlready = fault.New(fault.Conflict, "user.is_disabled_already")
	errNotDisabled     = fault.New(fault.Conflict, "user.not_disabled")
)

// disable keeps a person out and ends their sessions and remembered browsers. Conflict where they are kept out already.
// change holds their row, so that of two at once the second sees what the first has done.
func (s *Service) disable(ctx context.Context, tx *db.Tx, a access.Actor, u user.User, force bool) error {
	if err := access.Check(a, access.DisablePerson, target(u)); err != nil {
		return err
	}
	if !u.DisabledAt.IsZero() {
		return errDisabledAlready
	}
	if err := s.keepAnOwner(ctx, tx, a, u, force); err != nil {
		return err
	}
	if err := user.Disable(ctx, tx, u.ID); err != nil {
		return fmt.Errorf("disable person: %w", err)
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	if err := record(ctx, tx, a, u, audit.UserDisabled, ""); err != nil {
		return err
	}
	return s.Notifier.SendOperatorChange(ctx, tx, u, "user.disabled")
}

// enable lets a person in again; Conflict where they are not disabled. The command line also lets methods work again
// that were disabled after wrong answers. People can't: a guesser would get more tries at an account that an
// administrator opens again, or for the asking where it was never closed. They have ResetMethods.
func (s *Service) enable(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) (err error) {
	if err := access.Check(a, access.EnablePerson, target(u)); err != nil {
		return err
	}
	revived := false
	if a.Kind == access.CommandLine {
		if revived, err = reviveMethods(ctx, tx, u); err != nil {
			return err
		}
	}
	if u.DisabledAt.IsZero() && !revived {
		return errNotDisabled
	}
	if err := user.Enable(ctx, tx, u.ID); err != nil {
		return fmt.Errorf("enable person: %w", err)
	}
	if err := spendChange(ctx, tx, a, u); err != nil {
		return err
	}
	if err := record(ctx, tx, a, u, audit.UserEnabled, ""); err != nil {
		return err
	}
	return s.Notifier.SendOperatorChange(ctx, tx, u, "user.enabled")
}

// reviveMethods lets methods work again that were disabled after wrong answers, and forgets the wrong answers of the
// others. It reports whether there was one that was disabled. Suspended methods stay as they are.
func reviveMethods(ctx context.Context, tx *db.Tx, u user.User) (revived bool, err error) {
	all, err := authenticator.Of(ctx, tx, u.ID)
	if err != nil {
		return false, fmt.Errorf("list methods: %w", err)
	}
	for _, m := range all {
		if !m.SuspendedAt.IsZero() {
			continue
		}
		revived = revived || !m.DisabledAt.IsZero()
		if err := authenticator.Enable(ctx, tx, m.ID); err != nil {
			return false, fmt.Errorf("enable method: %w", err)
		}
	}
	return revived, nil
}

// SetPassword gives a person a password, or an imported hash, and ends everything that an older one opened.
func (s *Service) SetPassword(ctx context.Context, a access.Actor, ref Ref, p NewPassword) error {
	words, err := s.maySetPassword(ctx, a, ref)
	if err != nil {
		return err
	}
	stored, err := s.hash(ctx, p, words...)
	if err == nil && stored == nil {
		err = fault.New(fault.Invalid, "password.problem.short")
	}
	if err != nil {
		return err
	}
	return s.change(ctx, a, access.SetPassword, ref,
		func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
			if err := access.Check(a, access.SetPassword, target(u)); err != nil {
				return err
			}
			old, err := password.Load(ctx, tx, u.ID)
			if err != nil {
				return fmt.Errorf("load password: %w", err)
			}
			if err := password.Set(ctx, tx, u.ID, *stored); err != nil {
				return fmt.Errorf("store password: %w", err)
			}
			if err := spendChange(ctx, tx, a, u); err != nil {
				return err
			}
			if err := user.PasswordChanged(ctx, tx, u.ID); err != nil {
				return fmt.Errorf("end sessions: %w", err)
			}
			if old.Hash != "" { // a first one is no news
				if err := s.Notifier.SendOperatorChange(ctx, tx, u, "password.set"); err != nil {
					return err
				}
			}
			return record(ctx, tx, a, u, audit.PasswordSet, "")
		})
}

// maySetPassword looks at the rights before a password is hashed, which costs much; they are looked at again when
// it is stored. words are what the person's password may not be made of.
func (s *Service) maySetPassword(ctx context.Context, a access.Actor, ref Ref) (words []string, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		u, err := ref.load(ctx, tx, a, access.SetPassword)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.SetPassword, target(u)); err != nil {
			return err
		}
		words, err = names(ctx, tx, u.TenantID)
		words = append(words, u.Name, u.Email)
		return err
	})
	return words, err
}
