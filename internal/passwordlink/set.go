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

// SetPassword sets a person's password, once for each link. Everything that the old password opened
// ends. It signs no one in and leaves every method as it is. The returned state is LinkReady if the
// password was set, and otherwise says why not. A password that may not be used is Invalid, and the
// link stays valid.
func (s *Service) SetPassword(ctx context.Context, ref secret.Reference, plain secret.Text,
	v session.Visitor) (Link, error) {
	o, err := s.load(ctx, ref)
	if err == nil && o.State == outofband.LinkUnknown {
		err = ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	if err == nil && o.State == outofband.LinkExpired {
		err = s.closeExpired(ctx, ref)
	}
	if err != nil || o.State != outofband.LinkReady {
		return o.Link, err
	}
	if err := password.Check(plain, o.Vendor.Name, o.Tenant.Name, o.User.Name, o.User.Email); err != nil {
		return o.Link, err
	}
	stored, err := s.hashPassword(ctx, o, plain)
	if err != nil {
		return o.Link, err
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error { return s.redeem(ctx, tx, ref, o, stored, v) })
	if errors.Is(err, errInvalid) { // another tab was a moment faster, or the account changed
		again, err := s.load(ctx, ref)
		return again.Link, err
	}
	return o.Link, err
}

// closeExpired closes a link that someone tried too late, so that a clock that goes back
// does not make it valid again (SEC-140).
func (s *Service) closeExpired(ctx context.Context, ref secret.Reference) error {
	return s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE password_links SET closed_at = $1, closed_because = $2
			WHERE tenant_id = $3 AND id = $4 AND token_hash = $5 AND closed_at = 0 AND expires_at <= $1`,
			tx.Now, string(outofband.LinkExpired), tx.Tenant, ref.ID, ref.Hash())
		return err
	})
}

// hashPassword takes a try and computes the hash, outside any transaction. A password that was
// reported as known to someone else must be replaced by a different one. Only then is the old one
// compared, so that a link is no way to guess a password.
func (s *Service) hashPassword(
	ctx context.Context, o loadedLink, plain secret.Text,
) (stored password.Stored, err error) {
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

// redeem uses the link up and sets the password in one unit of work. Its first write does nothing if
// the account has changed since the link was read: of several links, or tabs, only one succeeds.
func (s *Service) redeem(ctx context.Context, tx *db.Tx, ref secret.Reference, o loadedLink,
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
		return audit.Record(ctx, tx, passwordEvent(invitation, o.User.ID, ref.ID, v))
	}
	return s.recordReset(ctx, tx, o, ref, v)
}

// recordReset notifies the person, at every address. A reset is stored as a sign-in without a session,
// so that the notice can offer "this wasn't me".
func (s *Service) recordReset(
	ctx context.Context, tx *db.Tx, o loadedLink, ref secret.Reference, v session.Visitor,
) error {
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
	return audit.Record(ctx, tx, passwordEvent(reset, o.User.ID, ref.ID, v))
}

// passwordEvent is the audit event of a password that was set with a link.
func passwordEvent(purpose, userID, linkID string, v session.Visitor) audit.Event {
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
