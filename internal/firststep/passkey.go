package firststep

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// PasskeyOffer asks anyone who comes for a passkey. Nothing is stored of it.
type PasskeyOffer struct {
	Options []byte    // PublicKeyCredentialRequestOptionsJSON, the same for everybody
	Token   string    // comes back with the answer
	Browser string    // to be kept in a cookie of this browser; the offer is good with it only
	Ends    time.Time // afterwards there must be another offer
}

// PasskeyAnswer is what a browser answers to an offer, still untrusted.
type PasskeyAnswer struct {
	Token, Browser string // of the offer
	Assertion      []byte
}

// OfferPasskey makes an offer for a browser, by what it keeps from earlier offers; empty or
// senseless is replaced. ok is false where passkeys are not configured.
func (s *Service) OfferPasskey(browser string) (o PasskeyOffer, ok bool) {
	if s.Passkeys == nil {
		return o, false
	}
	if !isBrowser(browser) {
		token, _ := secret.NewToken()
		browser = token.Reveal()
	}
	o.Browser = browser
	o.Options, o.Token, o.Ends = s.Passkeys.Offer(s.DB.Now(), browser)
	return o, true
}

// isBrowser checks the shape; what it is worth shows when an offer is opened with it.
func isBrowser(s string) bool { return len(s) >= 40 && len(s) <= 64 }

// claim is someone's answer to an offer, and what is known of whom it names.
type claim struct {
	answer passkey.Answer
	offer  passkey.Offered
	known  bool
	stored passkey.Stored
	found  passkey.Found
	facts  facts.Facts
	source *ratelimit.Budget // what a failure is charged to
}

// CheckPasskey checks the answer to an offer, which is both address and proof, and begins a
// sign-in where it is right. What names no credential of ours, a bad signature and a disabled
// account are one answer, after the same work; problem is what may be told beyond that
// (passkey.Advice). Failures of passwords do not stand in the way of it (SEC-32), and failures
// are charged to their source alone: no one else's account is slowed by them.
func (s *Service) CheckPasskey(ctx context.Context, a Attempt, answer PasskeyAnswer, begin Begin) (right bool,
	problem string, err error) {
	if s.Passkeys == nil {
		return false, "", nil
	}
	claim, err := s.readClaim(ctx, a, answer)
	if err != nil {
		return false, "", err
	}
	if !claim.found.OK || !claim.facts.Open() {
		problem, err = s.refusePasskey(ctx, a, claim)
		return false, problem, err
	}
	var c confirmation
	err = s.DB.InTx(ctx, claim.facts.Tenant.ID, func(tx *db.Tx) (err error) {
		c, err = s.confirmPasskey(ctx, tx, a, claim)
		if err != nil || !c.holds {
			return err
		}
		return begin(ctx, tx, c.proved)
	})
	switch {
	case err != nil:
		return false, "", err
	case c.wait > 0:
		return false, "", errSlowDown.After(c.wait)
	case !c.holds:
		claim.found = passkey.Found{Reason: c.why}
		problem, err = s.refusePasskey(ctx, a, claim)
		return false, problem, err
	}
	return true, "", nil
}

// readClaim reads what the answer names and judges it, without writing anything.
func (s *Service) readClaim(ctx context.Context, a Attempt, answer PasskeyAnswer) (c claim, err error) {
	var fresh, readable bool
	c.offer, fresh = s.Passkeys.Take(answer.Token, answer.Browser, s.DB.Now())
	c.answer, readable = passkey.Read(answer.Assertion)
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		if readable {
			if err := c.readAccount(ctx, tx, a.ClientID, s.Limits.RememberDays); err != nil {
				return err
			}
		}
		budgets, err := ratelimit.Read(ctx, tx, ratelimit.BudgetKey{
			Tenant:  db.Installation,
			Limit:   s.limitSource(),
			Subject: a.Visitor.Network(),
		})
		if err == nil {
			c.source = budgets[0]
		}
		return err
	})
	switch {
	case err != nil:
		return c, err
	case !readable:
		c.found.Reason = passkey.Malformed
	case c.known:
		c.found = s.Passkeys.Alone(c.offer, c.facts.Tenant.ID, c.facts.User.ID, &c.stored, c.answer)
	default:
		c.found = s.Passkeys.Alone(c.offer, "", "", nil, c.answer)
	}
	if readable && !fresh {
		c.found = passkey.Found{Reason: passkey.TimeOver}
	}
	return c, nil
}

