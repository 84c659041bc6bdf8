package firststep

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// An admission lets a new browser of an account try to sign in with budgets of its own, where
// failures of others would make it wait (docs/adr/0019). Anyone who reads the account's mailbox
// gets one by a link. It proves nothing: password and second step are asked for as ever.

// AdmissionLife is how long a browser is let in by a link, and how long a link is valid, unless
// it is the last one that limitAdmissions allows: that one is valid until there can be another.
const AdmissionLife = time.Hour

// AdmissionPath is where a link leads, before its token.
const AdmissionPath = "/continue/"

// JobAdmission is the kind of the job that mails a link.
const JobAdmission = "signin.admission"

var errInvalidLink = fault.New(fault.NotFound, "link.invalid")

// admissionArgs are a job's arguments. User is empty where no one has the address.
type admissionArgs struct {
	User               string
	IP, Place, Browser string
}

// AskAdmission has a link mailed to the account with that address. The answer and the work are
// the same for every address: whether there is such an account, whether it is open and whether
// it may be sent another link is found out by a job. It fails with RateLimited where the
// network has asked too often.
func (s *Service) AskAdmission(ctx context.Context, address string, v session.Visitor) error {
	tenant, args := db.Installation, admissionArgs{IP: v.IP, Place: v.Place, Browser: v.Browser}
	key, _ := user.EmailKey(address) // an impossible address is looked up as one that no one has
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		wait, err := ratelimit.SpendIn(ctx, tx, limitAdmissionAsks, v.Network())
		if err == nil && wait > 0 {
			err = errSlowDown.After(wait)
		}
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT tenant_id, user_id FROM directory
			WHERE email_key = $1 AND held_until = 0`, key).Scan(&tenant, &args.User)
		if err != nil && !db.IsNoRows(err) {
			return fmt.Errorf("find account: %w", err)
		}
		job := "admission-" + cmp.Or(args.User, s.hidden(byAdmission, v.Network()))
		return s.Queue.Jobs.EnqueueOnce(ctx, tx.ForTenant(tenant), JobAdmission, job, args)
	})
}

// MailAdmission is the job behind AskAdmission.
func (s *Service) MailAdmission(ctx context.Context, j jobs.Job) error {
	var args admissionArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Drop(err)
	}
	if args.User == "" {
		return nil
	}
	return s.DB.InTx(ctx, j.Tenant, func(tx *db.Tx) error {
		f, err := facts.Load(ctx, tx, args.User, client.PortalID, s.Limits.RememberDays)
		if db.IsNoRows(err) {
			return j.Settle(ctx, tx, nil)
		}
		if err != nil {
			return fmt.Errorf("read account: %w", err)
		}
		if f.Open() {
			if err := s.mailAdmission(ctx, tx, f, args); err != nil {
				return err
			}
		}
		return j.Settle(ctx, tx, nil)
	})
}

func (s *Service) mailAdmission(ctx context.Context, tx *db.Tx, f facts.Facts, args admissionArgs) error {
	budget, err := heldAdmissions(ctx, tx, f.User.ID, f.User.SecurityVersion)
	if err != nil || budget.Spend(tx) > 0 {
		return err
	}
	if err := budget.Write(ctx, tx); err != nil {
		return err
	}
	token, hash := secret.NewToken()
	link := secret.Reference{Tenant: tx.Tenant, ID: tx.NewID(), Token: token}
	expires := tx.Now.Add(max(AdmissionLife, budget[0].Wait(tx.Now)))
	_, err = tx.Exec(ctx, `
		INSERT INTO admissions (tenant_id, id, user_id, security_version, token_hash, sent_at, expires_at, used_at,
			browser_hash, admitted_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0)`,
		tx.Tenant, link.ID, f.User.ID, f.User.SecurityVersion, hash, tx.Now, expires, []byte{})
	if err != nil {
		return fmt.Errorf("store admission: %w", err)
	}
	letter := email.Admission{
		Vendor:    f.Vendor.Name,
		Link:      s.Origin + AdmissionPath + link.Text().Reveal(),
		IP:        args.IP,
		Place:     args.Place,
		Browser:   args.Browser,
		At:        tx.Now,
		ExpiresAt: expires,
	}
	_, err = s.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    f.User.ID,
		Channel:   "email",
		Purpose:   JobAdmission,
		To:        f.User.Email,
		Hint:      outofband.Mask(f.User.Email),
		Language:  f.User.Language,
		Template:  email.Template(letter),
		Data:      letter,
		ExpiresAt: expires,
	})
	if err != nil {
		return err
	}
	v := session.Visitor{IP: args.IP, Place: args.Place, Browser: args.Browser}
	return audit.Record(ctx, tx, event(audit.AdmissionSent, audit.OK, "", f.User.ID, "", "", link.ID, v))
}

// heldAdmissions is the budget of links to an account as it is since its security version last
// grew: links of before are good for nothing, and must not keep new ones from being sent.
func heldAdmissions(ctx context.Context, tx *db.Tx, userID string, version int64) (ratelimit.Budgets, error) {
	subject := userID + "/" + strconv.FormatInt(version, 10)
	budget := ratelimit.Budgets{ratelimit.FromStored(ratelimit.BudgetKey{
		Tenant:  tx.Tenant,
		Limit:   limitAdmissions,
		Subject: subject,
	}, nil)}
	return budget, budget.Lock(ctx, tx)
}

// admission is a stored link.
type admission struct {
	userID      string
	version     int64 // of the account when it was sent
	changed     bool  // the account is not as it was then: a new password, another address
	expires     time.Time
	used, found bool
	account     string // masked
}

func readAdmission(ctx context.Context, tx *db.Tx, link secret.Reference) (a admission, err error) {
	var version, expires, used int64
	err = tx.QueryRow(ctx, `
		SELECT a.user_id, a.security_version, u.security_version, a.expires_at, a.used_at, u.email FROM admissions a
		JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		WHERE a.tenant_id = $1 AND a.id = $2 AND a.token_hash = $3`, tx.Tenant, link.ID, link.Hash()).
		Scan(&a.userID, &a.version, &version, &expires, &used, &a.account)
	if db.IsNoRows(err) {
		return admission{}, nil
	}
	a.found, a.used, a.changed = true, used > 0, a.version != version
	a.expires, a.account = db.Time(expires), outofband.Mask(a.account)
	return a, err
}

func (a admission) state(now time.Time) outofband.LinkState {
	switch {
	case !a.found:
		return outofband.LinkUnknown
	case a.used:
		return outofband.LinkUsed
	case a.changed, !now.Before(a.expires):
		return outofband.LinkExpired
	}
	return outofband.LinkReady
}

// OpenAdmission reads what a link is good for, and for which account (masked). It changes
// nothing: mail scanners open links.
func (s *Service) OpenAdmission(ctx context.Context, link secret.Reference) (state outofband.LinkState,
	account string, err error) {
	err = s.DB.View(ctx, link.Tenant, func(tx *db.Tx) error {
		a, err := readAdmission(ctx, tx, link)
		if state = a.state(tx.Now); state == outofband.LinkReady {
			account = a.account
		}
		return err
	})
	return state, account, err
}

// UseAdmission spends a link, once, and returns what lets the browser that used it in for
// AdmissionLife. It fails with NotFound where the link is good for nothing; links that no one
// was sent cost their source a try.
func (s *Service) UseAdmission(ctx context.Context, link secret.Reference,
	v session.Visitor) (browser secret.Reference, err error) {
	var found, first bool
	err = s.DB.InTx(ctx, link.Tenant, func(tx *db.Tx) error {
		a, err := readAdmission(ctx, tx, link)
		if found = a.found; err != nil || !found {
			return err
		}
		token, hash := secret.NewToken()
		until := tx.Now.Add(AdmissionLife)
		if a.state(tx.Now) == outofband.LinkExpired {
			// written down, so that a clock that goes back revives none (SEC-140)
			until, hash = time.Time{}, []byte{}
		}
		n, err := tx.Exec(ctx, `
			UPDATE admissions SET used_at = $1, browser_hash = $2, admitted_until = $3
			WHERE tenant_id = $4 AND id = $5 AND token_hash = $6 AND used_at = 0`,
			tx.Now, hash, until, tx.Tenant, link.ID, link.Hash())
		if err != nil {
			return fmt.Errorf("use admission: %w", err)
		}
		if first = n > 0 && !until.IsZero(); !first {
			return nil
		}
		browser = secret.Reference{Tenant: tx.Tenant, ID: link.ID, Token: token}
		return s.admit(ctx, tx, a, link.ID, v)
	})
	if err == nil && !found {
		err = ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	if err == nil && !first {
		err = errInvalidLink
	}
	return browser, err
}

// admit clears the budget of links, whose owner is evidently there, and records the use.
func (s *Service) admit(ctx context.Context, tx *db.Tx, a admission, id string, v session.Visitor) error {
	budget, err := heldAdmissions(ctx, tx, a.userID, a.version)
	if err != nil {
		return err
	}
	budget[0].Clear()
	if err := budget.Write(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, event(audit.AdmissionUsed, audit.OK, "", a.userID, "", "", id, v))
}

// admitted names the user and the security version that a browser was let in for.
func admitted(ctx context.Context, tx *db.Tx, browser secret.Reference) (userID string, version int64,
	found bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT user_id, security_version FROM admissions
		WHERE tenant_id = $1 AND id = $2 AND browser_hash = $3 AND admitted_until > $4`,
		browser.Tenant, browser.ID, browser.Hash(), tx.Now).Scan(&userID, &version)
	if db.IsNoRows(err) {
		return "", 0, false, nil
	}
	return userID, version, err == nil, err
}
