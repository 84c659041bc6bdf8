package firststep

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/ratelimit"
	"countersign/internal/user"
)

// tries are the budgets that the password tries of one attempt come out of.
type tries struct {
	spent  ratelimit.Budgets // what a try is taken from, and given back to when the password is right
	here   *ratelimit.Budget // of a stranger: the account's budget at this network, which is in spent, too
	total  *ratelimit.Budget // of a stranger: the account's budget from everywhere, which is in spent, too
	turn   *ratelimit.Budget // of a stranger: since when this network has waited for others
	source *ratelimit.Budget // what a failure is charged to besides; it is only looked at before
	by     slowing           // of a stranger: how failures slow the next try down
}

// readTries reads the budgets that a try comes out of. A browser that this user is known by has
// one of its own (OWASP device cookie). Others are slowed for this account at their own network
// first, and all together only when failures come from several.
func (s *Service) readTries(ctx context.Context, tx *db.Tx, a Attempt, acc *account) error {
	attempt := tx.NewID() // so that only this attempt's own try is refunded
	budget := func(l ratelimit.Limit, who string) ratelimit.BudgetKey {
		return ratelimit.BudgetKey{
			Tenant:  db.Installation,
			Limit:   l,
			Subject: who,
			Tag:     attempt,
		}
	}
	from, subject := a.Visitor.Network(), user.Subject(s.Keys, a.Email)
	network := budget(s.limitSource(), from)
	if acc.rules.Networks.Contains(a.Visitor.IP) {
		network = budget(s.limitInside(), acc.rules.TenantID+"/"+from)
	}
	network.Tag = subject
	if acc.browser.tries != "" {
		limit := limitKnownBrowser(s.slowingBy(acc.facts.Tenant.Lock))
		read, err := ratelimit.Read(ctx, tx, network, budget(limit, acc.browser.tries))
		if err == nil {
			acc.tries = tries{source: read[0], spent: read[1:]}
		}
		return err
	}
	// The domain's rules, and not the account's: an address that no one has is slowed down alike.
	here, by := subject+"/"+from, s.slowingBy(acc.rules.Lock)
	read, err := ratelimit.Read(ctx, tx, network,
		budget(limitPassword(by), subject), budget(limitPasswordHere(by), here), budget(limitTurn(by), here))
	if err == nil {
		acc.tries = tries{
			source: read[0],
			spent:  read[1:3],
			total:  read[1],
			here:   read[2],
			turn:   read[3],
			by:     by,
		}
	}
	return err
}

// reserve takes one try from the account's budget before anything is compared. It commits
// on its own, so that nothing later can give the try back unnoticed. The source's budget is
// only looked at: it is charged for failures, when they are known to be failures.
func (s *Service) reserve(ctx context.Context, a Attempt, acc account) error {
	// a neighbour's failures do not shut out a known browser
	if acc.browser.tries == "" && acc.tries.source.Wait(s.DB.Now()) > 0 {
		return errSlowDown.After(s.Limits.FailuresPerSourceWindow / 10) // and nothing more is written for that source
	}
	var wait time.Duration
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		written := acc.tries.spent
		if acc.tries.turn != nil {
			written = append(written[:2:2], acc.tries.turn)
		}
		if err := lockOnRetry(ctx, tx, written); err != nil {
			return err
		}
		wait = s.spendTry(tx, acc.tries)
		return written.Write(ctx, tx)
	})
	if err == nil && wait > 0 {
		return s.throttled(ctx, a, acc, errSlowDown.After(wait))
	}
	return err
}

// spendTry takes a try, or says how long to wait. A stranger whose own network has failed
// little waits for the failures of others no longer than the longest wait from the first time
// that it was told to: strangers at several networks cannot add their waits up. Each network
// gets as many tries a day that way as are free of waiting, and none beyond the account's day.
func (s *Service) spendTry(tx *db.Tx, t tries) (wait time.Duration) {
	if t.turn == nil {
		return t.spent.Spend(tx)
	}
	others := t.here.Wait(tx.Now) <= 0 && t.total.WindowWait(tx.Now) <= 0 && t.total.Wait(tx.Now) > 0
	if !others || t.here.Used(tx.Now, 24*time.Hour) >= t.by.from {
		if wait = t.spent.Spend(tx); wait == 0 {
			t.turn.Clear()
		}
		return wait
	}
	waiting := t.turn.Used(tx.Now, 24*time.Hour) > 0
	if waiting && t.turn.Wait(tx.Now) <= 0 {
		t.turn.Clear()
		t.total.Count(tx.Now)
		t.here.Count(tx.Now)
		return 0
	}
	wait = t.spent.Spend(tx)
	if !waiting {
		t.turn.Count(tx.Now)
	}
	return min(wait, t.turn.Wait(tx.Now))
}

// lockOnRetry reads budgets anew where what was read before turned out to be old.
func lockOnRetry(ctx context.Context, tx *db.Tx, l ratelimit.Budgets) error {
	if tx.Attempt == 1 {
		return nil
	}
	return l.Lock(ctx, tx)
}

// giveBack returns a try that was not used.
func (s *Service) giveBack(ctx context.Context, acc account) error {
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		// What is in memory may have had the try refunded by a unit of work that was undone: read it anew.
		if err := acc.tries.spent.Lock(ctx, tx); err != nil {
			return err
		}
		for _, e := range acc.tries.spent {
			e.RefundTry()
		}
		return acc.tries.spent.Write(ctx, tx)
	})
}
