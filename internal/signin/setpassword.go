package signin

import (
	"context"
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
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// limitNewPasswords bounds the work that one link makes: each try costs a hash.
var limitNewPasswords = ratelimit.Limit{Name: "reset.password",
	Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

// PasswordLink is what a mailed link for a password is good for, and what its page may tell.
type PasswordLink struct {
	State            LinkState // LinkReady, LinkUsed, LinkReplaced, LinkExpired or LinkUnknown
	Invitation       bool
	Email            string // empty unless State is LinkReady
	AppName, HomeURL string // of the app that the person was signing in to
	ContinueTo       string
	MinLength        int
}

// opened is a link as it was read, with its account.
type opened struct {
	PasswordLink
	facts.Facts
	old password.Stored
}

// OpenPasswordLink reads what a link is good for, and changes nothing: mail scanners open links.
func (s *Service) OpenPasswordLink(ctx context.Context, ref secret.Reference) (PasswordLink, error) {
	o, err := s.readPasswordLink(ctx, ref)
	return o.PasswordLink, err
}

func (s *Service) readPasswordLink(ctx context.Context, ref secret.Reference) (o opened, err error) {
	o.State, o.MinLength = LinkUnknown, minLength
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		r := facts.Into(&o.Facts)
		var purpose, key, clientID, because string
		var version, expires, closed int64
		err := tx.QueryRow(ctx, `
			SELECT l.purpose, l.email_key, l.security_version, l.client_id, l.continue_to, l.expires_at,
				l.closed_at, l.closed_because,
				COALESCE(p.hash, ''), COALESCE(p.pepper, ''),`+facts.Columns+`
			FROM password_links l
			JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
			JOIN tenants t ON t.tenant_id = l.tenant_id
			JOIN installation i ON i.id = 'installation'
			LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
			LEFT JOIN clients c ON c.id = l.client_id
			WHERE l.tenant_id = $1 AND l.id = $2 AND l.token_hash = $3`, tx.Tenant, ref.ID, ref.Hash()).
			Scan(append([]any{&purpose, &key, &version, &clientID, &o.ContinueTo, &expires, &closed, &because,
				&o.old.Hash, &o.old.Pepper}, r.Targets()...)...)
		if db.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r.Decode(clientID, s.Limits.RememberDays)
		o.Invitation = purpose == linkInvitation
		if clientID != client.PortalID {
			o.AppName, o.HomeURL = o.App.Name, o.App.HomeURL
		}
		o.State = o.state(tx.Now, key, version, db.Time(expires), db.Time(closed), because)
		if o.State == LinkReady {
			o.Email = o.User.Email
		}
		return nil
	})
	return o, err
}

// state says what a link is good for: once, in its time, and while its account is as it was.
func (o opened) state(now time.Time, key string, version int64, expires, closed time.Time, because string) LinkState {
	here, err := user.EmailKey(o.User.Email)
	same := err == nil && here == key && o.User.SecurityVersion == version
	switch {
	case because == string(LinkUsed), because == string(LinkReplaced):
		return LinkState(because)
	case !closed.IsZero(), !now.Before(expires), !same, !o.User.DisabledAt.IsZero(), !o.Tenant.SuspendedAt.IsZero():
		return LinkExpired
	}
	return LinkReady
}

// SetPasswordByLink sets the password of the person who was mailed a link, once. Everything that
// an older one opened ends. It signs no one in and leaves every method as it is. The state is
// LinkReady where it was set, and says otherwise why not; what is wrong with the password is
// Invalid, and the link stays good.
func (s *Service) SetPasswordByLink(ctx context.Context, ref secret.Reference, plain secret.Text,
	v session.Visitor) (PasswordLink, error) {
	o, err := s.readPasswordLink(ctx, ref)
	if err == nil && o.State == LinkUnknown {
		err = ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	if err == nil && o.State == LinkExpired {
		err = s.expirePasswordLink(ctx, ref)
	}
	if err != nil || o.State != LinkReady {
		return o.PasswordLink, err
	}
	if err := password.Check(plain, o.Vendor.Name, o.Tenant.Name, o.User.Name, o.User.Email); err != nil {
		return o.PasswordLink, err
	}
	stored, err := s.hashForLink(ctx, o, plain)
	if err != nil {
		return o.PasswordLink, err
	}
	err = s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error { return s.spendPasswordLink(ctx, tx, ref, o, stored, v) })
	if fault.Is(err, fault.NotFound) { // another tab was a moment faster, or the account changed
		again, err := s.readPasswordLink(ctx, ref)
		return again.PasswordLink, err
	}
	return o.PasswordLink, err
}

// expirePasswordLink closes a link that someone tried too late, so that a clock that goes back
// does not bring it to life again (SEC-140).
func (s *Service) expirePasswordLink(ctx context.Context, ref secret.Reference) error {
	return s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE password_links SET closed_at = $1, closed_because = $2
			WHERE tenant_id = $3 AND id = $4 AND token_hash = $5 AND closed_at = 0 AND expires_at <= $1`,
			tx.Now, string(LinkExpired), tx.Tenant, ref.ID, ref.Hash())
		return err
	})
}

// hashForLink takes a try and computes the hash, outside any transaction. A password that
// someone else is said to know must be another one; only then is it compared, so that a link
// is no way to guess a good one.
func (s *Service) hashForLink(ctx context.Context, o opened, plain secret.Text) (stored password.Stored, err error) {
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

// spendPasswordLink is one unit of work. The first write finds the account as it was when the
// link was read, or nothing happens: of several links, or tabs, one wins.
func (s *Service) spendPasswordLink(ctx context.Context, tx *db.Tx, ref secret.Reference, o opened,
	stored password.Stored, v session.Visitor) error {
	same, err := user.PasswordSetByMail(ctx, tx, o.User, !o.Invitation)
	if err == nil && !same {
		err = errInvalidLink
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND id = $4 AND token_hash = $5 AND closed_at = 0 AND expires_at > $1`,
		tx.Now, string(LinkUsed), tx.Tenant, ref.ID, ref.Hash())
	if err == nil && n == 0 {
		err = errInvalidLink
	}
	if err != nil {
		return err
	}
	if err := closePasswordLinks(ctx, tx, o.User.ID, string(LinkReplaced)); err != nil {
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
		return audit.Record(ctx, tx,
			event(audit.PasswordReplaced, audit.OK, linkInvitation, o.User.ID, "",
				string(authenticator.Password), ref.ID, v))
	}
	return s.recordReset(ctx, tx, o, ref, v)
}

// recordReset tells the person, at every address. A reset is kept as a sign-in that came to
// nothing, so that the notice can say "this wasn't me" about it.
func (s *Service) recordReset(ctx context.Context, tx *db.Tx, o opened, ref secret.Reference, v session.Visitor) error {
	f := &activeFlow{Facts: o.Facts}
	f.ClientID, f.Visitor, f.SecurityVersion = client.PortalID, v, o.User.SecurityVersion+1
	s.begin(tx, f)
	if _, err := f.close(ctx, tx, flow.Finished); err != nil {
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
		NotMeLink: s.notMeLink(tx, f),
	}
	if err := s.Notifier.TellHolder(ctx, tx, o.User,
		notify.Notice{Purpose: "password.reset", Content: news}); err != nil {
		return err
	}
	return audit.Record(ctx, tx,
		event(audit.PasswordReplaced, audit.OK, linkReset, o.User.ID, "", string(authenticator.Password), ref.ID, v))
}
