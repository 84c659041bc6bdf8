package signin

import (
	"context"
	"fmt"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// recordShadow judges a sign-in that has just begun by the rules that its company considers, too, and records what
// they would have asked more than the present ones. It changes nothing about the sign-in.
func (s *Service) recordShadow(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	if !f.Tenant.Shadow.Active(tx.Now) {
		return nil
	}
	in := f.input(tx.Now)
	present := s.shadowOutcome(policy.Evaluate(in))
	in.Tenant = in.Tenant.Shadowed(tx.Now)
	coming := s.shadowOutcome(policy.Evaluate(in))
	if slices.Index(stricter, coming) <= slices.Index(stricter, present) {
		return nil
	}
	err := tenant.RecordShadow(ctx, tx, f.Tenant.Shadow, f.User.ID, f.ClientID, coming)
	if err != nil {
		return fmt.Errorf("record what other rules would do: %w", err)
	}
	return nil
}

// stricter are the outcomes, the strictest last.
var stricter = []tenant.ShadowOutcome{"", tenant.ShadowAsked, tenant.ShadowSetUp, tenant.ShadowStopped}

// shadowOutcome is what a decision does to someone who has shown their password; nothing where they get in with it.
func (s *Service) shadowOutcome(d policy.Decision) tenant.ShadowOutcome {
	works := func(k authenticator.Kind) bool { return s.verifier(k) != nil }
	switch {
	case d.Outcome == policy.Allow:
		return ""
	case d.Outcome == policy.Deny, d.Outcome == policy.Challenge && !slices.ContainsFunc(d.Offer, works):
		return tenant.ShadowStopped
	case d.Outcome == policy.SetUp, d.ForSetUp:
		return tenant.ShadowSetUp
	}
	return tenant.ShadowAsked
}
