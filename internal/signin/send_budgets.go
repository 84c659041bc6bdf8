package signin

import (
	"context"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
)

// spendSend counts a message against the account, the destination and the flow. wait says
// that it must not be sent before; then nothing is counted. The guarded UPDATE keeps two
// tabs from sending at the same moment.
func (s *Service) spendSend(ctx context.Context, tx *db.Tx, f *activeFlow, c challenge.Challenge,
	to string) (wait time.Duration, err error) {
	f.Destination = to
	sends, err := s.sendsOf(ctx, tx, f, c)
	if err != nil {
		return 0, err
	}
	if wait = sends.Spend(tx); wait > 0 {
		return wait, nil
	}
	f.budgets = append(f.budgets, sends...)
	if err := f.budgets.WriteLater(ctx, tx); err != nil {
		return 0, err
	}
	f.MessageCount++
	if !f.stored {
		return 0, f.store(ctx, tx, c.ID)
	}
	n, err := tx.Exec(ctx, `UPDATE flows SET sends = sends + 1, challenge_id = $1
		WHERE tenant_id = $2 AND id = $3 AND closed_at = 0 AND sends = $4 AND sends <= $5`,
		c.ID, tx.Tenant, f.ID, f.MessageCount-1, s.Limits.NewCodes)
	if err == nil && n == 0 {
		err = errNewCodeWait.After(s.Limits.ResendInterval)
	}
	return 0, err
}

// The names of the budgets of messages to an account, which a query names, too, and to a destination.
const (
	accountSends     = "send.account"
	destinationSends = "send.destination"
)

// accountSends names the budget of messages to an account of the transaction's tenant.
func (s *Service) accountSends(tx *db.Tx, spender string) ratelimit.BudgetKey {
	return ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: s.limitSends(accountSends), Subject: spender}
}

// sendsOf are the budgets that a message comes out of: those that strangers share, or those of
// the browser that the flow began in. The account's is not read again where it came with the flow.
func (s *Service) sendsOf(ctx context.Context, tx *db.Tx, f *activeFlow,
	c challenge.Challenge) (ratelimit.Budgets, error) {
	destination := ratelimit.BudgetKey{
		Tenant:  db.Installation,
		Limit:   s.limitSends(destinationSends),
		Subject: c.SentKey,
	}
	if f.KnownBy != "" {
		destination.Limit = s.limitKnownSends()
	}
	if f.sends == nil {
		return ratelimit.Read(ctx, tx, s.accountSends(tx, f.Spender()), destination)
	}
	account := f.sends
	f.sends = nil // a second message of this step, by another method, reads what the first has written
	read, err := ratelimit.Read(ctx, tx, destination)
	return append(ratelimit.Budgets{account}, read...), err
}

var errNewCodeWait = fault.New(fault.RateLimited, "code.problem.too_soon")

// sendRefused goes on without a message. It is a step and not an error: that the password was
// right stays recorded, and a code that was sent before stays good.
func (s *Service) sendRefused(tx *db.Tx, f *activeFlow, d policy.Decision, m method, wait time.Duration) (Step, error) {
	f.recordEvent(audit.ChallengeSent, audit.Refused, "too_many_messages", string(m.Kind), f.ID, f.Visitor)
	problem := "code.problem.sending"
	if m.Kind != authenticator.Email {
		problem = "code.problem.sending_message"
	}
	if !f.Challenge.Open(tx.Now) {
		step := s.spentStep(f, tx.Now)
		step.Wait = wait
		if step.Unsent {
			step.SentTo, step.Why = where(m.Kind, m.Address), problem
		}
		return step, nil
	}
	step := s.answerStep(tx, f, d, problem)
	step.Wait = wait
	return step, nil
}
