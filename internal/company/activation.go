package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// purposeActivation is what the code of an activation is good for.
const purposeActivation = "activation.code"

// ActivateWithin is how long after the right code two-factor authentication can be switched on with it.
const ActivateWithin = 30 * time.Minute

var (
	errActivationWait   = fault.New(fault.RateLimited, "code.problem.too_soon")
	errActivationMails  = fault.New(fault.RateLimited, "activation.too_many_mails")
	errActivationPerson = fault.New(fault.Denied, "access.denied")
)

// ErrAlreadyOn says that two-factor authentication is on or its start is planned: another administrator was faster.
var ErrAlreadyOn = fault.New(fault.Conflict, "activation.already_on")

// ErrActivationUsedUp says that the last code that is sent has been: the activation begins anew.
var ErrActivationUsedUp = fault.New(fault.Conflict, "activation.used_up")

// Activation is how far someone is on the way to switching two-factor authentication on.
type Activation struct {
	tenant.Activation
	CodesLeft int // how many more codes can be asked for
	Now       time.Time
}

// Proved reports whether the right code came, and not too long ago.
func (a Activation) Proved() bool {
	return !a.ProvedAt.IsZero() && a.Now.Before(a.ProvedAt.Add(ActivateWithin))
}

// Answerable reports whether the newest code can still be answered.
func (a Activation) Answerable() bool { return a.TriesLeft > 0 && a.Now.Before(a.EndsAt) }

// BeginActivation mails the actor a code. Only with it can they switch two-factor authentication on for their company.
// ErrAlreadyOn where it is on, a LockedError where the vendor requires it.
func (s *Service) BeginActivation(ctx context.Context, a access.Actor) error {
	return s.inActivation(ctx, a, people.Hold, func(tx *db.Tx, by attempt) error {
		if err := s.switchable(tx, by.company, by.vendor); err != nil {
			return err
		}
		next := tenant.Activation{
			ID:              tx.NewID(),
			UserID:          by.user.ID,
			SecurityVersion: by.user.SecurityVersion,
			Email:           by.user.Email,
			BegunAt:         tx.Now,
			Sends:           1,
		}
		code := s.newCode(tx, &next)
		if err := s.mailCode(ctx, tx, by, next, code); err != nil {
			return err
		}
		return tenant.BeginActivation(ctx, tx, next)
	})
}

// switchable fails where there is nothing to switch on.
func (s *Service) switchable(tx *db.Tx, t tenant.Tenant, i tenant.Installation) error {
	if since, locked := Locked(t, i, tx.Now); locked {
		return &LockedError{Vendor: i.Name, Since: since}
	}
	if policy.RuleOf(t, i, tx.Now) != policy.Off || t.SwitchedOnAt.After(tx.Now) {
		return ErrAlreadyOn
	}
	return nil
}

// ResendActivationCode puts a new code in the place of the one before. ErrActivationUsedUp where too many were sent;
// the activation is over then.
func (s *Service) ResendActivationCode(ctx context.Context, a access.Actor) error {
	usedUp := false
	err := s.inActivation(ctx, a, people.Current, func(tx *db.Tx, by attempt) error {
		now, err := tenant.PendingActivation(ctx, tx, by.user.ID, by.user.SecurityVersion)
		if err != nil {
			return err
		}
		if usedUp = now.Sends > s.Limits.NewCodes; usedUp {
			_, err := tenant.CloseActivation(ctx, tx, by.user.ID, tenant.ActivationUsedUp)
			return err
		}
		if wait := now.SentAt.Add(s.Limits.ResendInterval).Sub(tx.Now); wait > 0 {
			return errActivationWait.After(wait)
		}
		code := s.newCode(tx, &now)
		if err := s.mailCode(ctx, tx, by, now, code); err != nil {
			return err
		}
		return tenant.RenewActivation(ctx, tx, now)
	})
	if err == nil && usedUp {
		err = ErrActivationUsedUp
	}
	return err
}

// newCode gives an activation a code and returns it.
func (s *Service) newCode(tx *db.Tx, a *tenant.Activation) string {
	a.Reference = secret.NewReference()
	a.TriesLeft = s.Limits.WrongAnswers
	a.SentAt, a.EndsAt = tx.Now, tx.Now.Add(s.Limits.CodeTTL)
	token, _ := secret.NewToken() // no one gets it: there is no link
	key := s.Keys.Current()
	code := s.Keys.DerivedCode(key, s.Limits.CodeLength, token, purposeActivation, a.ID)
	a.CodeMAC = s.Keys.MACBy(key, purposeActivation, activationCode(tx, *a, code)...)
	return code
}

func activationCode(tx *db.Tx, a tenant.Activation, code string) []string {
	return []string{tx.Tenant, a.UserID, a.ID, a.Email, a.Reference, code}
}

// limitActivationMails bounds the codes that an administrator can be sent by way of activations; those that they sign
// in with are counted apart.
var limitActivationMails = ratelimit.Limit{Name: "activation.account", Windows: []ratelimit.Window{
	{Count: 12, Per: time.Hour},
	{Count: 30, Per: 24 * time.Hour},
}}

