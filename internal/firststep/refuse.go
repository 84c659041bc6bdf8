package firststep

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/ratelimit"
)

// throttled leaves a trace of a try that was turned away unseen, and charges it to its source,
// as often as failures of one account are charged to one source; the rest leaves no trace.
func (s *Service) throttled(ctx context.Context, a Attempt, acc account, refused error) error {
	if !s.chargeable(acc) {
		return refused
	}
	if err := s.record(ctx, a, acc, audit.Refused, "throttled"); err != nil {
		return err
	}
	return refused
}

// refuse records a failure. Known and unknown addresses write one row each; the address
// that no one has is not written down.
func (s *Service) refuse(ctx context.Context, a Attempt, acc account) error {
	reason := "wrong_password"
	switch {
	case !acc.known:
		reason = "unknown_address"
	case !acc.facts.Open():
		reason = "account_or_app_closed"
	}
	return s.record(ctx, a, acc, audit.Failed, reason)
}

// record writes one row about a try, and charges the try to its source while it is chargeable.
func (s *Service) record(ctx context.Context, a Attempt, acc account, result audit.Result, reason string) error {
	where := db.Installation
	if acc.known {
		where = acc.facts.Tenant.ID
	}
	return s.DB.InTx(ctx, where, func(tx *db.Tx) error {
		charged := ratelimit.Budgets{acc.tries.source}
		if err := lockOnRetry(ctx, tx, charged); err != nil {
			return err
		}
		if s.chargeable(acc) {
			charged.Spend(tx)
		}
		if err := charged.Write(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx,
			event(audit.SignInPassword, result, reason, acc.facts.User.ID, a.ClientID,
				string(authenticator.Password), "", a.Visitor))
	})
}

// chargeable reports whether a failure still counts against its source. Those of one account do
// so PasswordSlowFrom times in a window: one person's typing errors must not use up what a whole
// office shares, while one who tries many accounts is stopped as soon as before.
func (s *Service) chargeable(acc account) bool {
	return acc.tries.source.UsedByTag(s.DB.Now(), s.Limits.FailuresPerSourceWindow) < s.Limits.PasswordSlowFrom
}
