package signin

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

func (s *Service) passkeys() *passkey.Verifier {
	v, _ := s.Others[authenticator.Passkey].(*passkey.Verifier)
	return v
}

// BeginPasskey makes an offer for a browser, by what it keeps from earlier offers; empty or
// senseless is replaced. ok is false where passkeys are not configured.
func (s *Service) BeginPasskey(browser string) (o PasskeyOffer, ok bool) {
	v := s.passkeys()
	if v == nil {
		return o, false
	}
	if !isBrowser(browser) {
		token, _ := secret.NewToken()
		browser = token.Reveal()
	}
	o.Browser = browser
	o.Options, o.Token, o.Ends = v.Offer(s.DB.Now(), browser)
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
	world  facts.Facts
	source *ratelimit.Budget // what a failure is charged to
}

// SubmitPasskey answers an offer: both address and proof. What names no credential of ours,
// a bad signature and a disabled account are one answer, AskPassword, after the same work;
// passkey.Advice says what may be told beyond that. Failures of passwords do not stand in the way of it (SEC-32), and
// failures are charged to their source alone: no one else's account is slowed by them.
func (s *Service) SubmitPasskey(ctx context.Context, a Attempt, token, browser string, assertion []byte) (Step, error) {
	v := s.passkeys()
	if v == nil {
		return AskPassword{}, nil
	}
	c, err := s.claimed(ctx, v, a, token, browser, assertion)
	if err != nil {
		return nil, err
	}
	if !c.found.OK || !c.world.Open() {
		return s.refusePasskey(ctx, a, c)
	}
	var step Step
	var why string
	err = s.DB.InTx(ctx, c.world.Tenant.ID, func(tx *db.Tx) (err error) {
		step, why, err = s.passkeyProved(ctx, tx, v, a, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch st := step.(type) {
	case AskPassword:
		c.found = passkey.Found{Reason: why}
		return s.refusePasskey(ctx, a, c)
	case Refused:
		return nil, errSlowDown.After(st.Wait)
	}
	return step, nil
}

// claimed reads what the answer names and judges it, without writing anything.
func (s *Service) claimed(ctx context.Context, v *passkey.Verifier, a Attempt, token, browser string,
	assertion []byte) (c claim, err error) {
	var fresh, readable bool
	c.offer, fresh = v.Take(token, browser, s.DB.Now())
	c.answer, readable = passkey.Read(assertion)
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		if readable {
			if err := s.whose(ctx, tx, a, &c); err != nil {
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
		c.found = v.Alone(c.offer, c.world.Tenant.ID, c.world.User.ID, &c.stored, c.answer)
	default:
		c.found = v.Alone(c.offer, "", "", nil, c.answer)
	}
	if readable && !fresh {
		c.found = passkey.Found{Reason: passkey.TimeOver}
	}
	return c, nil
}

// whose reads the account that a credential belongs to, and its world. The directory tells the
// company, and what the company has is read by a statement of its own.
func (s *Service) whose(ctx context.Context, tx *db.Tx, a Attempt, c *claim) error {
	var tenantID, id string
	err := tx.QueryRow(ctx, `SELECT tenant_id, authenticator_id FROM passkey_directory
		WHERE credential_key = $1`, c.answer.Key()).Scan(&tenantID, &id)
	if err != nil && !db.IsNoRows(err) {
		return fmt.Errorf("read directory of passkeys: %w", err)
	}
	r := facts.Into(&c.world)
	err = tx.QueryRow(ctx, `
		SELECT p.authenticator_id, p.credential, p.sign_count,`+facts.Columns+`
		FROM passkeys p
		JOIN authenticators au0 ON au0.tenant_id = p.tenant_id AND au0.id = p.authenticator_id AND au0.disabled_at = 0
		JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1
		WHERE p.tenant_id = $2 AND p.authenticator_id = $3`, a.ClientID, tenantID, id).
		Scan(append([]any{&c.stored.AuthenticatorID, &c.stored.Credential, &c.stored.SignCount}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Decode(a.ClientID, s.Limits.RememberDays)
	c.known = true
	return nil
}

// refusePasskey records a failure and charges its source. A source that has failed too
// often is told to wait and writes nothing more.
func (s *Service) refusePasskey(ctx context.Context, a Attempt, c claim) (Step, error) {
	if c.source.Wait(s.DB.Now()) > 0 {
		return nil, errSlowDown.After(s.Limits.FailuresPerSourceWindow / 10)
	}
	where := db.Installation
	if c.known {
		where = c.world.Tenant.ID
	}
	reason := c.found.Reason
	if c.found.OK {
		reason = "account_or_app_closed"
	}
	return AskPassword{Problem: passkey.Advice(reason)}, s.DB.InTx(ctx, where, func(tx *db.Tx) error {
		charged := ratelimit.Budgets{c.source}
		if err := lockOnRetry(ctx, tx, charged); err != nil {
			return err
		}
		charged.Spend(tx)
		if err := charged.Write(ctx, tx); err != nil {
			return err
		}
		if reason == passkey.Cloned {
			if err := passkey.Alarm(ctx, tx, c.world.User.ID, c.stored); err != nil {
				return err
			}
			if err := s.alertCloned(ctx, tx, c.world.User, c.stored.AuthenticatorID,
				clonedPasskey{c.world.Vendor.Name, c.world.App.Name, ""}, a.Visitor); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx,
			event(audit.SignInPasskey, audit.Failed, reason, c.world.User.ID, a.ClientID, string(authenticator.Passkey),
				c.stored.AuthenticatorID, a.Visitor))
	})
}

// limitPasskeyFlows is apart from limitFlows: anyone who knows the password must not keep the
// owner's passkey from signing in.
var limitPasskeyFlows = ratelimit.Limit{Name: "flow.passkey", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// passkeyProved spends the answer, opens a flow with it and asks what remains. Everything is
// read again: what was changed since the answer was judged holds.
func (s *Service) passkeyProved(ctx context.Context, tx *db.Tx, v *passkey.Verifier, a Attempt, c claim) (step Step,
	why string, err error) {
	verdict, err := v.SpendAlone(ctx, tx, c.offer, c.world.User.ID, c.stored, c.found)
	if err != nil || !verdict.OK {
		return AskPassword{}, verdict.Reason, err
	}
	w, err := facts.Load(ctx, tx, c.world.User.ID, a.ClientID, s.Limits.RememberDays)
	switch {
	case err != nil:
		return nil, "", err
	case !w.Open() || w.User.SecurityVersion != c.world.User.SecurityVersion:
		return AskPassword{}, flow.Changed, nil
	case !w.Allowed().Allows(authenticator.Passkey):
		return AskPassword{}, "not_allowed", nil
	}
	budgets, err := ratelimit.Read(ctx, tx, ratelimit.BudgetKey{
		Tenant:  tx.Tenant,
		Limit:   limitPasskeyFlows,
		Subject: w.User.ID,
	})
	if err != nil {
		return nil, "", err
	}
	if wait := budgets.Spend(tx); wait > 0 {
		return Refused{Wait: wait}, "", budgets.Write(ctx, tx)
	}
	f := &activeFlow{
		// spends its own budgets: a stranger cannot have come this far
		Flow:     a.flow(w.User.SecurityVersion, "passkey/"+verdict.AuthenticatorID),
		Facts:    w,
		budgets:  budgets,
		bindable: s.Gate.Bindable,
		prefer:   string(a.Prefer),
	}
	ref := s.begin(tx, f, authenticator.Proof{
		Kind:            verdict.Proof,
		AuthenticatorID: verdict.AuthenticatorID,
		At:              tx.Now,
	})
	if err := authenticator.Used(ctx, tx, verdict.AuthenticatorID); err != nil {
		return nil, "", err
	}
	f.recordEvent(audit.SignInPasskey, audit.OK, "", string(authenticator.Passkey), verdict.AuthenticatorID, a.Visitor)
	if err := s.recall(ctx, tx, f, a.Presented); err != nil {
		return nil, "", err
	}
	step, err = s.next(ctx, tx, f, false)
	step, err = f.flush(ctx, tx, step, err)
	return withFlow(step, ref), "", err
}
