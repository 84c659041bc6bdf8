package signin

import (
	"context"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// disownWithin is how long after a sign-in its owner can say that it was not them: as long
// as anything may live that it opened.
const disownWithin = keepFor

// noticeLife is how long a warning may wait for a mail server.
const noticeLife = 24 * time.Hour

// Disown takes the word of whoever reads the account's mail that a sign-in was not theirs:
// the attempt and what came of it end, the password is flagged, the admins are told. It
// answers the same for every token, good or bad.
func (s *Service) Disown(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	if !s.Keys.CheckToken(ref.Token, "not-me", ref.Tenant, ref.ID) {
		return ratelimit.Spend(ctx, s.DB, db.Installation, limitLinks, source(v.IP))
	}
	return audit.OrLater(ctx, s.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE flows SET disowned_at = $1 WHERE tenant_id = $2 AND id = $3 AND disowned_at = 0 AND started_at > $4`,
			tx.Now, tx.Tenant, ref.ID, tx.Now.Add(-disownWithin))
		if err != nil || n == 0 {
			return err
		}
		f, err := s.loadByID(ctx, tx, ref.ID)
		if err != nil {
			return err
		}
		return s.disown(ctx, tx, f, v)
	})
}

func (s *Service) disown(ctx context.Context, tx *db.Tx, f *flow, v session.Visitor) error {
	if _, err := f.close(ctx, tx, NotMe); err != nil {
		return err
	}
	if err := s.drop(ctx, tx, f, challenge.Ended); err != nil {
		return err
	}
	line, err := signInChain(ctx, tx, f.ID)
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
	if err := audit.Record(ctx, tx, event("signin.disowned", "ok", "", f.User.ID, f.ClientID, "", f.ID, v)); err != nil {
		return err
	}
	first, err := user.FlagPassword(ctx, tx, f.User.ID)
	if err != nil || !first {
		return err
	}
	return s.alertAdmins(ctx, tx, f)
}

func (s *Service) alertAdmins(ctx context.Context, tx *db.Tx, f *flow) error {
	stewards, err := user.Admins(ctx, tx)
	if err != nil {
		return err
	}
	for _, to := range stewards {
		err := s.alert(ctx, tx, to, "signin.not_me", email.NotMeAlert{
			Vendor: f.Vendor.Name, UserName: f.User.Name, UserEmail: f.User.Email,
			IP: f.Visitor.IP, Place: f.Visitor.Place, Browser: f.Visitor.Browser, At: f.StartedAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// warn tells a person, once an hour at the most, that somebody with their password keeps
// failing at the second step (SEC-36).
func (s *Service) warn(ctx context.Context, tx *db.Tx, f *flow, v session.Visitor) error {
	if f.answers.Used(tx.Now, 24*time.Hour) < s.Limits.WrongAnswers {
		return nil
	}
	wait, err := ratelimit.SpendIn(ctx, tx, limitWarning, f.User.ID)
	if err != nil || wait > 0 {
		return err
	}
	return s.tell(ctx, tx, f.User, "signin.password_known", email.PasswordKnown{
		Vendor: f.Vendor.Name, AppName: f.App.Name, IP: v.IP, Place: v.Place, Browser: v.Browser, At: tx.Now, NotMeLink: s.notMeLink(tx, f),
	})
}

// noticeNewBrowser tells a person of a sign-in that no second step guarded, from a browser
// or place that the account has not been seen with (ALO-13).
func (s *Service) noticeNewBrowser(ctx context.Context, tx *db.Tx, f *flow, d policy.Decision) error {
	if d.Level.AtLeast(policy.EmailConfirmed) || f.remembered.ID != "" {
		return nil
	}
	before, same, err := session.Familiar(ctx, tx, f.User.ID, f.Visitor)
	if err != nil || !before || same {
		return err
	}
	return s.tell(ctx, tx, f.User, "signin.new_browser", email.NewBrowser{
		Vendor: f.Vendor.Name, AppName: f.App.Name, IP: f.Visitor.IP, Place: f.Visitor.Place, Browser: f.Visitor.Browser, At: tx.Now, NotMeLink: s.notMeLink(tx, f),
	})
}

func (s *Service) tellReplay(ctx context.Context, tx *db.Tx, f *flow) error {
	return s.tell(ctx, tx, f.User, "browser.replayed", email.RememberedReuse{
		Vendor: f.Vendor.Name, AppName: f.App.Name, IP: f.Visitor.IP, Place: f.Visitor.Place, Browser: f.Visitor.Browser, At: tx.Now, NotMeLink: s.notMeLink(tx, f),
	})
}

func (s *Service) notMeLink(tx *db.Tx, f *flow) string {
	return outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, f.ID)
}

// tell queues a notice to one person, at every address that they have. It comes out of the
// same budget of the address as codes do, so that nobody can fill a mailbox with warnings.
func (s *Service) tell(ctx context.Context, tx *db.Tx, to user.User, purpose string, c email.Content) error {
	return s.tellWithin(ctx, tx, s.limitSends(destinationSends), to, purpose, c)
}

// alert is tell for those who look after other people's accounts. It has a budget of its own:
// whoever reports their own sign-ins without end must not use up the codes of their
// administrators (ATK-106).
func (s *Service) alert(ctx context.Context, tx *db.Tx, to user.User, purpose string, c email.Content) error {
	return s.tellWithin(ctx, tx, s.limitSends("alert.destination"), to, purpose, c)
}

func (s *Service) tellWithin(ctx context.Context, tx *db.Tx, l ratelimit.Limit, to user.User, purpose string, c email.Content) error {
	all, err := user.Addresses(ctx, tx, to)
	if err != nil {
		return err
	}
	for _, address := range all {
		if err := s.tellAt(ctx, tx, l, to, address, purpose, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) tellAt(ctx context.Context, tx *db.Tx, l ratelimit.Limit, to user.User, address, purpose string, c email.Content) error {
	wait, err := ratelimit.SpendIn(ctx, tx.ForTenant(db.Installation), l, s.hidden("destination", strings.ToLower(address)))
	if err != nil {
		return err
	}
	if wait > 0 {
		return audit.Record(ctx, tx, audit.Event{Action: "notice.sent", Result: "refused", Reason: "too_many_messages", UserID: to.ID, SubjectID: purpose})
	}
	return s.write(ctx, tx, to, address, purpose, c)
}

// inform is tell without a budget, for what a thief must not be able to do unseen by using
// it up first.
func (s *Service) inform(ctx context.Context, tx *db.Tx, to user.User, purpose string, c email.Content) error {
	all, err := user.Addresses(ctx, tx, to)
	if err != nil {
		return err
	}
	for _, address := range all {
		if err := s.write(ctx, tx, to, address, purpose, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) write(ctx context.Context, tx *db.Tx, to user.User, address, purpose string, c email.Content) error {
	_, err := s.Queue.Put(ctx, tx, message.Outgoing{
		UserID: to.ID, Channel: "email", Purpose: purpose, To: address, Hint: outofband.Mask(address),
		Language: to.Language, Template: email.Template(c), Data: c, ExpiresAt: tx.Now.Add(noticeLife),
	})
	return err
}
