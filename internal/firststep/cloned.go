package firststep

import (
	"context"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
)

// AlertCloned tells a person, once an hour at the most, that two devices seem to hold one of
// their passkeys: its counter ran backwards (SEC-96). v is where it was shown; notMeLink reports
// the sign-in in which it was, if there was one.
func (s *Service) AlertCloned(ctx context.Context, tx *db.Tx, f facts.Facts, authenticatorID, notMeLink string,
	v session.Visitor) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitCloned, f.User.ID)
	if err != nil || wait > 0 {
		return err
	}
	all, err := authenticator.Of(ctx, tx, f.User.ID)
	if err != nil {
		return err
	}
	letter := email.PasskeyCopied{
		Vendor:    f.Vendor.Name,
		AppName:   f.App.Name,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: notMeLink,
	}
	for _, a := range all {
		if a.ID == authenticatorID {
			letter.Label = a.Label
		}
	}
	return s.Notifier.SendToHolder(ctx, tx, f.User, notify.Notice{Purpose: "passkey.copied", Content: letter})
}
