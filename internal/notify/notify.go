// Package notify sends emails about what happened to an account: to its holder, to the administrators of their company
// or to the operators of the vendor. It decides who gets a notice, at which addresses, and within which budget. It does
// not send codes and links: those are messages of the journeys that check them.
//
// A notice is sent within a budget if strangers can cause it as often as they like: a sign-in with a password that
// they know, or a report of their own sign-ins. Without the budget they could fill a mailbox. A notice about a change
// to the account is sent without a budget: a thief must not be able to use the budget up first and then act unseen.
// What causes such a notice is limited in another way: it needs a session, or it happens once.
package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/ratelimit"
	"countersign/internal/user"
)

// The budgets of an address. Notices to the holder of an account share a budget with codes. Notices about other
// people's accounts have one of their own: someone who reports one sign-in after another must not use up the codes of
// their administrators (ATK-106).
const (
	holderBudget = "send.destination"
	adminBudget  = "alert.destination"
)

// noticeLife is how long a notice may wait for a mail server, unless it says otherwise.
const noticeLife = 24 * time.Hour

// Notifier sends notices.
type Notifier struct {
	Queue  *message.Queue
	Limits config.Limits
}

// Notice is one message to people, in any number of copies.
type Notice struct {
	Purpose      string // what it is about, shown to administrators: "password.changed"
	Content      email.Content
	WithinBudget bool          // send nothing, and record that, where the address has had too many messages
	Life         time.Duration // how long it may wait for a mail server; zero: a day
}

// SendToHolder sends a notice to the holder of an account of tx.Tenant, at each of their addresses.
func (n *Notifier) SendToHolder(ctx context.Context, tx *db.Tx, holder user.User, notice Notice) error {
	_, err := n.TrySendToHolder(ctx, tx, holder, notice)
	return err
}

// TrySendToHolder is SendToHolder and reports whether the budget of an address allowed the notice.
func (n *Notifier) TrySendToHolder(
	ctx context.Context, tx *db.Tx, holder user.User, notice Notice,
) (sent bool, err error) {
	return n.sendToPerson(ctx, tx, holder, holderBudget, notice)
}

// SendToAddresses sends a notice to the holder of an account at the given addresses only.
func (n *Notifier) SendToAddresses(ctx context.Context, tx *db.Tx, holder user.User, to []string, notice Notice) error {
	_, err := n.sendToAll(ctx, tx, holder, to, holderBudget, notice)
	return err
}

// SendToAdmins sends a notice to the owners and administrators of tx.Tenant.
func (n *Notifier) SendToAdmins(ctx context.Context, tx *db.Tx, notice Notice) error {
	people, err := user.Admins(ctx, tx)
	if err != nil {
		return fmt.Errorf("list administrators: %w", err)
	}
	return n.sendToEach(ctx, tx, people, notice)
}

// SendToOwners sends a notice to the owners of tx.Tenant, or to the operators if it is the vendor's.
func (n *Notifier) SendToOwners(ctx context.Context, tx *db.Tx, notice Notice) error {
	owners, err := owners(ctx, tx)
	if err != nil {
		return err
	}
	return n.sendToEach(ctx, tx, owners, notice)
}

// SendToOtherOwners is SendToOwners without some people, by their ids.
func (n *Notifier) SendToOtherOwners(ctx context.Context, tx *db.Tx, except []string, notice Notice) error {
	owners, err := owners(ctx, tx)
	if err != nil {
		return err
	}
	owners = slices.DeleteFunc(owners, func(u user.User) bool { return slices.Contains(except, u.ID) })
	return n.sendToEach(ctx, tx, owners, notice)
}

// owners are the owners of tx.Tenant, or the operators where it is the vendor's.
func owners(ctx context.Context, tx *db.Tx) ([]user.User, error) {
	people, err := user.Admins(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	return slices.DeleteFunc(people, func(u user.User) bool { return u.Role == user.Admin }), nil
}

// SendToOperators sends a notice to the vendor's operators, whichever tenant tx is in.
func (n *Notifier) SendToOperators(ctx context.Context, tx *db.Tx, notice Notice) error {
	people, err := user.Operators(ctx, tx)
	if err != nil {
		return fmt.Errorf("list operators: %w", err)
	}
	return n.sendToEach(ctx, tx, people, notice)
}

// sendToEach sends a notice that is not about the recipients' own accounts.
func (n *Notifier) sendToEach(ctx context.Context, tx *db.Tx, people []user.User, notice Notice) error {
	for _, u := range people {
		if _, err := n.sendToPerson(ctx, tx.ForTenant(u.TenantID), u, adminBudget, notice); err != nil {
			return err
		}
	}
	return nil
}

func (n *Notifier) sendToPerson(
	ctx context.Context, tx *db.Tx, u user.User, budget string, notice Notice,
) (sent bool, err error) {
	to, err := user.Addresses(ctx, tx, u)
	if err != nil {
		return false, fmt.Errorf("list addresses: %w", err)
	}
	return n.sendToAll(ctx, tx, u, to, budget, notice)
}

// sendToAll reports whether the notice was sent to one of the addresses at least.
func (n *Notifier) sendToAll(
	ctx context.Context, tx *db.Tx, u user.User, to []string, budget string, notice Notice,
) (sent bool, err error) {
	for _, address := range to {
		one, err := n.sendTo(ctx, tx, u, address, budget, notice)
		if err != nil {
			return sent, fmt.Errorf("send notice %s: %w", notice.Purpose, err)
		}
		sent = sent || one
	}
	return sent, nil
}

func (n *Notifier) sendTo(
	ctx context.Context, tx *db.Tx, u user.User, to, budget string, notice Notice,
) (sent bool, err error) {
	if notice.WithinBudget {
		wait, err := n.spendBudget(ctx, tx, to, budget)
		if err != nil {
			return false, err
		}
		if wait > 0 {
			return false, recordRefused(ctx, tx, u, notice)
		}
	}
	_, err = n.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    u.ID,
		Channel:   "email",
		Purpose:   notice.Purpose,
		To:        to,
		Hint:      outofband.Mask(to),
		Language:  u.Language,
		Template:  email.Template(notice.Content),
		Data:      notice.Content,
		ExpiresAt: tx.Now.Add(cmp.Or(notice.Life, noticeLife)),
	})
	return err == nil, err
}

// spendBudget takes one message from a budget of an address. A positive wait means that it is empty.
func (n *Notifier) spendBudget(ctx context.Context, tx *db.Tx, to, budget string) (time.Duration, error) {
	limit := ratelimit.Limit{Name: budget, Windows: []ratelimit.Window{
		{Count: n.Limits.SendsPerHour, Per: time.Hour},
		{Count: n.Limits.SendsPerDay, Per: 24 * time.Hour},
	}}
	subject := outofband.DestinationSubject(n.Queue.Keys, to)
	return ratelimit.SpendIn(ctx, tx.ForTenant(db.Installation), limit, subject)
}

func recordRefused(ctx context.Context, tx *db.Tx, u user.User, notice Notice) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:    audit.NoticeSent,
		Result:    audit.Refused,
		Reason:    "too_many_messages",
		UserID:    u.ID,
		SubjectID: notice.Purpose,
	})
}
