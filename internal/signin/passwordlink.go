package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// resetLife is how long the link to a new password is valid.
const resetLife = 30 * time.Minute

// PasswordLinkPath is the path of such a link, before its reference.
const PasswordLinkPath = "/password/"

// What a link for a password is for.
const (
	linkReset      = "reset"      // replaces a password
	linkInvitation = "invitation" // the first password of a person who was added without one
)

// limitResets bounds the mails that strangers can have sent to one address. Its window is the
// life of a link, so that whenever it refuses, the links of the last mails are still valid: a
// stranger who uses it up keeps no one from a new password.
var limitResets = ratelimit.Limit{Name: "reset.account", Windows: []ratelimit.Window{{Count: 2, Per: resetLife}}}

// limitResetSource bounds what one network may ask for.
var limitResetSource = ratelimit.Limit{Name: "reset.source", Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

// Forgotten is the answer to the page that asks for an address, still untrusted.
type Forgotten struct {
	Email      string
	ClientID   string // the app that the person was signing in to; client.PortalID for our own pages
	ContinueTo string // its sealed authorization request; empty = our own pages
	Visitor    session.Visitor
}

// JobPasswordLink is the kind of the job that answers AskPasswordLink.
const JobPasswordLink = "password.link"

// linkJob is the job's argument. An address that no one has must not be kept in the clear.
type linkJob struct {
	Sealed []byte `json:"sealed"`
}

// sealedJob binds the argument of a job to its purpose.
var sealedJob = []string{"jobs", "args", JobPasswordLink}

// AskPasswordLink has a link for a new password mailed to an address, if it is someone's. It
// answers the same in the same time for every address: a job looks it up. Invalid for what
// can't be an address, RateLimited for a source that asks too often.
func (s *Service) AskPasswordLink(ctx context.Context, a Forgotten) error {
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
		wait, err = ratelimit.SpendIn(ctx, tx, limitResets, s.accountSubject(a.Email))
		if err != nil || wait > 0 { // the links of the mails before this one are still valid
			return err
		}
		_, err = s.Queue.Jobs.Enqueue(ctx, tx, JobPasswordLink, linkJob{s.Keys.Seal(plain, sealedJob...)}, tx.Now)
		return err
	})
}

// SendPasswordLink is the handler of JobPasswordLink.
func (s *Service) SendPasswordLink(ctx context.Context, j jobs.Job) error {
	var args linkJob
	var a Forgotten
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
		if err := s.sendPasswordLink(ctx, tx, a); err != nil {
			return err
		}
		return j.Settle(ctx, tx, nil)
	})
}

func (s *Service) sendPasswordLink(ctx context.Context, tx *db.Tx, a Forgotten) error {
	asked := func(result audit.Result, reason string, u user.User) audit.Event {
		return event(audit.PasswordAsked, result, reason, u.ID, a.ClientID,
			string(authenticator.Password), "", a.Visitor)
	}
	u, err := user.ByEmail(ctx, tx, a.Email)
	if fault.Is(err, fault.NotFound) {
		return audit.Record(ctx, tx, asked(audit.Failed, "unknown_address", u))
	}
	if err != nil {
		return err
	}
	tx = tx.ForTenant(u.TenantID)
	t, err := tenant.Find(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if !u.DisabledAt.IsZero() || !t.SuspendedAt.IsZero() {
		return audit.Record(ctx, tx, asked(audit.Refused, "account_or_app_closed", u))
	}
	old, err := password.Load(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	l := passwordLink{
		purpose:    linkReset,
		life:       resetLife,
		clientID:   a.ClientID,
		continueTo: a.ContinueTo,
		visitor:    a.Visitor,
	}
	if old.Hash == "" {
		l.purpose, l.life = linkInvitation, s.Limits.InvitationLife
	}
	if err := s.mailPasswordLink(ctx, tx, u, t.Name, l); err != nil {
		return err
	}
	return audit.Record(ctx, tx, asked(audit.OK, l.purpose, u))
}

// errHasPassword: an invitation is for people who have no password.
var errHasPassword = fault.New(fault.Conflict, "user.has_password")

// errDisabled: no one is invited to an account that is closed.
var errDisabled = fault.New(fault.Conflict, "user.is_disabled")

// Invite mails a person who has no password a link with which they choose one; links that
// were sent to them before die. by names who invites, for the audit log. Conflict for a
// person who has a password or is disabled.
func (s *Service) Invite(ctx context.Context, tx *db.Tx, u user.User, by string) error {
	if err := user.Lock(ctx, tx, u.ID); err != nil {
		return err
	}
	old, err := password.Load(ctx, tx, u.ID)
	switch {
	case err != nil:
		return err
	case old.Hash != "":
		return errHasPassword
	case !u.DisabledAt.IsZero():
		return errDisabled
	}
	t, err := tenant.Find(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	if err := closePasswordLinks(ctx, tx, u.ID, string(LinkReplaced)); err != nil {
		return err
	}
	l := passwordLink{purpose: linkInvitation, life: s.Limits.InvitationLife, clientID: client.PortalID}
	if err := s.mailPasswordLink(ctx, tx, u, t.Name, l); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action:  audit.UserInvited,
		Result:  audit.OK,
		ActorID: by,
		UserID:  u.ID,
	})
}

// passwordLink is a link that is about to be mailed.
type passwordLink struct {
	purpose              string
	life                 time.Duration
	clientID, continueTo string
	visitor              session.Visitor // who asked for it; zero where an administrator did
}

// mailPasswordLink stores a link of u and queues its mail. Only the token's hash is kept.
func (s *Service) mailPasswordLink(ctx context.Context, tx *db.Tx, u user.User, company string, l passwordLink) error {
	key, err := user.EmailKey(u.Email)
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	token, hash := secret.NewToken()
	ref := secret.Reference{Tenant: tx.Tenant, ID: tx.NewID(), Token: token}
	ends := tx.Now.Add(l.life)
	_, err = tx.Exec(ctx, `
		INSERT INTO password_links (tenant_id, id, token_hash, user_id, purpose, email_key, security_version, client_id,
			continue_to, sent_at, expires_at, closed_at, closed_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')`,
		tx.Tenant, ref.ID, hash, u.ID, l.purpose, key, u.SecurityVersion, l.clientID, l.continueTo, tx.Now, ends)
	if err != nil {
		return fmt.Errorf("store password link: %w", err)
	}
	letter := email.PasswordLink{
		Vendor:     i.Name,
		Company:    company,
		Email:      u.Email,
		Invitation: l.purpose == linkInvitation,
		Asked:      l.visitor.IP != "",
		Link:       s.Origin + PasswordLinkPath + ref.Text().Reveal(),
		IP:         l.visitor.IP,
		Place:      l.visitor.Place,
		Browser:    l.visitor.Browser,
		At:         tx.Now,
		ExpiresAt:  ends,
	}
	_, err = s.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    u.ID,
		Channel:   "email",
		Purpose:   "password." + l.purpose,
		To:        u.Email,
		Hint:      outofband.Mask(u.Email),
		Language:  u.Language,
		Template:  email.Template(letter),
		Data:      letter,
		ExpiresAt: ends,
	})
	return err
}

// closePasswordLinks ends the links of a user that are open.
func closePasswordLinks(ctx context.Context, tx *db.Tx, userID, because string) error {
	_, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, userID)
	return err
}
