package passwordlink

import (
	"context"
	"errors"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// limitNewPasswords bounds the work that the links of one account make: each try costs a hash.
var limitNewPasswords = ratelimit.Limit{Name: "reset.password",
	Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

// SetPassword sets the password of the person who was mailed a link, once. Everything that
// an older one opened ends. It signs no one in and leaves every method as it is. The state is
// LinkReady where it was set, and says otherwise why not; what is wrong with the password is
// Invalid, and the link stays good.
func (s *Service) SetPassword(ctx context.Context, ref secret.Reference, plain secret.Text,
	v session.Visitor) (Link, error) {
	o, err := s.read(ctx, ref)
	if err == nil && o.State == outofband.LinkUnknown {
		err = ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	if err == nil && o.State == outofband.LinkExpired {
		err = s.expire(ctx, ref)
	}
	if err != nil || o.State != outofband.LinkReady {
		return o.Link, err
	}
	if err := password.Check(plain, o.Vendor.Name, o.Tenant.Name, o.User.Name, o.User.Email); err != nil {
		return o.Link, err
	}
	stored, err := s.hash(ctx, o, plain)
	if err != nil {
		return o.Link, err
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error { return s.spend(ctx, tx, ref, o, stored, v) })
	if errors.Is(err, errInvalid) { // another tab was a moment faster, or the account changed
		again, err := s.read(ctx, ref)
		return again.Link, err
	}
	return o.Link, err
}

// expire closes a link that someone tried too late, so that a clock that goes back
// does not bring it to life again (SEC-140).
func (s *Service) expire(ctx context.Context, ref secret.Reference) error {
	return s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE password_links SET closed_at = $1, closed_because = $2
			WHERE tenant_id = $3 AND id = $4 AND token_hash = $5 AND closed_at = 0 AND expires_at <= $1`,
			tx.Now, string(outofband.LinkExpired), tx.Tenant, ref.ID, ref.Hash())
		return err
	})
}

// hash takes a try and computes the hash, outside any transaction. A password that
// someone else is said to know must be another one; only then is it compared, so that a link
// is no way to guess a good one.
func (s *Service) hash(ctx context.Context, o opened, plain secret.Text) (stored password.Stored, err error) {
	ctx = password.WithQueueKey(ctx, password.QueueKey{Group: o.Tenant.ID, Key: o.User.ID})
	if err := ratelimit.Spend(ctx, s.DB, o.Tenant.ID, limitNewPasswords, o.User.ID); err != nil {
		return stored, err
	}
	if !o.User.PasswordFlaggedAt.IsZero() && o.old.Hash != "" {
		same, err := s.Passwords.Match(ctx, o.old, plain)
		if err == nil && same {
			err = fault.New(fault.Invalid, "password.problem.same")
		}
		if err != nil {
			return stored, err
		}
	}
	return s.Passwords.Hash(ctx, plain)
}

// spend is one unit of work. The first write finds the account as it was when the
// link was read, or nothing happens: of several links, or tabs, one wins.
func (s *Service) spend(ctx context.Context, tx *db.Tx, ref secret.Reference, o opened,
	stored password.Stored, v session.Visitor) error {
	same, err := user.PasswordSetByMail(ctx, tx, o.User, !o.Invitation)
	if err == nil && !same {
		err = errInvalid
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND id = $4 AND token_hash = $5 AND closed_at = 0 AND expires_at > $1`,
		tx.Now, string(outofband.LinkUsed), tx.Tenant, ref.ID, ref.Hash())
	if err == nil && n == 0 {
		err = errInvalid
	}
	if err != nil {
		return err
	}
	if err := closeAll(ctx, tx, o.User.ID, string(outofband.LinkReplaced)); err != nil {
		return err
	}
	if err := password.Set(ctx, tx, o.User.ID, stored); err != nil {
		return err
	}
	if err := outofband.Prove(ctx, tx, o.User.ID); err != nil {
		return err
	}
	if err := session.EndOthers(ctx, tx, o.User.ID, "", session.PasswordChanged); err != nil {
		return err
	}
	if _, err := user.CloseChange(ctx, tx, o.User.ID, flow.Changed); err != nil {
		return err
	}
	if o.Invitation {
		return audit.Record(ctx, tx, replaced(invitation, o.User.ID, ref.ID, v))
	}
	return s.recordReset(ctx, tx, o, ref, v)
}

// recordReset tells the person, at every address. A reset is kept as a sign-in that came to
// nothing, so that the notice can say "this wasn't me" about it.
func (s *Service) recordReset(ctx context.Context, tx *db.Tx, o opened, ref secret.Reference, v session.Visitor) error {
	_, unused := secret.NewToken() // no browser goes on with it
	f := flow.Flow{
		ID:              tx.NewID(),
		UserID:          o.User.ID,
		TokenHash:       unused,
		ClientID:        client.PortalID,
		SecurityVersion: o.User.SecurityVersion + 1,
		Visitor:         v,
		StartedAt:       tx.Now,
		ExpiresAt:       tx.Now.Add(s.Limits.FlowLife),
		ClosedAt:        tx.Now,
		ClosedBecause:   flow.Finished,
	}
	if err := flow.Store(ctx, tx, f); err != nil {
		return err
	}
	news := email.AccountChanged{
		Vendor:    o.Vendor.Name,
		Company:   o.Tenant.Name,
		What:      "password reset",
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, f.ID),
	}
	if err := s.Notifier.SendToHolder(ctx, tx, o.User,
		notify.Notice{Purpose: "password.reset", Content: news}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, replaced(reset, o.User.ID, ref.ID, v))
}

// replaced is the audit's row of a password that was set by a link.
func replaced(purpose, userID, linkID string, v session.Visitor) audit.Event {
	return audit.Event{
		Action:    audit.PasswordReplaced,
		Result:    audit.OK,
		Reason:    purpose,
		ActorID:   userID,
		UserID:    userID,
		Method:    string(authenticator.Password),
		SubjectID: linkID,
		Origin:    v.Origin(),
	}
}
