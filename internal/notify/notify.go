// Package notify tells people by email what happened to an account: its holder, the administrators of their company or
// the operators of the vendor. It owns who is told, at which addresses, and what that costs. It refuses to send what
// someone waits for: codes and links are messages of the journeys that check them.
//
// A notice is sent within a budget where strangers can cause it as often as they like: a sign-in with a password that
// they know, or a report of their own sign-ins. Without the budget they could fill a mailbox. A notice is sent without
// a budget where it tells of a change to the account: a thief must not be able to use the budget up first and then
// act unseen. What causes such a notice is limited in another way: it needs a session, or it happens once.
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

// The budgets of an address. Notices to the holder of an account share theirs with codes. Notices about other people's
// accounts have their own: who reports sign-ins without end must not use up the codes of their
// administrators (ATK-106).
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

// Notice is what people are told.
type Notice struct {
	Purpose      string // what it is about, shown to administrators: "password.changed"
	Content      email.Content
	WithinBudget bool          // send nothing, and record that, where the address has had too many messages
	Life         time.Duration // how long it may wait for a mail server; zero: a day
}

// TellHolder tells the holder of an account of tx.Tenant, at every address that they have.
func (n *Notifier) TellHolder(ctx context.Context, tx *db.Tx, holder user.User, notice Notice) error {
	return n.tellPerson(ctx, tx, holder, holderBudget, notice)
}

// TellAddresses tells the holder of an account at the addresses given: for notices that differ by address.
func (n *Notifier) TellAddresses(ctx context.Context, tx *db.Tx, holder user.User, to []string, notice Notice) error {
	return n.tellAll(ctx, tx, holder, to, holderBudget, notice)
}

// TellAdmins tells the owners and administrators of tx.Tenant.
func (n *Notifier) TellAdmins(ctx context.Context, tx *db.Tx, notice Notice) error {
	people, err := user.Admins(ctx, tx)
	if err != nil {
		return fmt.Errorf("list administrators: %w", err)
	}
	return n.tellEach(ctx, tx, people, notice)
}

// TellOwners tells the owners of tx.Tenant, or the operators where it is the vendor's.
func (n *Notifier) TellOwners(ctx context.Context, tx *db.Tx, notice Notice) error {
	owners, err := owners(ctx, tx)
	if err != nil {
		return err
	}
	return n.tellEach(ctx, tx, owners, notice)
}

// TellOtherOwners is TellOwners without one person, who is told in other words.
func (n *Notifier) TellOtherOwners(ctx context.Context, tx *db.Tx, but string, notice Notice) error {
	owners, err := owners(ctx, tx)
	if err != nil {
		return err
	}
	owners = slices.DeleteFunc(owners, func(u user.User) bool { return u.ID == but })
	return n.tellEach(ctx, tx, owners, notice)
}

// owners are the owners of tx.Tenant, or the operators where it is the vendor's.
func owners(ctx context.Context, tx *db.Tx) ([]user.User, error) {
	people, err := user.Admins(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	return slices.DeleteFunc(people, func(u user.User) bool { return u.Role == user.Admin }), nil
}

// TellOperators tells the vendor's operators, whichever tenant tx is in.
func (n *Notifier) TellOperators(ctx context.Context, tx *db.Tx, notice Notice) error {
	people, err := user.Operators(ctx, tx)
	if err != nil {
		return fmt.Errorf("list operators: %w", err)
	}
	return n.tellEach(ctx, tx, people, notice)
}

// tellEach tells people of what is not about their own account.
func (n *Notifier) tellEach(ctx context.Context, tx *db.Tx, people []user.User, notice Notice) error {
	for _, u := range people {
		if err := n.tellPerson(ctx, tx.ForTenant(u.TenantID), u, adminBudget, notice); err != nil {
			return err
		}
	}
	return nil
}

func (n *Notifier) tellPerson(ctx context.Context, tx *db.Tx, u user.User, budget string, notice Notice) error {
	to, err := user.Addresses(ctx, tx, u)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	return n.tellAll(ctx, tx, u, to, budget, notice)
}

func (n *Notifier) tellAll(ctx context.Context, tx *db.Tx, u user.User, to []string, budget string,
	notice Notice) error {
	for _, address := range to {
		if err := n.tellAt(ctx, tx, u, address, budget, notice); err != nil {
			return fmt.Errorf("send notice %s: %w", notice.Purpose, err)
		}
	}
	return nil
}

func (n *Notifier) tellAt(ctx context.Context, tx *db.Tx, u user.User, to, budget string, notice Notice) error {
	if notice.WithinBudget {
		wait, err := n.spend(ctx, tx, to, budget)
		if err != nil {
			return err
		}
		if wait > 0 {
			return recordRefused(ctx, tx, u, notice)
		}
	}
	_, err := n.Queue.Put(ctx, tx, message.Outgoing{
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
	return err
}

// spend takes one message from a budget of an address, and returns how long there is none.
func (n *Notifier) spend(ctx context.Context, tx *db.Tx, to, budget string) (time.Duration, error) {
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
