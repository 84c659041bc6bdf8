package signin

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// Attempt is the answer to the first step, still untrusted.
type Attempt struct {
	Email, Password string
	ClientID        string             // PortalID for our own pages
	WantACR         []string           // what the client asked for
	ContinueTo      string             // sealed authorization request, kept as it came
	Presented       []secret.Reference // what the browser is remembered by
	Visitor         session.Visitor
}

// account is what is known before the comparison.
type account struct {
	known      bool
	stored     password.Stored
	world      world
	remembered session.Remembered
	rememberBy secret.Reference
	stale      string // a remembered browser whose older token was shown
}

// SubmitPassword answers the first step. An unknown address, a wrong password, a disabled
// account and a suspended tenant are one answer in one time.
func (s *Service) SubmitPassword(ctx context.Context, a Attempt) (Step, error) {
	acc, err := s.lookUp(ctx, a)
	if err != nil {
		return nil, err
	}
	subject := s.accountSubject(a.Email)
	if err := s.reserve(ctx, a, acc, subject); err != nil {
		return nil, err
	}
	ok, err := s.Passwords.Match(ctx, acc.stored, a.Password) // slow: outside any transaction
	if err != nil {
		return nil, err
	}
	if !ok || !acc.known || !acc.world.open() {
		return AskPassword{}, s.refuse(ctx, a, acc)
	}
	var step Step
	err = s.DB.InTx(ctx, acc.world.Tenant.ID, func(tx *db.Tx) (err error) {
		step, err = s.passwordProved(ctx, tx, a, acc, subject)
		return err
	})
	if _, again := step.(AskPassword); again && err == nil {
		err = s.refuse(ctx, a, acc)
	}
	return step, err
}

func (s *Service) lookUp(ctx context.Context, a Attempt) (acc account, err error) {
	key, _ := user.EmailKey(a.Email) // an impossible address is looked up as one that nobody has
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		r := reader{w: &acc.world}
		err := tx.QueryRow(ctx, `
			SELECT COALESCE(p.hash, ''), COALESCE(p.pepper, ''),`+worldColumns+`
			FROM directory d
			JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
			JOIN tenants t ON t.tenant_id = u.tenant_id
			JOIN installation i ON i.id = 'installation'
			LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
			LEFT JOIN clients c ON c.id = $1
			WHERE d.email_key = $2`, a.ClientID, key).Scan(append([]any{&acc.stored.Hash, &acc.stored.Pepper}, r.targets()...)...)
		if db.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r.settle(a.ClientID, s.Limits.RememberDays)
		acc.known = true
		tx = tx.As(acc.world.Tenant.ID)
		acc.remembered, acc.rememberBy, acc.stale, err = session.Recall(ctx, tx, a.Presented, acc.world.User.ID, a.ClientID, acc.world.User.SecurityVersion)
		return err
	})
	return acc, err
}

// reserve takes one try from the account's budget before anything is compared. It commits
// on its own, so that nothing later can give the try back unnoticed. The source's budget is
// only looked at: it is charged for failures, when they are known to be failures.
func (s *Service) reserve(ctx context.Context, a Attempt, acc account, subject string) error {
	limit, who := s.limitPassword(), subject
	if acc.remembered.ID != "" {
		limit, who = s.limitKnownBrowser(), acc.remembered.ID
	}
	var refused error
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		refused = nil
		used, err := ratelimit.Count(ctx, tx, s.limitSource(), source(a.Visitor.IP), s.Limits.FailuresPerSourceWindow)
		if err != nil {
			return err
		}
		if used >= s.Limits.FailuresPerSource {
			refused = errSlowDown.After(s.Limits.FailuresPerSourceWindow / 10)
			return nil
		}
		wait, err := ratelimit.SpendIn(ctx, tx, limit, who)
		if wait > 0 {
			refused = errSlowDown.After(wait)
		}
		return err
	})
	if err != nil || refused == nil {
		return err
	}
	return s.throttled(ctx, a, acc, refused)
}

var errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")

// throttled leaves a trace of a try that was turned away unseen.
func (s *Service) throttled(ctx context.Context, a Attempt, acc account, refused error) error {
	if err := s.record(ctx, a, acc, "refused", "throttled"); err != nil {
		return err
	}
	return refused
}

