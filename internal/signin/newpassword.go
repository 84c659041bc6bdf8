package signin

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

const minLength = password.MinLength

// ReplacePassword sets a new password for a claimant whose old one was reported as known
// to someone else, after every proof that policy asks for. Everything that the old
// password opened ends; this flow goes on.
func (s *Service) ReplacePassword(ctx context.Context, ref secret.Reference, plain secret.Text,
	v session.Visitor) (Step, error) {
	old, words, err := s.mayReplace(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := password.Check(plain, words...); err != nil {
		return nil, err
	}
	ctx = password.WithQueueKey(ctx, password.QueueKey{Group: ref.Tenant, Key: ref.ID})
	same, err := s.Passwords.Match(ctx, old, plain) // slow: outside any transaction, as is Hash
	if err != nil {
		return nil, err
	}
	if same {
		return nil, fault.New(fault.Invalid, "password.problem.same")
	}
	stored, err := s.Passwords.Hash(ctx, plain)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step, error) { return s.replace(ctx, tx, f, stored, v) })
}

var errNotAsked = fault.New(fault.Denied, "signin.not_asked")

// mayReplace returns the old password's hash, and the words that the new one must not be
// made of.
func (s *Service) mayReplace(ctx context.Context, ref secret.Reference) (old password.Stored,
	words []string, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		step, err := s.currentStep(tx, f, "")
		if err != nil {
			return err
		}
		ask, ok := step.(ReplacePassword)
		if !ok {
			return errNotAsked
		}
		words = []string{f.Vendor.Name, f.Tenant.Name, f.User.Name, ask.Email, f.App.Name}
		old, err = password.Load(ctx, tx, f.User.ID)
		return err
	})
	return old, words, err
}

func (s *Service) replace(ctx context.Context, tx *db.Tx, f *activeFlow, stored password.Stored,
	v session.Visitor) (Step, error) {
	if why := f.endReason(tx.Now); why != "" {
		return f.endedStep(why), nil
	}
	if f.decide(tx.Now).Outcome != policy.Allow || f.User.PasswordFlaggedAt.IsZero() {
		return nil, errNotAsked
	}
	if why, err := f.lock(ctx, tx); err != nil || why != "" { // of two submissions the second writes nothing
		return f.endedStep(why), err
	}
	if err := password.Set(ctx, tx, f.User.ID, stored); err != nil {
		return nil, err
	}
	if err := user.PasswordChanged(ctx, tx, f.User.ID); err != nil {
		return nil, err
	}
	news := email.AccountChanged{
		Vendor:    f.Vendor.Name,
		Company:   f.Tenant.Name,
		What:      "password.changed",
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		At:        tx.Now,
		NotMeLink: s.notMeLink(tx, f),
	}
	if err := s.Notifier.SendToHolder(ctx, tx, f.User, notify.Notice{Purpose: news.What, Content: news}); err != nil {
		return nil, err
	}
	f.recordEvent(audit.PasswordReplaced, audit.OK, "reported", string(authenticator.Password), f.ID, v)
	// This flow goes on, also over a set-up that follows; everything else of the old password ends.
	f.SecurityVersion++
	_, err := tx.Exec(ctx, `
		UPDATE flows SET security_version = $1
		WHERE tenant_id = $2 AND id = $3 AND closed_at = 0`, f.SecurityVersion, tx.Tenant, f.ID)
	if err != nil {
		return nil, err
	}
	f.User.SecurityVersion++
	f.User.PasswordFlaggedAt = db.Time(0)
	return s.next(ctx, tx, f, false)
}
