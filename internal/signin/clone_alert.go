package signin

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
	"countersign/internal/user"
)

var limitCloned = ratelimit.Limit{Name: "passkey.copied", Windows: []ratelimit.Window{{Count: 1, Per: time.Hour}}}

// clonedPasskey is where a passkey was shown of which there seem to be two.
type clonedPasskey struct{ vendor, app, notMe string }

// alertCloned tells a person, once an hour at the most, that two devices seem to hold one of
// their passkeys: its counter ran backwards (SEC-96).
func (s *Service) alertCloned(ctx context.Context, tx *db.Tx, u user.User, id string, c clonedPasskey,
	v session.Visitor) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitCloned, u.ID)
	if err != nil || wait > 0 {
		return err
	}
	all, err := authenticator.Of(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	letter := email.PasskeyCopied{
		Vendor:    c.vendor,
		AppName:   c.app,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: c.notMe,
	}
	for _, a := range all {
		if a.ID == id {
			letter.Label = a.Label
		}
	}
	return s.Notifier.SendToHolder(ctx, tx, u, notify.Notice{Purpose: "passkey.copied", Content: letter})
}
