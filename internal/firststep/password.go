package firststep

import (
	"context"
	"errors"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// MessageBudget names the budget of messages that a spender of the transaction's tenant has. The
// journey that begins needs it next, so it is read along.
type MessageBudget func(tx *db.Tx, spender string) ratelimit.BudgetKey

// CheckPassword checks an address and a password, and begins a sign-in where both are right. An
// unknown address, a wrong password, a disabled account and a suspended tenant are one answer in
// one time.
func (s *Service) CheckPassword(ctx context.Context, a Attempt, messages MessageBudget, begin Begin) (right bool,
	err error) {
	acc, err := s.lookUp(ctx, a)
	if err != nil {
		return false, err
	}
	ctx = password.WithQueueKey(ctx, acc.queueKey(a))
	if err := s.Passwords.Room(ctx); err != nil { // turned away before anything is written
		return false, err
	}
	if err := s.reserve(ctx, a, acc); err != nil {
		return false, err
	}
	same, err := s.Passwords.Match(ctx, acc.stored, a.Password) // slow: outside any transaction
	if err != nil {                                             // nothing was compared, so the try is not lost
		return false, errors.Join(err, s.giveBack(context.WithoutCancel(ctx), acc))
	}
	if !same || !acc.known || !acc.facts.Open() {
		return false, s.refuse(ctx, a, acc)
	}
	renewed, err := s.renew(ctx, acc, a.Password)
	if err != nil {
		return false, err
	}
	var c confirmation
	err = s.DB.InTx(ctx, acc.facts.Tenant.ID, func(tx *db.Tx) (err error) {
		c, err = s.confirmPassword(ctx, tx, a, acc, renewed, messages)
		if err != nil || !c.holds {
			return err
		}
		return begin(ctx, tx, c.proved)
	})
	if errors.Is(err, ErrTryAgain) { // the password was right, and what gave the try back was undone
		err = errors.Join(err, s.giveBack(context.WithoutCancel(ctx), acc))
	}
	switch {
	case err != nil:
		return false, err
	case c.wait > 0:
		return false, errSlowDown.After(c.wait)
	case !c.holds:
		return false, s.refuse(ctx, a, acc)
	}
	return true, nil
}

// confirmation is what a unit of work found when it looked once more at a first step that was right.
type confirmation struct {
	holds  bool
	proved Proved        // where it holds
	wait   time.Duration // where it does not: how long no sign-in may begin
	why    string        // where it does not and nothing need be waited for, of a passkey: why
}

// confirmPassword gives the try back and reads everything again: hashing took its time, and what
// was changed meanwhile holds.
func (s *Service) confirmPassword(ctx context.Context, tx *db.Tx, a Attempt, acc account, renewed *password.Stored,
	messages MessageBudget) (c confirmation, err error) {
	before := acc.facts.User
	spender := flow.Spender(before.ID, acc.browser.KnownBy)
	read, err := ratelimit.Read(ctx, tx, messages(tx, spender),
		ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limitFlows, Subject: spender})
	if err != nil {
		return c, err
	}
	c.proved.Messages = read[0]
	flows := read[1:]
	if err := lockOnRetry(ctx, tx, acc.tries.spent); err != nil {
		return c, err
	}
	for _, budget := range acc.tries.spent {
		budget.RefundTry()
	}
	c.proved.Budgets = append(slices.Clone(acc.tries.spent), flows...)
	if c.wait = flows.Spend(tx); c.wait > 0 {
		return c, c.proved.Budgets.Write(ctx, tx)
	}
	now, err := facts.Load(ctx, tx, before.ID, a.ClientID, s.Limits.RememberDays)
	if err != nil {
		return c, err
	}
	if !now.Open() || now.User.SecurityVersion != before.SecurityVersion {
		return c, c.proved.Budgets.Write(ctx, tx)
	}
	if renewed != nil {
		if err := password.Renew(ctx, tx, before.ID, acc.stored, *renewed); err != nil {
			return c, err
		}
	}
	c.holds, c.proved.Facts, c.proved.Browser = true, now, acc.browser
	c.proved.Proof = authenticator.Proof{Kind: authenticator.Password, At: tx.Now}
	// budgets are always taken before what remembers browsers: two in another order wait for each other
	if len(a.Presented) > 0 {
		err = c.proved.Budgets.Write(ctx, tx)
	}
	return c, err
}

// renew makes a fresh hash of a password whose hash was imported, or peppered with an older
// key, now that it is known.
func (s *Service) renew(ctx context.Context, acc account, plain secret.Text) (*password.Stored, error) {
	if acc.stored.Pepper == s.Keys.Current() {
		return nil, nil
	}
	stored, err := s.Passwords.Hash(ctx, plain)
	if err != nil && acc.stored.Pepper != "" {
		return nil, nil // the old one does for another time
	}
	return &stored, err
}