// readAccount reads the account that a credential belongs to. The directory tells the company,
// and what the company has is read by a statement of its own.
func (c *claim) readAccount(ctx context.Context, tx *db.Tx, clientID string, rememberDays int) error {
	var tenantID, id string
	err := tx.QueryRow(ctx, `SELECT tenant_id, authenticator_id FROM passkey_directory
		WHERE credential_key = $1`, c.answer.Key()).Scan(&tenantID, &id)
	if err != nil && !db.IsNoRows(err) {
		return fmt.Errorf("read directory of passkeys: %w", err)
	}
	r := facts.Into(&c.facts)
	err = tx.QueryRow(ctx, `
		SELECT p.authenticator_id, p.credential, p.sign_count,`+facts.Columns+`
		FROM passkeys p
		JOIN authenticators au0 ON au0.tenant_id = p.tenant_id AND au0.id = p.authenticator_id AND au0.disabled_at = 0
		JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1
		WHERE p.tenant_id = $2 AND p.authenticator_id = $3`, clientID, tenantID, id).
		Scan(append([]any{&c.stored.AuthenticatorID, &c.stored.Credential, &c.stored.SignCount}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Decode(clientID, rememberDays)
	c.known = true
	return nil
}

// refusePasskey records a failure and charges its source. A source that has failed too
// often is told to wait and writes nothing more.
func (s *Service) refusePasskey(ctx context.Context, a Attempt, c claim) (problem string, err error) {
	if c.source.Wait(s.DB.Now()) > 0 {
		return "", errSlowDown.After(s.Limits.FailuresPerSourceWindow / 10)
	}
	where := db.Installation
	if c.known {
		where = c.facts.Tenant.ID
	}
	reason := c.found.Reason
	if c.found.OK {
		reason = "account_or_app_closed"
	}
	return passkey.Advice(reason), s.DB.InTx(ctx, where, func(tx *db.Tx) error {
		charged := ratelimit.Budgets{c.source}
		if err := lockOnRetry(ctx, tx, charged); err != nil {
			return err
		}
		charged.Spend(tx)
		if err := charged.Write(ctx, tx); err != nil {
			return err
		}
		if reason == passkey.Cloned {
			if err := passkey.Alarm(ctx, tx, c.facts.User.ID, c.stored); err != nil {
				return err
			}
			if err := s.AlertCloned(ctx, tx, c.facts, c.stored.AuthenticatorID, "", a.Visitor); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx,
			event(audit.SignInPasskey, audit.Failed, reason, c.facts.User.ID, a.ClientID, string(authenticator.Passkey),
				c.stored.AuthenticatorID, a.Visitor))
	})
}

// confirmPasskey spends the answer and reads everything again: what was changed since the answer
// was judged holds.
func (s *Service) confirmPasskey(ctx context.Context, tx *db.Tx, a Attempt, claim claim) (c confirmation, err error) {
	before := claim.facts.User
	verdict, err := s.Passkeys.SpendAlone(ctx, tx, claim.offer, before.ID, claim.stored, claim.found)
	if err != nil || !verdict.OK {
		return confirmation{why: verdict.Reason}, err
	}
	now, err := facts.Load(ctx, tx, before.ID, a.ClientID, s.Limits.RememberDays)
	switch {
	case err != nil:
		return c, err
	case !now.Open() || now.User.SecurityVersion != before.SecurityVersion:
		return confirmation{why: flow.Changed}, nil
	case !now.Allowed().Allows(authenticator.Passkey):
		return confirmation{why: "not_allowed"}, nil
	}
	budgets, err := ratelimit.Read(ctx, tx, ratelimit.BudgetKey{
		Tenant:  tx.Tenant,
		Limit:   limitPasskeyFlows,
		Subject: now.User.ID,
	})
	if err != nil {
		return c, err
	}
	if wait := budgets.Spend(tx); wait > 0 {
		return confirmation{wait: wait}, budgets.Write(ctx, tx)
	}
	c.holds = true
	c.proved = Proved{
		Facts:   now,
		Browser: Browser{KnownBy: "passkey/" + verdict.AuthenticatorID}, // a stranger cannot have come this far
		Budgets: budgets,
		Proof: authenticator.Proof{
			Kind:            verdict.Proof,
			AuthenticatorID: verdict.AuthenticatorID,
			At:              tx.Now,
		},
	}
	return c, authenticator.Used(ctx, tx, verdict.AuthenticatorID)
}
