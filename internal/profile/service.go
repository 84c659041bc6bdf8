package profile

import (
	"cmp"
	"context"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// Service changes accounts.
type Service struct {
	DB        *db.DB
	Keys      *secret.Keys
	Queue     *message.Queue
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Limits    config.Limits
	Origin    string // public origin, for the links in notices
	SMTPUTF8  bool   // the mail server takes addresses with letters beyond ASCII before the @
}

// Owner is a signed-in person, the session that they act in and the sign-in that it rests on.
type Owner struct {
	User            user.User
	SessionID       string
	FlowID          string
	Held            secret.Held // of the changes of address that began in this browser
	Vendor, Company string
	Visitor         session.Visitor
}

var errGone = fault.New(fault.NotFound, "session.ended")

func (o Owner) event(action audit.Action, result audit.Result, reason, subject string) audit.Event {
	return audit.Event{
		Action:    action,
		Result:    result,
		Reason:    reason,
		ActorID:   o.User.ID,
		UserID:    o.User.ID,
		SubjectID: subject,
		Origin:    o.Visitor.Origin(),
	}
}

// change runs fn in the owner's session and records what it did.
func (s *Service) change(ctx context.Context, o Owner, e audit.Event, fn func(tx *db.Tx) error) error {
	return s.inSession(ctx, o, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, e)
	})
}

// limitSelfService bounds what one session may write and have mailed, where nothing else does. Another
// of the same account has its own: a stolen one must not keep the owner from ending it.
var limitSelfService = ratelimit.Limit{Name: "deed.session", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// changeLimited is change within the limit of a session, for changes that cost only a press on a button.
func (s *Service) changeLimited(ctx context.Context, o Owner, e audit.Event, fn func(tx *db.Tx) error) error {
	return s.limitedInSession(ctx, o, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, e)
	})
}

// limitedInSession is press for what records more than can be said beforehand.
func (s *Service) limitedInSession(ctx context.Context, o Owner, fn func(tx *db.Tx) error) error {
	return s.inSession(ctx, o, func(tx *db.Tx) error {
		if err := o.spendBudget(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// spendBudget counts what one session does.
func (o Owner) spendBudget(ctx context.Context, tx *db.Tx) error {
	if wait, err := ratelimit.SpendIn(ctx, tx, limitSelfService, o.SessionID); err != nil || wait > 0 {
		return cmp.Or(err, error(errTooMany.After(wait)))
	}
	return nil
}

// inSession runs fn while the account's row and the owner's session are held. NotFound where the
// session has ended since it was looked at (ATK-080).
func (s *Service) inSession(ctx context.Context, o Owner, fn func(tx *db.Tx) error) error {
	return s.DB.InTx(ctx, o.User.TenantID, func(tx *db.Tx) error {
		if err := o.lock(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// lock takes the account's row and the owner's session. NotFound where that has ended.
func (o Owner) lock(ctx context.Context, tx *db.Tx) error {
	if err := user.Lock(ctx, tx, o.User.ID); err != nil {
		return err
	}
	open, err := session.Lock(ctx, tx, o.User.ID, o.SessionID)
	if err == nil && !open {
		err = errGone
	}
	return err
}

// endInSession is changeLimited for what ends something: it succeeds while the audit cannot be written, and
// e is recorded later.
func (s *Service) endInSession(ctx context.Context, o Owner, e audit.Event,
	fn func(ctx context.Context, tx *db.Tx) error) error {
	return audit.OrLater(ctx, s.DB, o.User.TenantID, func(ctx context.Context, tx *db.Tx) error {
		if err := o.lock(ctx, tx); err != nil {
			return err
		}
		if err := o.spendBudget(ctx, tx); err != nil {
			return err
		}
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, e)
	})
}

// recordEvent records what came of a code for a new address.
func (s *Service) recordEvent(ctx context.Context, tx *db.Tx, o Owner, result audit.Result, reason, id string) error {
	return audit.Record(ctx, tx, o.event(audit.AddressChanged, result, reason, id))
}

// EndSession ends one session of the owner's and what it took over from. NotFound where it is
// someone else's or over.
func (s *Service) EndSession(ctx context.Context, o Owner, id string) error {
	return s.endInSession(ctx, o, o.event(audit.SessionEnded, audit.OK, session.EndedByOwner, id),
		func(ctx context.Context, tx *db.Tx) error {
			mine, err := session.Belongs(ctx, tx, o.User.ID, id)
			if err == nil && !mine {
				err = errGone
			}
			if err != nil {
				return err
			}
			return session.EndLine(ctx, tx, id, session.EndedByOwner)
		})
}

// EndOtherSessions ends every session but the owner's present one, wherever it is.
func (s *Service) EndOtherSessions(ctx context.Context, o Owner) error {
	return s.endInSession(ctx, o, o.event(audit.SessionEnded, audit.OK, session.EndedByOwner, ""),
		func(ctx context.Context, tx *db.Tx) error {
			_, err := session.EndAllBut(ctx, tx, o.User.ID, o.SessionID, session.EndedByOwner)
			return err
		})
}

// Forget asks for the second step again in one browser that was remembered.
func (s *Service) Forget(ctx context.Context, o Owner, id string) error {
	return s.endInSession(ctx, o, o.event(audit.BrowserForgotten, audit.OK, session.EndedByOwner, id),
		func(ctx context.Context, tx *db.Tx) error {
			first, err := session.ForgetOne(ctx, tx, o.User.ID, id, session.EndedByOwner)
			if err == nil && !first {
				err = errGone
			}
			return err
		})
}

// ForgetAll is Forget for every browser.
func (s *Service) ForgetAll(ctx context.Context, o Owner) error {
	return s.endInSession(ctx, o, o.event(audit.BrowserForgotten, audit.OK, session.EndedByOwner, ""),
		func(ctx context.Context, tx *db.Tx) error {
			return session.ForgetAll(ctx, tx, o.User.ID, session.EndedByOwner)
		})
}

// SetLanguage sets the language of the owner's mails.
func (s *Service) SetLanguage(ctx context.Context, o Owner, language string) error {
	return s.inSession(ctx, o, func(tx *db.Tx) error { return user.SetLanguage(ctx, tx, o.User.ID, language) })
}

// Choose switches the owner's own second step on or off, where it is theirs to decide. enough
// looks at the account in the same unit of work and fails where it is not.
func (s *Service) Choose(ctx context.Context, o Owner, on bool,
	enough func(ctx context.Context, tx *db.Tx) error) error {
	e := o.event(audit.SecondStepOff, audit.OK, "", o.User.ID)
	if on {
		e.Action = audit.SecondStepOn
	}
	return s.changeLimited(ctx, o, e, func(tx *db.Tx) error {
		if err := user.ChooseSecondStep(ctx, tx, o.User.ID, on); err != nil {
			return err
		}
		if err := enough(ctx, tx); err != nil {
			return err
		}
		return s.sendNotice(ctx, tx, o, string(e.Action))
	})
}
