package signin

import (
	"context"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
)

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
	return s.alert(ctx, tx, f, "signin.password_known", email.PasswordKnown(s.seen(tx, f, v)))
}

// alertNewBrowser tells a person of a sign-in that no second step guarded, from a browser
// or place that the account has not been seen with (ALO-13).
func (s *Service) alertNewBrowser(ctx context.Context, tx *db.Tx, f *activeFlow, d policy.Decision) error {
	if d.Level.AtLeast(policy.EmailConfirmed) || f.remembered.ID != "" {
		return nil
	}
	before, same, err := session.Familiar(ctx, tx, f.User.ID, f.Visitor)
	if err != nil || !before || same {
		return err
	}
	return s.alert(ctx, tx, f, "signin.new_browser", email.NewBrowser(s.seen(tx, f, f.Visitor)))
}

// alertReplay tells a person that two browsers seem to hold one memory of a second step.
func (s *Service) alertReplay(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	return s.alert(ctx, tx, f, "browser.replayed", email.RememberedReuse(s.seen(tx, f, f.Visitor)))
}

// alert sends one of the letters about a sign-in, within the budget of its addresses.
func (s *Service) alert(ctx context.Context, tx *db.Tx, f *activeFlow, purpose string, letter email.Content) error {
	notice := notify.Notice{Purpose: purpose, Content: letter, WithinBudget: true}
	return s.Notifier.SendToHolder(ctx, tx, f.User, notice)
}

// seen is what these letters tell, which are alike: of which sign-in, and in which browser it was.
func (s *Service) seen(tx *db.Tx, f *activeFlow, v session.Visitor) email.PasswordKnown {
	return email.PasswordKnown{
		Vendor:    f.Vendor.Name,
		AppName:   f.App.Name,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: s.notMeLink(tx, f),
	}
}

func (s *Service) notMeLink(tx *db.Tx, f *activeFlow) string {
	return outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, f.ID)
}
