package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// next decides what a flow needs; every step returns through it. remember says that the person wants this browser to be
// remembered.
func (s *Service) next(ctx context.Context, tx *db.Tx, f *activeFlow, remember bool) (Step, error) {
	d := f.decide(tx.Now)
	if err := f.storeDeadline(ctx, tx, d); err != nil {
		return nil, err
	}
	switch d.Outcome {
	case policy.Allow:
		if step := s.requiredFirst(f); step != nil {
			return step, nil
		}
		return s.complete(ctx, tx, f, d, remember)
	case policy.SetUp:
		return f.setUpStep(d, d.SetUp), nil
	case policy.Challenge:
		return s.challenge(ctx, tx, f, d, nil)
	default:
		return s.denyUnreachable(ctx, tx, f, d)
	}
}

// storeDeadline stores the person's own deadline for set-up at the first sign-in that meets one, so that no later date
// of the company's moves it, and a newcomer's time begins once.
func (f *activeFlow) storeDeadline(ctx context.Context, tx *db.Tx, d policy.Decision) error {
	if !f.storesDeadline(d) {
		return nil
	}
	f.SetUpBy, f.NewcomerUntil = d.SetUpBy, d.NewcomerUntil
	if f.SetUpBy.Before(d.NewcomerUntil) { // the sign-in is to an app that is exempt
		f.SetUpBy = d.NewcomerUntil
	}
	return user.StoreDeadline(ctx, tx, f.User.ID, f.SetUpBy, f.NewcomerUntil)
}

func (f *activeFlow) storesDeadline(d policy.Decision) bool {
	return f.SetUpBy.IsZero() && !d.Exempt && (!d.SetUpBy.IsZero() || !d.NewcomerUntil.IsZero())
}

// requiredFirst is what must be done after enough was shown and before there is a session: a new
// password, or backup codes for someone whose only other way in is the one just used.
func (s *Service) requiredFirst(f *activeFlow) Step {
	if !f.User.PasswordFlaggedAt.IsZero() && !f.replacedByMail() {
		return ReplacePassword{
			Email:      f.User.Email,
			MinLength:  minLength,
			ContinueTo: f.ContinueTo,
			FlowID:     f.ID,
		}
	}
	if f.onlyWay() {
		return f.setUpStep(policy.Decision{}, []authenticator.Kind{authenticator.Backup})
	}
	return nil
}

// replacedByMail reports whether the password that someone else is said to know was replaced
// through a mailed link since. The report then stands until the sign-in is complete.
func (f *activeFlow) replacedByMail() bool { return f.ResetAt.After(f.User.PasswordFlaggedAt) }

// onlyWay reports whether this flow rests on the one second factor that its user has, so
// that losing it would mean losing the account (PAR-11). Anyone who has codes has them.
func (f *activeFlow) onlyWay() bool {
	ways := 0
	for kind := range strings.FieldsSeq(f.Kinds) {
		if authenticator.TraitsOf[authenticator.Kind(kind)].Possession {
			ways++
		}
	}
	used := slices.ContainsFunc(f.Proofs,
		func(p authenticator.Proof) bool { return authenticator.TraitsOf[p.Kind].Possession })
	return ways == 1 && used && !slices.Contains(f.Has, authenticator.Backup) &&
		slices.Contains(f.bindable, authenticator.Backup)
}

func (f *activeFlow) setUpStep(d policy.Decision, kinds []authenticator.Kind) SetUpMethod {
	return SetUpMethod{
		Kinds:      kinds,
		AppName:    f.App.Name,
		Email:      f.User.Email,
		Because:    d.Because,
		ContinueTo: f.ContinueTo,
		FlowID:     f.ID,
	}
}

// decide asks policy about the flow as it stands.
func (f *activeFlow) decide(now time.Time) policy.Decision { return policy.Evaluate(f.input(now)) }

