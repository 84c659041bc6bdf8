package signin

import (
	"context"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// disownWithin is how long after a sign-in its owner can say that it was not them: as long
// as anything may live that it opened.
const disownWithin = flow.Kept

// Disown takes the word of anyone who reads the account's mail that a sign-in was not theirs:
// the attempt and what came of it end, the password is flagged, the admins are told. It
// answers the same for every token, good or bad.
func (s *Service) Disown(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	if !s.Keys.CheckToken(ref.Token, "not-me", ref.Tenant, ref.ID) {
		return ratelimit.Spend(ctx, s.DB, db.Installation, limitLinks, source(v.IP))
	}
	return audit.OrLater(ctx, s.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		first, err := flow.Disown(ctx, tx, ref.ID, tx.Now.Add(-disownWithin))
		if err != nil || !first {
			return err
		}
		f, err := s.loadByID(ctx, tx, ref.ID)
		if err != nil {
			return err
		}
		return s.disown(ctx, tx, f, v)
	})
}

func (s *Service) disown(ctx context.Context, tx *db.Tx, f *activeFlow, v session.Visitor) error {
	if _, err := f.close(ctx, tx, flow.NotMe); err != nil {
		return err
	}
	if err := s.drop(ctx, tx, f, challenge.Ended); err != nil {
		return err
	}
	line, err := flow.Chain(ctx, tx, f.ID)
	if err != nil {
		return err
	}
	if err := endEverything(ctx, tx, f.User.ID); err != nil {
		return err
	}
	for _, id := range line {
		if err := s.suspendBoundIn(ctx, tx, f, id, v); err != nil {
			return err
		}
	}
	if err := s.moveBack(ctx, tx, f, line, v); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx,
		event(audit.SignInDisowned, audit.OK, "", f.User.ID, f.ClientID, "", f.ID, v)); err != nil {
		return err
	}
	first, err := user.FlagPassword(ctx, tx, f.User.ID)
	if err != nil || !first {
		return err
	}
	return s.alertAdmins(ctx, tx, f)
}

func (s *Service) alertAdmins(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	letter := email.NotMeAlert{
		Vendor:    f.Vendor.Name,
		UserName:  f.User.Name,
		UserEmail: f.User.Email,
		IP:        f.Visitor.IP,
		Place:     f.Visitor.Place,
		Browser:   f.Visitor.Browser,
		At:        f.StartedAt,
	}
	notice := notify.Notice{Purpose: "signin.not_me", Content: letter, WithinBudget: true}
	return s.Notifier.TellAdmins(ctx, tx, notice)
}

// warn tells a person, once an hour at the most, that someone with their password keeps
// failing at the second step (SEC-36).
func (s *Service) warn(ctx context.Context, tx *db.Tx, f *activeFlow, v session.Visitor) error {
	if f.answers.Used(tx.Now, 24*time.Hour) < s.Limits.WrongAnswers {
		return nil
	}
	wait, err := ratelimit.SpendIn(ctx, tx, limitWarning, f.User.ID)
	if err != nil || wait > 0 {
		return err
	}
	letter := email.PasswordKnown{
		Vendor:    f.Vendor.Name,
		AppName:   f.App.Name,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: s.notMeLink(tx, f),
	}
	notice := notify.Notice{Purpose: "signin.password_known", Content: letter, WithinBudget: true}
	return s.Notifier.TellHolder(ctx, tx, f.User, notice)
}

// noticeNewBrowser tells a person of a sign-in that no second step guarded, from a browser
// or place that the account has not been seen with (ALO-13).
func (s *Service) noticeNewBrowser(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision) error {
	if d.Level.AtLeast(policy.EmailConfirmed) || f.remembered.ID != "" {
		return nil
	}
	before, same, err := session.Familiar(ctx, tx, f.User.ID, f.Visitor)
	if err != nil || !before || same {
		return err
	}
	letter := email.NewBrowser{
		Vendor:    f.Vendor.Name,
		AppName:   f.App.Name,
		IP:        f.Visitor.IP,
		Place:     f.Visitor.Place,
		Browser:   f.Visitor.Browser,
		At:        tx.Now,
		NotMeLink: s.notMeLink(tx, f),
	}
	notice := notify.Notice{Purpose: "signin.new_browser", Content: letter, WithinBudget: true}
	return s.Notifier.TellHolder(ctx, tx, f.User, notice)
}

func (s *Service) tellReplay(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	letter := email.RememberedReuse{
		Vendor:    f.Vendor.Name,
		AppName:   f.App.Name,
		IP:        f.Visitor.IP,
		Place:     f.Visitor.Place,
		Browser:   f.Visitor.Browser,
		At:        tx.Now,
		NotMeLink: s.notMeLink(tx, f),
	}
	notice := notify.Notice{Purpose: "browser.replayed", Content: letter, WithinBudget: true}
	return s.Notifier.TellHolder(ctx, tx, f.User, notice)
}

func (s *Service) notMeLink(tx *db.Tx, f *activeFlow) string {
	return outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, f.ID)
}