// refuse records a failure. Known and unknown addresses write one row each; the address
// that nobody has is not written down.
func (s *Service) refuse(ctx context.Context, a Attempt, acc account) error {
	reason := "wrong_password"
	switch {
	case !acc.known:
		reason = "unknown_address"
	case !acc.world.open():
		reason = "account_or_app_closed"
	}
	return s.record(ctx, a, acc, "failed", reason)
}

func (s *Service) record(ctx context.Context, a Attempt, acc account, result, reason string) error {
	where := db.Installation
	if acc.known {
		where = acc.world.Tenant.ID
	}
	return s.DB.InTx(ctx, where, func(tx *db.Tx) error {
		if result == "failed" {
			if _, err := ratelimit.SpendIn(ctx, tx.As(db.Installation), s.limitSource(), source(a.Visitor.IP)); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, event("signin.password", result, reason, acc.world.User.ID, a.ClientID, string(authenticator.Password), "", a.Visitor))
	})
}

func event(action, result, reason, userID, clientID, method, subject string, v session.Visitor) audit.Event {
	return audit.Event{
		Action: action, Result: result, Reason: reason, ActorID: userID, UserID: userID, ClientID: clientID, Method: method, SubjectID: subject,
		RequestID: v.RequestID, IP: v.IP, Place: v.Place, Browser: v.Browser,
	}
}

// passwordProved opens a flow with the first proof and asks what remains. Hashing took its
// time, so everything is read again: what was changed meanwhile holds.
func (s *Service) passwordProved(ctx context.Context, tx *db.Tx, a Attempt, acc account, subject string) (Step, error) {
	was := acc.world.User.SecurityVersion
	var err error
	if acc.world, err = s.worldOf(ctx, tx, acc.world.User.ID, a.ClientID); err != nil {
		return nil, err
	}
	if !acc.world.open() || acc.world.User.SecurityVersion != was {
		return AskPassword{}, nil
	}
	f := &flow{
		ClientID: a.ClientID, ContinueTo: a.ContinueTo, WantACR: a.WantACR, Visitor: a.Visitor,
		SecurityVersion: acc.world.User.SecurityVersion, world: acc.world, remembered: acc.remembered, rememberBy: acc.rememberBy,
	}
	ref, err := s.begin(ctx, tx, f, authenticator.Proof{Kind: authenticator.Password, At: tx.Now})
	if err != nil {
		return nil, err
	}
	if err := s.giveBack(ctx, tx, acc, subject); err != nil {
		return nil, err
	}
	f.note("signin.password", "ok", "", string(authenticator.Password), f.ID, a.Visitor)
	if err := s.endReplayed(ctx, tx, f, acc); err != nil {
		return nil, err
	}
	step, err := s.next(ctx, tx, f, false)
	step, err = f.keep(ctx, tx, step, err)
	return withFlow(step, ref), err
}

// withFlow hands the new flow's reference to the steps that go on with it.
func withFlow(step Step, ref secret.Reference) Step {
	switch st := step.(type) {
	case AnswerCode:
		st.Flow = &ref
		return st
	case CodeSpent:
		st.Flow = &ref
		return st
	case ReplacePassword:
		st.Flow = &ref
		return st
	}
	return step
}

func (s *Service) giveBack(ctx context.Context, tx *db.Tx, acc account, subject string) error {
	house := tx.As(db.Installation)
	if acc.remembered.ID != "" {
		return ratelimit.GiveBack(ctx, house, s.limitKnownBrowser(), acc.remembered.ID)
	}
	return ratelimit.GiveBack(ctx, house, s.limitPassword(), subject)
}

// endReplayed looks at an older token of a remembered browser: it means that two browsers
// hold the memory, so the memory ends and the person is told.
func (s *Service) endReplayed(ctx context.Context, tx *db.Tx, f *flow, acc account) error {
	if acc.stale == "" || acc.remembered.ID != "" {
		return nil
	}
	first, err := session.Forget(ctx, tx, acc.stale, session.TokenReplay)
	if err != nil || !first {
		return err
	}
	f.note("browser.replayed", "refused", "older_token", "", acc.stale, f.Visitor)
	return s.tellReplay(ctx, tx, f)
}
