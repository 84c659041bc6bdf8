package company

import (
	"context"
	"time"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/tenant"
)

// MaxShadow is how long rules can be tried without being enforced.
const MaxShadow = MaxAhead

// Try judges sign-ins of a company by other rules, too, from an instant to another, and only records what comes of it.
// The zero Shadow ends that. A start in the past is now, so that each trial has results of its own.
func (s *Service) Try(ctx context.Context, a access.Actor, idOrName string, rules tenant.Shadow) error {
	if now := s.DB.Now(); !rules.Until.IsZero() && rules.From.Before(now) {
		rules.From = now
	}
	_, err := s.Change(ctx, a, idOrName, Changes{Shadow: &rules})
	return err
}

// checkShadow refuses rules to try that cannot be meant.
func checkShadow(s tenant.Shadow, now time.Time) error {
	switch {
	case s == tenant.Shadow{}:
		return nil
	case !s.Until.After(now), !s.Until.After(s.From):
		return fault.New(fault.Invalid, "shadow.end_past")
	case s.Until.After(now.Add(MaxShadow)):
		return fault.New(fault.Invalid, "shadow.too_long")
	case s.Choice != tenant.Required && s.Choice != tenant.Optional:
		return fault.New(fault.Invalid, "tenant.unknown_choice")
	}
	if _, err := s.Roles.Clean(); err != nil {
		return err
	}
	_, err := s.Methods.Clean()
	return err
}
