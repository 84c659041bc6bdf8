package profile

import (
	"context"
	"strings"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TellByHand tells a person, at every address they have, that those who run the installation
// did something to their account: "password.set", "user.disabled", "user.enabled".
func (s *Service) TellByHand(ctx context.Context, tx *db.Tx, u user.User, what string) error {
	all, err := user.Addresses(ctx, tx, u)
	if err != nil {
		return err
	}
	return s.byHand(ctx, tx, u, what, all, email.ByHand{At: tx.Now})
}

// TellMoved tells the addresses that a person had, and the one that they have now, that it
// was changed by those who run the installation.
func (s *Service) TellMoved(ctx context.Context, tx *db.Tx, u user.User, had []string, now string) error {
	return s.byHand(ctx, tx, u, "user.address", append(had, now), email.ByHand{Old: outofband.Mask(u.Email), New: outofband.Mask(now), At: tx.Now})
}

func (s *Service) byHand(ctx context.Context, tx *db.Tx, u user.User, what string, to []string, c email.ByHand) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	c.Vendor, c.What = i.Name, strings.Replace(what, ".", " ", 1)
	for _, address := range to {
		if err := s.write(ctx, tx, u, address, what, c); err != nil {
			return err
		}
	}
	return nil
}
