package notify

import (
	"context"
	"fmt"
	"strings"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TellByHand tells a person, at every address they have, that those who run the installation
// did something to their account: "password.set", "user.disabled", "user.enabled".
func (n *Notifier) TellByHand(ctx context.Context, tx *db.Tx, u user.User, what string) error {
	notice, err := byHand(ctx, tx, what, email.ByHand{At: tx.Now})
	if err != nil {
		return err
	}
	return n.TellHolder(ctx, tx, u, notice)
}

// TellMoved tells the addresses that a person had, and the one that they have now, that it
// was changed by those who run the installation.
func (n *Notifier) TellMoved(ctx context.Context, tx *db.Tx, u user.User, had []string, now string) error {
	c := email.ByHand{Old: outofband.Mask(u.Email), New: outofband.Mask(now), At: tx.Now}
	notice, err := byHand(ctx, tx, "user.address", c)
	if err != nil {
		return err
	}
	return n.TellAddresses(ctx, tx, u, append(had, now), notice)
}

// byHand is the notice of what those who run the installation did.
func byHand(ctx context.Context, tx *db.Tx, what string, c email.ByHand) (Notice, error) {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return Notice{}, fmt.Errorf("load the vendor's name: %w", err)
	}
	c.Vendor, c.What = i.Name, strings.Replace(what, ".", " ", 1)
	return Notice{Purpose: what, Content: c}, nil
}