// input is what policy looks at.
func (f *activeFlow) input(now time.Time) policy.Input {
	in := f.Input(now, f.bindable, f.WantACR, f.Proofs)
	in.RememberedSince, in.RememberedUntil = f.remembered.ProvedAt, f.remembered.ExpiresAt
	in.Origin = policy.Origin{Judged: true, IP: f.Visitor.IP}
	for _, u := range f.Unusual {
		in.Unusual = append(in.Unusual, policy.Unusual(u))
	}
	in.SetUpAfter = f.StartedAt.Add(-gate.FreshFor)
	return in
}

// pick chooses what to ask for first: what the person prefers, else the strongest. Backup
// codes are asked for when someone chooses them, or has nothing else.
func (s *Service) pick(all []method, offer []authenticator.Kind, prefer string) (method, bool) {
	first := func(fits func(m method) bool) (method, bool) {
		i := slices.IndexFunc(all,
			func(m method) bool { return fits(m) && slices.Contains(offer, m.Kind) && s.verifier(m.Kind) != nil })
		if i < 0 {
			return method{}, false
		}
		return all[i], true
	}
	if m, ok := first(func(m method) bool { return m.ID == prefer }); ok {
		return m, true
	}
	if m, ok := first(func(m method) bool { return string(m.Kind) == prefer && m.Kind != authenticator.Backup }); ok {
		return m, true
	}
	for _, k := range offer {
		if m, ok := first(func(m method) bool { return m.Kind == k }); ok {
			return m, true
		}
	}
	return method{}, false
}

// challenge begins the method that the person most likely wants, so that its message leaves
// in the same request. all is what there is to choose from; nil where it was not read yet.
func (s *Service) challenge(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision,
	all []method) (Step, error) {
	all, err := s.choices(ctx, tx, f, d, all)
	if err != nil {
		return nil, err
	}
	m, ok := s.pick(all, d.Offer, f.prefer)
	if !ok {
		return s.denyUnreachable(ctx, tx, f, d)
	}
	c := challenge.New(tx, f.ID, m.Authenticator, s.Limits.WrongAnswers, s.lifeOf(f, m.Kind, tx.Now))
	if authenticator.TraitsOf[c.Kind].Sent {
		c.SentKey = outofband.DestinationSubject(s.Keys, m.Address)
	}
	wait, err := s.attach(ctx, tx, f, c, m.Address)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return s.sendRefused(tx, f, d, m, wait)
	}
	opening, err := s.verifier(m.Kind).Begin(ctx, tx, m.Authenticator, s.challengeContext(f, c))
	if fault.Is(err, fault.Unavailable) {
		return s.fallback(ctx, tx, f, d, c, m.Address, fault.Of(err))
	}
	if err != nil {
		return nil, err
	}
	if err := f.replace(ctx, tx, c, opening); err != nil {
		return nil, err
	}
	f.recordEvent(audit.ChallengeSent, audit.OK, "", string(m.Kind), c.ID, f.Visitor)
	c.MessageID, c.State = opening.MessageID, opening.State
	f.Challenge, f.Delivery = c, message.Status{State: message.None}
	if c.MessageID != "" {
		f.Delivery = message.Status{State: message.Queued, At: tx.Now}
	}
	return s.answerStep(tx, f, d, ""), nil
}

// fallback asks for the next method where one cannot be used for now, such as a text message
// when the money for them is spent. The attempt stays counted.
func (s *Service) fallback(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision, c challenge.Challenge,
	address string, why *fault.Fault) (Step, error) {
	f.recordEvent(audit.ChallengeSent, audit.Refused, unusable(why), string(c.Kind), c.ID, f.Visitor)
	f.Challenge.ID = c.ID // as the flow's row says; there is no such challenge
	d.Offer = slices.DeleteFunc(slices.Clone(d.Offer), func(k authenticator.Kind) bool { return k == c.Kind })
	if f.prefer = ""; len(d.Offer) == 0 {
		return CodeSpent{
			AppName:      f.App.Name,
			SentTo:       where(c.Kind, address),
			NewCodesLeft: s.newCodesLeft(f),
			ContinueTo:   f.ContinueTo,
			FlowID:       f.ID,
			Unsent:       true,
			Why:          why.Message,
		}, nil
	}
	step, err := s.challenge(ctx, tx, f, d, nil)
	if ask, ok := step.(AnswerCode); ok && err == nil {
		ask.Problem = why.Message
		step = ask
	}
	return step, err
}

