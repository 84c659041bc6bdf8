package passwordlink

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// resetLife is how long the link to a new password is valid.
const resetLife = 30 * time.Minute

// Path is the path of such a link, before its reference.
const Path = "/password/"

// What a link for a password is for.
const (
	reset      = "reset"      // replaces a password
	invitation = "invitation" // the first password of a person who was added without one
)

// limitResets bounds the mails that strangers can have sent to one address. Its window is the
// life of a link: whenever it refuses, the links of the last mails are still valid, so that a
// stranger who uses it up does not stop anyone from setting a new password.
var limitResets = ratelimit.Limit{Name: "reset.account", Windows: []ratelimit.Window{{Count: 2, Per: resetLife}}}

// limitResetSource bounds what one network may ask for.
var limitResetSource = ratelimit.Limit{Name: "reset.source", Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

// ResetRequest is what a person who forgot their password entered, still untrusted.
type ResetRequest struct {
	Email      string
	ClientID   string // the app that the person was signing in to; client.PortalID for our own pages
	ContinueTo string // its sealed authorization request; empty = our own pages
	Visitor    session.Visitor
}

// Job is the kind of the job that mails the link.
const Job = "password.link"

// linkJob is the job's argument. An address without an account must not be stored in plain text.
type linkJob struct {
	Sealed []byte `json:"sealed"`
}

// sealedJob binds the argument of a job to its purpose.
var sealedJob = []string{"jobs", "args", Job}

// RequestReset mails a link for a new password to an address, if an account has it. The answer and its
// time are the same for every address, because a job looks it up. Invalid for what can't be an address,
// RateLimited for a source that asks too often.
func (s *Service) RequestReset(ctx context.Context, a ResetRequest) error {
	if _, err := user.EmailKey(a.Email); err != nil {
		return err
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode job: %w", err)
	}
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		wait, err := ratelimit.SpendIn(ctx, tx, limitResetSource, a.Visitor.Network())
		if err == nil && wait > 0 {
			err = errSlowDown.After(wait)
		}
		if err != nil {
			return err
		}
		wait, err = ratelimit.SpendIn(ctx, tx, limitResets, user.Subject(s.Keys, a.Email))
		if err != nil || wait > 0 { // the links of the mails before this one are still valid
			return err
		}
		_, err = s.Queue.Jobs.Enqueue(ctx, tx, Job, linkJob{s.Keys.Seal(plain, sealedJob...)}, tx.Now)
		return err
	})
}

// SendLink is the handler of Job.
func (s *Service) SendLink(ctx context.Context, j jobs.Job) error {
	var args linkJob
	var a ResetRequest
	err := json.Unmarshal(j.Args, &args)
	if err == nil {
		var plain []byte
		if plain, err = s.Keys.Open(args.Sealed, sealedJob...); err == nil {
			err = json.Unmarshal(plain, &a)
		}
	}
	if err != nil {
		return jobs.Drop(fmt.Errorf("read job: %w", err))
	}
	return s.DB.InTx(ctx, j.Tenant, func(tx *db.Tx) error {
		if err := s.sendLink(ctx, tx, a); err != nil {
			return err
		}
		return j.Settle(ctx, tx, nil)
	})
}

func (s *Service) sendLink(ctx context.Context, tx *db.Tx, a ResetRequest) error {
	event := func(result audit.Result, reason string, u user.User) audit.Event {
		return audit.Event{
			Action:   audit.PasswordAsked,
			Result:   result,
			Reason:   reason,
			ActorID:  u.ID,
			UserID:   u.ID,
			ClientID: a.ClientID,
			Method:   string(authenticator.Password),
			Origin:   a.Visitor.Origin(),
		}
	}
	u, err := user.ByEmail(ctx, tx, a.Email)
	if fault.Is(err, fault.NotFound) {
		return audit.Record(ctx, tx, event(audit.Failed, "unknown_address", u))
	}
	if err != nil {
		return err
	}
	tx = tx.ForTenant(u.TenantID)
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if !u.DisabledAt.IsZero() || !t.SuspendedAt.IsZero() {
		return audit.Record(ctx, tx, event(audit.Refused, "account_or_app_closed", u))
	}
	old, err := password.Load(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	l := linkMail{
		purpose:    reset,
		life:       resetLife,
		clientID:   a.ClientID,
		continueTo: a.ContinueTo,
		visitor:    a.Visitor,
	}
	if old.Hash == "" {
		back, err := s.heldBack(ctx, tx, u)
		if err != nil {
			return err
		}
		if back {
			return audit.Record(ctx, tx, event(audit.Refused, withdrawn, u))
		}
		l.purpose, l.life = invitation, s.Limits.InvitationLife
	}
	if err := s.mailLink(ctx, tx, u, t.Name, l); err != nil {
		return err
	}
	return audit.Record(ctx, tx, event(audit.OK, l.purpose, u))
}

// heldBack reports whether a person without a password gets no link, because their invitation was withdrawn. They are
// held, so that no withdrawal comes between the look and the link.
func (s *Service) heldBack(ctx context.Context, tx *db.Tx, u user.User) (bool, error) {
	if err := user.Lock(ctx, tx, u.ID); err != nil {
		return false, err
	}
	return Withdrawn(ctx, tx, u.ID)
}
