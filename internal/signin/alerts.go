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
	return s.Notifier.SendToHolder(ctx, tx, f.User, notice)
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
	return s.Notifier.SendToHolder(ctx, tx, f.User, notice)
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
	return s.Notifier.SendToHolder(ctx, tx, f.User, notice)
}

func (s *Service) notMeLink(tx *db.Tx, f *activeFlow) string {
	return outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, f.ID)
}
