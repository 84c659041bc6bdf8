package signin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
)

const (
	manyFailures  = 5 // wrong passwords and codes
	failuresSince = 24 * time.Hour
	usualFor      = tenant.MaxRememberDays * 24 * time.Hour // how long a country stays a usual one
)

// judgeUnusual looks for what is unusual about a sign-in that begins in a company that asks only then. A browser that
// is remembered counts for nothing in an unusual one: what it was remembered by stays, for a usual one.
func (s *Service) judgeUnusual(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	if !f.input(tx.Now).AsksUnusual() {
		return nil
	}
	if f.remembered.ID == "" {
		f.addUnusual(policy.NewBrowser)
	} else if err := s.judgeRemembered(ctx, tx, f); err != nil {
		return fmt.Errorf("look for what is unusual: %w", err)
	}
	if len(f.Unusual) == 0 || !f.decide(tx.Now).Required {
		return nil
	}
	f.remembered, f.rememberBy = session.Remembered{}, secret.Reference{}
	for _, u := range f.Unusual {
		f.recordEvent(audit.SignInUnusual, audit.OK, u, "", f.ID, f.Visitor)
	}
	return nil
}

func (f *activeFlow) addUnusual(u policy.Unusual) { f.Unusual = append(f.Unusual, string(u)) }

// judgeRemembered judges a sign-in in a browser that is remembered.
func (s *Service) judgeRemembered(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	proved, err := session.ProvedFrom(ctx, tx, f.User.ID, tx.Now.Add(-usualFor))
	if err != nil {
		return err
	}
	country := s.country(f.Visitor.IP)
	if !slices.ContainsFunc(proved, func(ip string) bool { return s.country(ip) == country }) {
		f.addUnusual(policy.NewCountry)
	}
	last, found, err := session.LastSignIn(ctx, tx, f.User.ID)
	if err != nil {
		return err
	}
	if found && s.tooFar(last, f.Visitor.IP, tx.Now) {
		f.addUnusual(policy.TooFar)
	}
	failures, err := audit.FailuresOf(ctx, tx, f.User.ID, tx.Now.Add(-failuresSince))
	if err != nil {
		return err
	}
	if failures >= manyFailures {
		f.addUnusual(policy.Failures)
	}
	return nil
}

// country is where an address is, by what is known of it: without a file of places, all are in one country.
func (s *Service) country(ip string) string {
	a, _ := netip.ParseAddr(ip)
	return s.Places.Country(a)
}

// tooFar reports whether no one gets from where the last sign-in was to an address in the time between.
func (s *Service) tooFar(last session.Use, ip string, now time.Time) bool {
	from, _ := netip.ParseAddr(last.IP)
	to, _ := netip.ParseAddr(ip)
	a, known := s.Places.Point(from)
	b, alsoKnown := s.Places.Point(to)
	return known && alsoKnown && a.TooFar(b, now.Sub(last.At))
}

// unusualReasons say what is unusual about a sign-in. A step-up asks for other reasons.
func (f *activeFlow) unusualReasons(d policy.Decision) []policy.Reason {
	if f.SteppingUp != "" {
		return nil
	}
	return d.Unusual
}
