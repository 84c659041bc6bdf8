package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// Attempt is the answer to the first step, still untrusted.
type Attempt struct {
	Email      string
	Password   secret.Text
	ClientID   string             // client.PortalID for our own pages
	WantACR    []string           // what the client asked for
	ContinueTo string             // sealed authorization request, kept as it came
	Presented  []secret.Reference // what the browser is remembered by
	Devices    []secret.Reference // what the browser kept of finished sign-ins
	Admission  secret.Reference   // what a mailed link gave the browser; zero = none
	Prefer     authenticator.Kind // the second step last used in this browser; a wish
	Visitor    session.Visitor
}

// account is what is known before the comparison.
type account struct {
	known   bool
	stored  password.Stored
	facts   facts.Facts
	browser knownBrowser
	tries   tries
}

// SubmitPassword answers the first step. An unknown address, a wrong password, a disabled
// account and a suspended tenant are one answer in one time.
func (s *Service) SubmitPassword(ctx context.Context, a Attempt) (Step, error) {
	acc, err := s.lookUp(ctx, a)
	if err != nil {
		return nil, err
	}
	ctx = password.WithQueueKey(ctx, acc.queueKey(a))
	if err := s.Passwords.Room(ctx); err != nil { // turned away before anything is written
		return nil, err
	}
	if err := s.reserve(ctx, a, acc); err != nil {
		return nil, err
	}
	ok, err := s.Passwords.Match(ctx, acc.stored, a.Password) // slow: outside any transaction
	if err != nil {                                           // nothing was compared, so the try is not lost
		return nil, errors.Join(err, s.giveBack(context.WithoutCancel(ctx), acc))
	}
	if !ok || !acc.known || !acc.facts.Open() {
		return AskPassword{}, s.refuse(ctx, a, acc)
	}
	renewed, err := s.renew(ctx, acc, a.Password)
	if err != nil {
		return nil, err
	}
	var step Step
	err = s.DB.InTx(ctx, acc.facts.Tenant.ID, func(tx *db.Tx) (err error) {
		step, err = s.passwordProved(ctx, tx, a, acc, renewed)
		return err
	})
	if errors.Is(err, errConcurrentSignIn) { // the password was right, and what gave the try back was undone
		err = errors.Join(err, s.giveBack(context.WithoutCancel(ctx), acc))
	}
	if err != nil {
		return nil, err
	}
	switch st := step.(type) {
	case AskPassword:
		return step, s.refuse(ctx, a, acc)
	case Refused:
		return nil, errSlowDown.After(st.Wait)
	}
	return step, nil
}

func (s *Service) lookUp(ctx context.Context, a Attempt) (acc account, err error) {
	key, _ := user.EmailKey(a.Email) // an impossible address is looked up as one that no one has
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		all, err := s.readShown(ctx, tx, a)
		if err != nil {
			return err
		}
		if err := acc.read(ctx, tx, key, a.ClientID, s.Limits.RememberDays); err != nil {
			return err
		}
		if acc.known {
			acc.browser = s.knownFor(a.Devices, all, acc.facts)
		}
		return s.readTries(ctx, tx, a, &acc)
	})
	return acc, err
}