// unusable is the word of the audit log for a method that cannot be used for now.
func unusable(why *fault.Fault) string {
	switch why.Message {
	case outofband.ErrCeiling.Message:
		return "ceiling"
	case outofband.ErrCountry.Message:
		return "country"
	case outofband.ErrPaused.Message:
		return "paused"
	case receiver.ErrGone.Message:
		return "gone"
	}
	return "switched_off"
}

// passkeyLife is how long a browser may take over one request for a passkey (SEC-91).
const passkeyLife = 5 * time.Minute

// lifeOf is how long a challenge may be answered: what is sent by its own limit, the rest as
// long as the flow.
func (s *Service) lifeOf(f *activeFlow, k authenticator.Kind, now time.Time) time.Duration {
	left := f.ExpiresAt.Sub(now)
	switch {
	case authenticator.TraitsOf[k].Sent:
		return s.Limits.CodeTTL
	case k == authenticator.Passkey:
		return min(left, passkeyLife)
	}
	return left
}

// attach makes a challenge the flow's newest. Messages have budgets; wait says how long there is none.
func (s *Service) attach(ctx context.Context, tx *db.Tx, f *activeFlow, c challenge.Challenge,
	to string) (wait time.Duration, err error) {
	if authenticator.TraitsOf[c.Kind].Sent {
		return s.spendSend(ctx, tx, f, c, to)
	}
	f.Destination = to
	if !f.stored {
		return 0, f.store(ctx, tx, c.ID)
	}
	n, err := tx.Exec(ctx, `UPDATE flows SET challenge_id = $1 WHERE tenant_id = $2 AND id = $3 AND closed_at = 0
		AND challenge_id = $4`, c.ID, tx.Tenant, f.ID, f.Challenge.ID)
	if err == nil && n == 0 {
		err = errNewCodeWait
	}
	return 0, err
}

// purposeSignIn binds a code to this journey; codes of others are wrong here. It is part of every code under way: with
// another word, a server of the version before could not take codes of this one.
const purposeSignIn = "signin.code"

func (s *Service) challengeContext(f *activeFlow, c challenge.Challenge) authenticator.ChallengeContext {
	return authenticator.ChallengeContext{
		ChallengeID: c.ID,
		FlowID:      f.ID,
		Purpose:     purposeSignIn,
		Reference:   c.Reference,
		Destination: f.Destination,
		Vendor:      f.Vendor.Name,
		AppName:     f.App.Name,
		Company:     f.Tenant.Name,
		Language:    f.User.Language,
		IP:          f.Visitor.IP,
		Place:       f.Visitor.Place,
		Browser:     f.Visitor.Browser,
		IssuedAt:    c.IssuedAt,
		ExpiresAt:   c.ExpiresAt,
	}
}

// denyUnreachable ends a flow that nothing this user has could finish.
func (s *Service) denyUnreachable(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision) (Step, error) {
	because, reason := flow.Unmet, "level_unreachable"
	if d.NeedsAdmin {
		because, reason = flow.NeedsAdmin, "no_usable_method"
	}
	if d.Outside {
		because, reason = flow.Outside, "network"
	}
	if !d.SetUpFrom.IsZero() {
		because, reason = flow.SetUpLater, "password_reset"
	}
	if _, err := f.close(ctx, tx, because); err != nil {
		return nil, err
	}
	f.recordEvent(audit.SignInDenied, audit.Refused, reason, "", f.ID, f.Visitor)
	f.events[len(f.events)-1].Level = string(d.Need)
	return f.endedStep(because), nil
}
