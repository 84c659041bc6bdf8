package signin

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

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
	Devices         []secret.Reference // what the browser kept of finished sign-ins
	Prefer          authenticator.Kind // the second step last used in this browser; a wish
	Visitor         session.Visitor
}

// account is what is known before the comparison.
type account struct {
	known  bool
	stored password.Stored
	world  world
	device string           // a device that this user has finished a sign-in on; empty = none
	budget ratelimit.Ledger // what a try comes out of
	source *ratelimit.Entry // what a failure is charged to besides
}

// SubmitPassword answers the first step. An unknown address, a wrong password, a disabled
// account and a suspended tenant are one answer in one time.
func (s *Service) SubmitPassword(ctx context.Context, a Attempt) (Step, error) {
	acc, err := s.lookUp(ctx, a)
	if err != nil {
		return nil, err
	}
	ctx = password.WithLane(ctx, acc.lane(a))
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
	if !ok || !acc.known || !acc.world.open() {
		return AskPassword{}, s.refuse(ctx, a, acc)
	}
	renewed, err := s.renew(ctx, acc, a.Password)
	if err != nil {
		return nil, err
	}
	var step Step
	err = s.DB.InTx(ctx, acc.world.Tenant.ID, func(tx *db.Tx) (err error) {
		step, err = s.passwordProved(ctx, tx, a, acc, renewed)
		return err
	})
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
			WHERE d.email_key = $2 AND d.held_until = 0`, a.ClientID, key).Scan(append([]any{&acc.stored.Hash, &acc.stored.Pepper}, r.targets()...)...)
		if db.IsNoRows(err) {
			return s.readBudgets(ctx, tx, a, &acc)
		}
		if err != nil {
			return err
		}
		r.settle(a.ClientID, s.Limits.RememberDays)
		acc.known = true
		acc.device = s.deviceOf(a.Devices, acc.world)
		return s.readBudgets(ctx, tx, a, &acc)
	})
	return acc, err
}

// lane is where a comparison waits for its turn. Only a device that has finished a sign-in
// tells its company: any other lane would tell an account that exists from one that does not.
func (acc account) lane(a Attempt) password.Lane {
	if acc.device != "" {
		return password.Lane{Group: acc.world.Tenant.ID, Key: acc.world.User.ID}
	}
	return password.Lane{Key: source(a.Visitor.IP)}
}

// readBudgets reads the budgets that a try comes out of. A device on which this user has
// finished a sign-in has one of its own (OWASP device cookie). Others are slowed for this
// account at their own address first, and all together only when failures come from many:
// one stranger who asks without end slows nobody but himself.
func (s *Service) readBudgets(ctx context.Context, tx *db.Tx, a Attempt, acc *account) error {
	charge := func(l ratelimit.Limit, who string) ratelimit.Charge {
		return ratelimit.Charge{Tenant: db.Installation, Limit: l, Subject: who}
	}
	from, subject := source(a.Visitor.IP), s.accountSubject(a.Email)
	charges := []ratelimit.Charge{charge(s.limitSource(), from), charge(s.limitPassword(), subject), charge(s.limitPasswordHere(), subject+"/"+from)}
	if acc.device != "" {
		charges = append(charges[:1], charge(s.limitKnownDevice(), acc.device))
	}
	all, err := ratelimit.Read(ctx, tx, charges...)
	if err == nil {
		acc.source, acc.budget = all[0], all[1:]
	}
	return err
}

// renew makes a fresh hash of a password whose hash was imported, or peppered with an older
// key, now that it is known.
func (s *Service) renew(ctx context.Context, acc account, plain string) (*password.Stored, error) {
	if acc.stored.Pepper == s.Keys.Current() {
		return nil, nil
	}
	stored, err := s.Passwords.Hash(ctx, plain)
	if err != nil && acc.stored.Pepper != "" {
		return nil, nil // the old one does for another time
	}
	return &stored, err
}

// reserve takes one try from the account's budget before anything is compared. It commits
// on its own, so that nothing later can give the try back unnoticed. The source's budget is
// only looked at: it is charged for failures, when they are known to be failures.
func (s *Service) reserve(ctx context.Context, a Attempt, acc account) error {
	if acc.device == "" && acc.source.Wait(s.DB.Now()) > 0 { // a neighbour's failures do not shut out a known device
		return errSlowDown.After(s.Limits.FailuresPerSourceWindow / 10) // and nothing more is written for that source
	}
	var wait time.Duration
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := hold(ctx, tx, acc.budget); err != nil {
			return err
		}
		wait = acc.budget.Spend(tx)
		return acc.budget.Write(ctx, tx)
	})
	if err == nil && wait > 0 {
		return s.throttled(ctx, a, acc, errSlowDown.After(wait))
	}
	return err
}

// hold reads budgets anew where what was read before turned out to be old.
func hold(ctx context.Context, tx *db.Tx, l ratelimit.Ledger) error {
	if tx.Try == 1 {
		return nil
	}
	return l.Hold(ctx, tx)
}

// giveBack returns a try that was not used.
func (s *Service) giveBack(ctx context.Context, acc account) error {
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := hold(ctx, tx, acc.budget); err != nil {
			return err
		}
		for _, e := range acc.budget {
			e.GiveBack()
		}
		return acc.budget.Write(ctx, tx)
	})
}

var errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")

// throttled leaves a trace of a try that was turned away unseen, and charges it to its
// source: whoever keeps asking is soon not heard at all.
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
		charged := ratelimit.Ledger{acc.source}
		if err := hold(ctx, tx, charged); err != nil {
			return err
		}
		charged.Spend(tx)
		if err := charged.Write(ctx, tx); err != nil {
			return err
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
// time, so everything is read again: what was changed meanwhile holds. The try is given back.
func (s *Service) passwordProved(ctx context.Context, tx *db.Tx, a Attempt, acc account, renewed *password.Stored) (Step, error) {
	was := acc.world.User.SecurityVersion
	if err := hold(ctx, tx, acc.budget); err != nil {
		return nil, err
	}
	flows, err := ratelimit.Read(ctx, tx, ratelimit.Charge{Tenant: tx.Tenant, Limit: limitFlows, Subject: acc.world.User.ID})
	if err != nil {
		return nil, err
	}
	for _, e := range acc.budget {
		e.GiveBack()
	}
	budgets := append(slices.Clone(acc.budget), flows...)
	if wait := flows.Spend(tx); wait > 0 {
		return Refused{Wait: wait}, budgets.Write(ctx, tx)
	}
	if acc.world, err = s.worldOf(ctx, tx, acc.world.User.ID, a.ClientID); err != nil {
		return nil, err
	}
	if !acc.world.open() || acc.world.User.SecurityVersion != was {
		return AskPassword{}, budgets.Write(ctx, tx)
	}
	f := &flow{
		ClientID: a.ClientID, ContinueTo: a.ContinueTo, WantACR: a.WantACR, Visitor: a.Visitor,
		SecurityVersion: acc.world.User.SecurityVersion, world: acc.world, budgets: budgets, bindable: s.Bindable, prefer: string(a.Prefer),
	}
	if renewed != nil {
		if err := password.Renew(ctx, tx, f.User.ID, acc.stored, *renewed); err != nil {
			return nil, err
		}
	}
	ref := s.begin(tx, f, authenticator.Proof{Kind: authenticator.Password, At: tx.Now})
	f.note("signin.password", "ok", "", string(authenticator.Password), f.ID, a.Visitor)
	if len(a.Presented) > 0 { // budgets are always taken before what remembers browsers: two in another order wait for each other
		if err := f.budgets.Write(ctx, tx); err != nil {
			return nil, err
		}
	}
	if err := s.recall(ctx, tx, f, a.Presented); err != nil {
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
	case SetUpMethod:
		st.Flow = &ref
		return st
	}
	return step
}

// recall finds the memory that this browser has of the user, now that the password is
// right. An older token of it means that two browsers hold the memory: it ends, and the
// person is told.
func (s *Service) recall(ctx context.Context, tx *db.Tx, f *flow, presented []secret.Reference) error {
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
		return errTwin
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
	f.note("browser.replayed", "refused", "older_token", "", r.Stale, f.Visitor)
	return s.tellReplay(ctx, tx, f)
}

// errTwin: another tab of this browser was a moment faster and holds its next token.
var errTwin = fault.New(fault.Conflict, "signin.try_again")

// newDevice is what a browser keeps of a finished sign-in: a token that only we can have
// made for this user. It opens nothing.
func (s *Service) newDevice(f *flow, tx *db.Tx) secret.Reference {
	token, _ := s.Keys.NewBound("device", tx.Tenant, f.User.ID, version(f.world))
	return secret.Reference{Tenant: tx.Tenant, ID: f.User.ID, Token: token}
}

// deviceOf names the device among those presented that this user has finished a sign-in on.
func (s *Service) deviceOf(presented []secret.Reference, w world) string {
	for _, d := range presented {
		if d.Tenant == w.Tenant.ID && d.ID == w.User.ID && s.Keys.IsBound(d.Token, "device", d.Tenant, d.ID, version(w)) {
			return s.hidden("device", d.Token.Reveal())
		}
	}
	return ""
}

// version ties a device to the password that it was used with.
func version(w world) string { return strconv.FormatInt(w.User.SecurityVersion, 10) }