// read finds the account of an address and reads it. The directory tells the company, and what
// the company has is read by a statement of its own, which also runs where there is no account:
// both answers take the same time.
func (acc *account) read(ctx context.Context, tx *db.Tx, key, clientID string, rememberDays int) error {
	tenantID, userID, err := user.InDirectory(ctx, tx, key)
	if err != nil {
		return err
	}
	r := facts.Into(&acc.facts)
	err = tx.QueryRow(ctx, `
		SELECT COALESCE(p.hash, ''), COALESCE(p.pepper, ''),`+facts.Columns+`
		FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		LEFT JOIN clients c ON c.id = $1
		WHERE u.tenant_id = $2 AND u.id = $3 AND u.email_key = $4`, clientID, tenantID, userID, key).
		Scan(append([]any{&acc.stored.Hash, &acc.stored.Pepper}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	r.Decode(clientID, rememberDays)
	acc.known = true
	return nil
}

// queueKey is where a comparison waits for its turn. Only a browser that the account
// knows tells its company: any other lane would tell an account that exists from one that does not.
func (acc account) queueKey(a Attempt) password.QueueKey {
	if acc.browser.tries != "" {
		return password.QueueKey{Group: acc.facts.Tenant.ID, Key: acc.facts.User.ID}
	}
	return password.QueueKey{Key: a.Visitor.Network()}
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

var errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")

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

func event(
	action audit.Action, result audit.Result, reason, userID, clientID, method, subject string, v session.Visitor,
) audit.Event {
	return audit.Event{
		Action:    action,
		Result:    result,
		Reason:    reason,
		ActorID:   userID,
		UserID:    userID,
		ClientID:  clientID,
		Method:    method,
		SubjectID: subject,
		Origin:    v.Origin(),
	}
}

// passwordProved opens a flow with the first proof and asks what remains. Hashing took its
// time, so everything is read again: what was changed meanwhile holds. The try is given back.
func (s *Service) passwordProved(ctx context.Context, tx *db.Tx, a Attempt, acc account,
	renewed *password.Stored) (Step, error) {
	was, spends := acc.facts.User.SecurityVersion, spender(acc.facts.User.ID, acc.browser.spends)
	read, err := ratelimit.Read(ctx, tx, s.accountSends(tx, spends),
		ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limitFlows, Subject: spends})
	if err != nil {
		return nil, err
	}
	sends, flows := read[0], read[1:]
	if err := lockOnRetry(ctx, tx, acc.tries.spent); err != nil {
		return nil, err
	}
	for _, e := range acc.tries.spent {
		e.RefundTry()
	}
	budgets := append(slices.Clone(acc.tries.spent), flows...)
	if wait := flows.Spend(tx); wait > 0 {
		return Refused{Wait: wait}, budgets.Write(ctx, tx)
	}
	if acc.facts, err = facts.Load(ctx, tx, acc.facts.User.ID, a.ClientID, s.Limits.RememberDays); err != nil {
		return nil, err
	}
	if !acc.facts.Open() || acc.facts.User.SecurityVersion != was {
		return AskPassword{}, budgets.Write(ctx, tx)
	}
	f := &activeFlow{
		Flow:     a.flow(acc.facts.User.SecurityVersion, acc.browser.spends),
		Facts:    acc.facts,
		budgets:  budgets,
		sends:    sends,
		bindable: s.Gate.Bindable,
		prefer:   string(a.Prefer),
		device:   acc.browser.device,
	}
	if renewed != nil {
		if err := password.Renew(ctx, tx, f.User.ID, acc.stored, *renewed); err != nil {
			return nil, err
		}
	}
	ref := s.begin(tx, f, authenticator.Proof{Kind: authenticator.Password, At: tx.Now})
	f.recordEvent(audit.SignInPassword, audit.OK, "", string(authenticator.Password), f.ID, a.Visitor)
	// budgets are always taken before what remembers browsers: two in another order wait for each other
	if len(a.Presented) > 0 {
		if err := f.budgets.Write(ctx, tx); err != nil {
			return nil, err
		}
	}
	if err := s.recall(ctx, tx, f, a.Presented); err != nil {
		return nil, err
	}
	step, err := s.next(ctx, tx, f, false)
	step, err = f.flush(ctx, tx, step, err)
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
	case SetUpMethod:
		st.Flow = &ref
		return st
	}
	return step
}

// recall finds the memory that this browser has of the user, now that the password is
// right. An older token of it means that two browsers hold the memory: it ends, and the
// person is told.
func (s *Service) recall(ctx context.Context, tx *db.Tx, f *activeFlow, presented []secret.Reference) error {
	r, err := session.Recall(ctx, tx, presented, f.User.ID, f.ClientID, f.SecurityVersion)
	if err != nil {
		return err
	}
	for _, id := range r.Over { // written down, so that a clock that goes back revives none (SEC-140)
		if _, err := session.Forget(ctx, tx, id, session.TimeIsOver); err != nil {
			return err
		}
	}
	if f.remembered, f.rememberBy = r.Remembered, r.By; r.Remembered.ID != "" {
		return nil
	}
	if r.Twin {
		return errConcurrentSignIn
	}
	if r.Stale == "" {
		return nil
	}
	first, err := session.Forget(ctx, tx, r.Stale, session.TokenReplay)
	if err != nil || !first {
		return err
	}
	if err := session.EndRemembered(ctx, tx, f.User.ID, r.Stale, session.TokenReplay); err != nil {
		return err
	}
	f.recordEvent(audit.BrowserReplayed, audit.Refused, "older_token", "", r.Stale, f.Visitor)
	return s.tellReplay(ctx, tx, f)
}

// errConcurrentSignIn: another tab of this browser was a moment faster and holds its next token.
var errConcurrentSignIn = fault.New(fault.Conflict, "signin.try_again")
