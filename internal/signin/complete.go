package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/flow"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/user"
)

// complete turns a satisfied flow into a session, once.
func (s *Service) complete(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision,
	remember bool) (Step, error) {
	if f.SteppingUp != "" {
		if open, err := session.Retire(ctx, tx, f.SteppingUp); err != nil || !open { // it was ended a moment ago
			return s.changed(ctx, tx, f, err)
		}
	}
	first, err := f.close(ctx, tx, flow.Finished)
	if err != nil {
		return nil, err
	}
	if !first {
		return f.endedStep(flow.Finished), nil
	}
	if err := f.countLater(ctx, tx, d); err != nil {
		return nil, err
	}
	if !f.User.PasswordFlaggedAt.IsZero() {
		if err := user.SettleReport(ctx, tx, f.User); err != nil {
			return nil, err
		}
	}
	if err := s.alertNewBrowser(ctx, tx, f, d); err != nil {
		return nil, err
	}
	done := Done{
		ContinueTo: f.ContinueTo,
		FlowID:     f.ID,
		Method:     f.secondStep(),
		Notice:     s.notice(tx, f, d),
		Said:       f.said,
		Device:     s.FirstStep.NewDevice(tx, f.Facts, f.browser(), f.secondStep() != ""),
	}
	rememberedID, err := s.keepBrowser(ctx, tx, f, d, remember, &done)
	if err != nil {
		return nil, err
	}
	sess, ref, err := session.Issue(ctx, tx, s.sessionOf(tx, f, d, rememberedID, done.RememberTo))
	if err != nil {
		return nil, err
	}
	done.Session, done.Life = ref, sess.ExpiresAt.Sub(tx.Now)
	f.recordEvent(audit.SignInCompleted, audit.OK, reasonText(f), strings.Join(sess.AMR, " "), sess.ID, f.Visitor)
	f.events[len(f.events)-1].Level = sess.ACR
	return done, nil
}

// countLater counts the sign-in where the company lets only so many finish before a method is set up. Where another one
// took the last of them meanwhile, the step runs again and is decided anew.
func (f *activeFlow) countLater(ctx context.Context, tx *db.Tx, d policy.Decision) error {
	if !d.Limited {
		return nil
	}
	counted, err := user.CountLater(ctx, tx, f.User.ID, f.Tenant.SetUpLaters)
	if err == nil && !counted {
		err = db.ErrConflict
	}
	return err
}

func reasonText(f *activeFlow) string {
	switch {
	case f.remembered.ID != "":
		return audit.ReasonRemembered
	case f.SteppingUp != "":
		return "step_up"
	}
	return ""
}

// sessionOf gives a session the level that the proofs gave and the life that goes with it.
// One that a remembered browser keeps open ends with the memory: after that date a full
// sign-in is due (ALO-8).
func (s *Service) sessionOf(tx *db.Tx, f *activeFlow, d policy.Decision, rememberedID string,
	rememberTo time.Time) session.Session {
	out := session.Session{
		UserID:          f.User.ID,
		ClientID:        f.ClientID,
		FlowID:          f.ID,
		Continues:       f.SteppingUp,
		ACR:             string(d.Level),
		AMR:             policy.AMR(f.Proofs),
		RememberedID:    rememberedID,
		SecurityVersion: f.SecurityVersion,
		Visitor:         f.Visitor,
		AuthenticatedAt: f.authenticatedAt(),
		Idle:            s.Limits.SessionIdle,
		ExpiresAt:       tx.Now.Add(s.Limits.SessionLife),
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
func (s *Service) keepBrowser(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision, remember bool,
	done *Done) (string, error) {
	if f.remembered.ID != "" && !d.Level.AtLeast(policy.EmailConfirmed) && d.Required {
		renewed, first, err := session.Rotate(ctx, tx, f.rememberBy)
		if err == nil && !first { // another tab was faster; it has the browser's next token
			err = firststep.ErrTryAgain
		}
		done.Remembered, done.RememberTo = &renewed, f.remembered.ExpiresAt
		return f.remembered.ID, err
	}
	if !remember || f.rememberDays(d) == 0 || !d.Level.AtLeast(policy.EmailConfirmed) {
		return "", nil
	}
	proved := f.secondProof().At
	r, ref, err := session.Remember(ctx, tx, session.Remembered{
		UserID:          f.User.ID,
		ClientID:        f.ClientID,
		FlowID:          f.ID,
		SecurityVersion: f.SecurityVersion,
		Visitor:         f.Visitor,
		ProvedAt:        proved,
		ExpiresAt:       proved.AddDate(0, 0, d.RememberDays),
	})
	if err != nil {
		return "", err
	}
	done.Remembered, done.RememberTo = &ref, r.ExpiresAt
	f.recordEvent(audit.BrowserRemembered, audit.OK, "", "", r.ID, f.Visitor)
	return r.ID, nil
}

// browser is what the account knows of the browser that the flow began in.
func (f *activeFlow) browser() firststep.Browser {
	return firststep.Browser{KnownBy: f.KnownBy, Device: f.device}
}

// secondStep is the kind of authenticator that was shown beside the password.
func (f *activeFlow) secondStep() authenticator.Kind {
	for _, p := range slices.Backward(f.Proofs) {
		if k := p.Kind.Base(); k != authenticator.Password {
			return k
		}
	}
	return ""
}

// secondProof is the newest proof beside the password.
func (f *activeFlow) secondProof() authenticator.Proof {
	return f.Proofs[len(f.Proofs)-1]
}

// notice tells of a requirement that is announced and not in force (ALO-1).
func (s *Service) notice(tx *db.Tx, f *activeFlow, d policy.Decision) *Notice {
	if !d.SetUpBy.IsZero() {
		return &Notice{
			AppName:  f.App.Name,
			By:       f.Tenant.Name,
			From:     d.SetUpBy,
			DaysLeft: DaysUntil(tx.Now, d.SetUpBy),
			SetUp:    true,
			Limited:  d.Limited,
			Laters:   d.LatersLeft - 1,
		}
	}
	if d.Announced.IsZero() || d.Level.AtLeast(policy.EmailConfirmed) {
		return nil
	}
	return &Notice{
		AppName:  f.App.Name,
		By:       d.AnnouncedBy,
		From:     d.Announced,
		DaysLeft: DaysUntil(tx.Now, d.Announced),
		SentTo:   outofband.MaskOwn(f.User.Email),
	}
}

// DaysUntil counts begun days, so that "1" is the last one.
func DaysUntil(now, then time.Time) int {
	return int((then.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour))
}