func (s *Service) mailCode(
	ctx context.Context, tx *db.Tx, by attempt, next tenant.Activation, code string,
) error {
	u, origin := by.user, by.actor.Origin
	wait, err := ratelimit.SpendIn(ctx, tx, limitActivationMails, u.ID)
	if err == nil && wait > 0 {
		err = errActivationMails.After(wait)
	}
	if err != nil {
		return err
	}
	letter := email.ActivationCode{
		Vendor:    by.vendor.Name,
		Company:   by.company.Name,
		Code:      code,
		Reference: next.Reference,
		IP:        origin.IP,
		Place:     origin.Place,
		Browser:   origin.Browser,
		At:        tx.Now,
		ExpiresAt: next.EndsAt,
	}
	_, err = s.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    u.ID,
		Channel:   "email",
		Purpose:   purposeActivation,
		To:        u.Email,
		Hint:      outofband.Mask(u.Email),
		Language:  u.Language,
		Template:  email.Template(letter),
		Data:      letter,
		ExpiresAt: next.EndsAt,
	})
	if err != nil {
		return fmt.Errorf("mail code: %w", err)
	}
	return nil
}

// PendingActivation is how far the actor is; tenant.ErrNoActivation where they have none under way.
func (s *Service) PendingActivation(ctx context.Context, a access.Actor) (out Activation, err error) {
	err = s.DB.View(ctx, a.TenantID, func(tx *db.Tx) error {
		u, err := user.ByID(ctx, tx, a.UserID)
		if err != nil {
			return err
		}
		out.Activation, err = tenant.PendingActivation(ctx, tx, u.ID, u.SecurityVersion)
		out.CodesLeft, out.Now = max(s.Limits.NewCodes+1-out.Sends, 0), tx.Now
		return err
	})
	return out, err
}

// AnswerActivation judges the code that the actor was sent. A wrong one costs a try and is a verdict; triesLeft says
// how many there are. tenant.ErrNoActivation where there is nothing to answer any more.
func (s *Service) AnswerActivation(
	ctx context.Context, a access.Actor, id, typed string,
) (v authenticator.Verdict, triesLeft int, err error) {
	// People fetch their mail: the proof with which it began need not be recent any more.
	err = s.inActivation(ctx, a, people.Current, func(tx *db.Tx, by attempt) error {
		now, err := tenant.TryActivation(ctx, tx, by.user.ID, id, by.user.SecurityVersion)
		if err != nil {
			return err
		}
		v, triesLeft = authenticator.Verdict{}, now.TriesLeft
		code, ok := authenticator.Canonical(typed, s.Limits.CodeLength)
		if !ok || !s.Keys.CheckMAC(now.CodeMAC, purposeActivation, activationCode(tx, now, code)...) {
			v.Reason = "wrong_code"
			return recordActivation(ctx, tx, by.actor, audit.Failed, v.Reason)
		}
		v.OK = true
		if err := tenant.ProveActivation(ctx, tx, now.ID); err != nil {
			return err
		}
		return recordActivation(ctx, tx, by.actor, audit.OK, "")
	})
	return v, triesLeft, err
}

func recordActivation(ctx context.Context, tx *db.Tx, a access.Actor, result audit.Result, reason string) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.TenantActivation,
		Result:  result,
		ActorID: a.ID(),
		UserID:  a.UserID,
		Reason:  reason,
		Origin:  a.Origin,
	})
}

// attempt is the actor of an activation, with the rights that they have in its transaction, and what they act on. No
// one else changes the company until the transaction ends.
type attempt struct {
	actor   access.Actor
	user    user.User
	company tenant.Tenant
	vendor  tenant.Installation
}

// readRights is people.Hold or people.Current.
type readRights func(ctx context.Context, tx *db.Tx, g *gate.Gate, a access.Actor) (access.Actor, error)

// inActivation runs fn in a transaction in which the actor may switch two-factor authentication on. read is
// people.Hold, or people.Current for a step that needs no recent proof.
func (s *Service) inActivation(
	ctx context.Context, a access.Actor, read readRights, fn func(tx *db.Tx, by attempt) error,
) error {
	if a.Kind != access.Person {
		return errActivationPerson
	}
	err := s.DB.InTx(ctx, a.TenantID, func(tx *db.Tx) (err error) {
		var by attempt
		if by.actor, err = read(ctx, tx, s.Gate, a); err != nil {
			return err
		}
		if err := access.Check(by.actor, access.SwitchOn, access.Target{TenantID: a.TenantID}); err != nil {
			return err
		}
		if by.company, err = held(ctx, tx); err != nil {
			return err
		}
		if by.user, err = user.ByID(ctx, tx, a.UserID); err != nil {
			return fmt.Errorf("load the actor: %w", err)
		}
		if by.vendor, err = tenant.LoadInstallation(ctx, tx); err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		return fn(tx, by)
	})
	return people.RecordRefusal(ctx, s.DB, err)
}
