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

// SendOperatorChange tells a person, at each of their addresses, what those who run the installation
// changed about their account: "password.set", "user.disabled", "user.enabled".
func (n *Notifier) SendOperatorChange(ctx context.Context, tx *db.Tx, u user.User, what string) error {
	notice, err := operatorNotice(ctx, tx, what, email.ByHand{At: tx.Now})
	if err != nil {
		return err
	}
	return n.SendToHolder(ctx, tx, u, notice)
}

// SendAddressChanged tells a person that those who run the installation changed their address. It is
// sent to the old addresses and to the new one.
func (n *Notifier) SendAddressChanged(ctx context.Context, tx *db.Tx, u user.User, old []string, address string) error {
	c := email.ByHand{Old: outofband.Mask(u.Email), New: outofband.Mask(address), At: tx.Now}
	notice, err := operatorNotice(ctx, tx, "user.address", c)
	if err != nil {
		return err
	}
	return n.SendToAddresses(ctx, tx, u, append(old, address), notice)
}

// operatorNotice is the notice of a change that those who run the installation made.
func operatorNotice(ctx context.Context, tx *db.Tx, what string, c email.ByHand) (Notice, error) {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return Notice{}, fmt.Errorf("load the vendor's name: %w", err)
	}
	c.Vendor, c.What = i.Name, strings.Replace(what, ".", " ", 1)
	return Notice{Purpose: what, Content: c}, nil
}
