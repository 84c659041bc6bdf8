package signin

import (
	"context"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
)

// next is the only place that decides what a flow needs. Every step returns through it.
// remember is the person's wish that this browser be remembered.
func (s *Service) next(ctx context.Context, tx *db.Tx, f *flow, remember bool) (Step, error) {
	d, all, err := s.decide(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	switch d.Outcome {
	case policy.Allow:
		if !f.User.PasswordFlaggedAt.IsZero() {
			return ReplacePassword{Email: f.User.Email, MinLength: minLength, ContinueTo: f.ContinueTo}, nil
		}
		return s.complete(ctx, tx, f, d, remember)
	case policy.Challenge:
		return s.challenge(ctx, tx, f, d, all)
	default:
		return s.unmet(ctx, tx, f, d)
	}
}

func (s *Service) decide(ctx context.Context, tx *db.Tx, f *flow) (policy.Decision, []authenticator.Authenticator, error) {
	all, err := authenticator.Of(ctx, tx, f.User.ID)
	if err != nil {
		return policy.Decision{}, nil, err
	}
	in := f.input(tx.Now, levels(f.WantACR), usable(all), f.Proofs)
	in.RememberedSince, in.RememberedUntil = f.remembered.ProvedAt, f.remembered.ExpiresAt
	return policy.Evaluate(in), all, nil
}

func usable(all []authenticator.Authenticator) []authenticator.Kind {
	var kinds []authenticator.Kind
	for _, a := range all {
		if a.DisabledAt.IsZero() {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// challenge begins the first method that would be enough, so that its message leaves in
// the same request.
func (s *Service) challenge(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision, all []authenticator.Authenticator) (Step, error) {
	a, ok := authenticator.Usable(all, d.Offer[0])
	if !ok {
		return s.unmet(ctx, tx, f, d)
	}
	wait, err := s.spendSend(ctx, tx, f, a)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return s.unsent(ctx, tx, f, d, wait)
	}
	c := challenge.New(tx, f.ID, a, s.Limits.WrongAnswers, s.Limits.CodeLife)
	opening, err := s.verifier(a.Kind).Begin(ctx, tx, a, s.setting(f, c))
	if err != nil {
		return nil, err
	}
	if err := s.withdraw(ctx, tx, f); err != nil {
		return nil, err
	}
	if err := challenge.Issue(ctx, tx, c, opening); err != nil {
		return nil, err
	}
	if err := audit.Record(ctx, tx, event("challenge.sent", "ok", "", f.User.ID, f.ClientID, string(a.Kind), c.ID, f.Visitor)); err != nil {
		return nil, err
	}
	c.MessageID = opening.MessageID
	f.Challenges = append([]challenge.Challenge{c}, f.Challenges...)
	return s.answerStep(ctx, tx, f, d, "")
}

// withdraw keeps the message of a dead code from leaving, when it has not left yet.
func (s *Service) withdraw(ctx context.Context, tx *db.Tx, f *flow) error {
	if len(f.Challenges) == 0 || f.Challenges[0].MessageID == "" {
		return nil
	}
	return message.Withdraw(ctx, tx, f.Challenges[0].MessageID)
}

// purposeSignIn binds a code to this journey; codes of others are wrong here.
const purposeSignIn = "signin.code"

func (s *Service) setting(f *flow, c challenge.Challenge) authenticator.Setting {
	return authenticator.Setting{
		ChallengeID: c.ID, FlowID: f.ID, Purpose: purposeSignIn, Reference: c.Reference,
		Vendor: f.Vendor.Name, AppName: f.App.Name, Company: f.Tenant.Name, Language: f.User.Language,
		IP: f.Visitor.IP, Place: f.Visitor.Place, Browser: f.Visitor.Browser, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
	}
}

// spendSend counts a message against the account, the destination and the flow. wait says
// that it must not be sent before; then nothing is counted. The guarded UPDATE keeps two
// tabs from sending at the same moment.
func (s *Service) spendSend(ctx context.Context, tx *db.Tx, f *flow, a authenticator.Authenticator) (wait time.Duration, err error) {
	to, err := outofband.Address(ctx, tx, a.ID)
	if err != nil {
		return 0, err
	}
	account, destination := s.limitSends("send.account"), s.limitSends("send.destination")
	if wait, err = ratelimit.SpendIn(ctx, tx, account, f.User.ID); err != nil || wait > 0 {
		return wait, err
	}
	wait, err = ratelimit.SpendIn(ctx, tx.As(db.Installation), destination, s.hidden("destination", strings.ToLower(to)))
	if err != nil {
		return 0, err
	}
	if wait > 0 {
		return wait, ratelimit.GiveBack(ctx, tx, account, f.User.ID)
	}
	n, err := tx.Exec(ctx, `UPDATE flows SET sends = sends + 1 WHERE tenant_id = $1 AND id = $2 AND closed_at = 0 AND sends = $3 AND sends <= $4`, tx.Tenant, f.ID, f.Sends, s.Limits.NewCodes)
	if err == nil && n == 0 {
		err = errNewCodeWait.After(s.Limits.NewCodeEvery)
	}
	f.Sends++
	return 0, err
}

var errNewCodeWait = fault.New(fault.RateLimited, "code.problem.too_soon")

// unsent goes on without a message. It is a step and not an error: that the password was
// right stays recorded, and a code that was sent before stays good.
func (s *Service) unsent(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision, wait time.Duration) (Step, error) {
	if err := audit.Record(ctx, tx, event("challenge.sent", "refused", "too_many_messages", f.User.ID, f.ClientID, string(d.Offer[0]), f.ID, f.Visitor)); err != nil {
		return nil, err
	}
	if f.current(tx.Now) == nil {
		step := s.spentStep(f, tx.Now)
		step.Wait = wait
		return step, nil
	}
	step, err := s.answerStep(ctx, tx, f, d, "code.problem.sending")
	step.Wait = wait
	return step, err
}

// unmet ends a flow that nothing this user has could finish.
func (s *Service) unmet(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision) (Step, error) {
	if _, err := f.close(ctx, tx, Unmet); err != nil {
		return nil, err
	}
	e := event("signin.denied", "refused", "level_unreachable", f.User.ID, f.ClientID, "", f.ID, f.Visitor)
	e.Level = string(d.Need)
	return f.overStep(Unmet), audit.Record(ctx, tx, e)
}

// complete turns a satisfied flow into a session, once.
func (s *Service) complete(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision, remember bool) (Step, error) {
	first, err := f.close(ctx, tx, Finished)
	if err != nil {
		return nil, err
	}
	if !first {
		return f.overStep(Finished), nil
	}
	if err := s.noticeNewBrowser(ctx, tx, f, d); err != nil {
		return nil, err
	}
	done := Done{ContinueTo: f.ContinueTo, Notice: s.notice(tx, f, d)}
	rememberedID, err := s.keepBrowser(ctx, tx, f, d, remember, &done)
	if err != nil {
		return nil, err
	}
	sess, ref, err := session.Issue(ctx, tx, s.sessionOf(tx, f, d, rememberedID, done.RememberTo))
	if err != nil {
		return nil, err
	}
	if f.SteppingUp != "" {
		if err := session.Detach(ctx, tx, f.SteppingUp); err != nil {
			return nil, err
		}
	}
	done.Session, done.Life = ref, sess.ExpiresAt.Sub(tx.Now)
	e := event("signin.completed", "ok", reasonText(f), f.User.ID, f.ClientID, strings.Join(sess.AMR, " "), sess.ID, f.Visitor)
	e.Level = sess.ACR
	return done, audit.Record(ctx, tx, e)
}

func reasonText(f *flow) string {
	switch {
	case f.remembered.ID != "":
		return "remembered_browser"
	case f.SteppingUp != "":
		return "step_up"
	}
	return ""
}

// sessionOf gives a session the level that the proofs gave and the life that goes with it.
// One that a remembered browser keeps open ends with the memory: after that date a full
// sign-in is due (ALO-8).
func (s *Service) sessionOf(tx *db.Tx, f *flow, d policy.Decision, rememberedID string, rememberTo time.Time) session.Session {
	out := session.Session{
		UserID: f.User.ID, ClientID: f.ClientID, FlowID: f.ID, Continues: f.SteppingUp, ACR: string(d.Level), AMR: policy.AMR(f.Proofs),
		RememberedID: rememberedID, SecurityVersion: f.SecurityVersion, Visitor: f.Visitor, AuthenticatedAt: f.authenticatedAt(),
		Idle: s.Limits.SessionIdle, ExpiresAt: tx.Now.Add(s.Limits.SessionLife),
	}
	if rememberedID != "" || d.Level == policy.PasswordOnly {
		out.Idle, out.ExpiresAt = 0, tx.Now.Add(s.Limits.LongSessionLife)
	}
	if rememberedID != "" && rememberTo.Before(out.ExpiresAt) {
		out.ExpiresAt = rememberTo
	}
	return out
}

// keepBrowser remembers the browser when the person wished it after a real second step,
// or renews the token of one that stood in for it. The date never moves.
func (s *Service) keepBrowser(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision, remember bool, done *Done) (string, error) {
	if f.remembered.ID != "" && !d.Level.AtLeast(policy.Confirmed) && d.Required {
		renewed, first, err := session.Rotate(ctx, tx, f.rememberBy)
		if err == nil && !first { // another tab was faster; it has the browser's next token
			err = fault.New(fault.Conflict, "signin.try_again")
		}
		done.Remembered, done.RememberTo = &renewed, f.remembered.ExpiresAt
		return f.remembered.ID, err
	}
	if !remember || d.RememberDays == 0 || !d.Level.AtLeast(policy.Confirmed) {
		return "", nil
	}
	proved := f.secondProof().At
	r, ref, err := session.Remember(ctx, tx, session.Remembered{
		UserID: f.User.ID, ClientID: f.ClientID, FlowID: f.ID, SecurityVersion: f.SecurityVersion, Visitor: f.Visitor,
		ProvedAt: proved, ExpiresAt: proved.AddDate(0, 0, min(d.RememberDays, s.Limits.RememberDays)),
	})
	if err != nil {
		return "", err
	}
	done.Remembered, done.RememberTo = &ref, r.ExpiresAt
	return r.ID, audit.Record(ctx, tx, event("browser.remembered", "ok", "", f.User.ID, f.ClientID, "", r.ID, f.Visitor))
}

// secondProof is the newest proof beside the password.
func (f *flow) secondProof() authenticator.Proof {
	return f.Proofs[len(f.Proofs)-1]
}

// notice tells of a requirement that is announced and not in force (ALO-1).
func (s *Service) notice(tx *db.Tx, f *flow, d policy.Decision) *Notice {
	if d.Announced.IsZero() || d.Level.AtLeast(policy.Confirmed) || f.App.ExemptUntil.After(d.Announced) {
		return nil
	}
	return &Notice{AppName: f.App.Name, By: d.AnnouncedBy, From: d.Announced, DaysLeft: DaysUntil(tx.Now, d.Announced), SentTo: outofband.Mask(f.User.Email)}
}

// DaysUntil counts begun days, so that "1" is the last one.
func DaysUntil(now, then time.Time) int {
	return int((then.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour))
}
