package profile

import (
	"context"

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
	return s.byHand(ctx, tx, u, all, email.ByHand{What: what, At: tx.Now})
}

// TellMoved tells the addresses that a person had, and the one that they have now, that it
// was changed by those who run the installation.
func (s *Service) TellMoved(ctx context.Context, tx *db.Tx, u user.User, had []string, now string) error {
	return s.byHand(ctx, tx, u, append(had, now), email.ByHand{What: "user.address", Old: outofband.Mask(u.Email), New: outofband.Mask(now), At: tx.Now})
}

func (s *Service) byHand(ctx context.Context, tx *db.Tx, u user.User, to []string, c email.ByHand) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	c.Vendor = i.Name
	for _, address := range to {
		if err := s.write(ctx, tx, u, address, c.What, c); err != nil {
			return err
		}
	}
	return nil
}
