package demo

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/totp"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/user"
)

// clock is what the demo's installation takes for the time. It goes back while a company is made that has been there
// for months.
type clock struct {
	real func() time.Time
	back atomic.Int64
}

func (c *clock) now() time.Time { return c.real().Add(-time.Duration(c.back.Load())) }

// asOf is a unit of work at an earlier instant. Nothing but the demo has one; a test in internal/app holds that.
func asOf(tx *db.Tx, then time.Time) *db.Tx {
	past := tx.ForTenant(tx.Tenant)
	past.Now = then
	return past
}

// addHistory fills a company with people who have worked there since it began.
func (d *Demo) addHistory(ctx context.Context, c sampleCompany) error {
	now := d.house.DB.Now()
	crowd := crowdOf(c.ID+".example", c.Crowd, now.Add(-c.Age), now)
	secret, _ := secret.NewToken()
	stored, err := d.house.Passwords.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return d.house.DB.InTx(ctx, c.ID, func(tx *db.Tx) error {
		all := slices.Clone(crowd)
		for i := range all {
			if err := d.addColleague(ctx, tx, c, &all[i], stored); err != nil {
				return fmt.Errorf("%s: %w", all[i].Email, err)
			}
		}
		h, err := newHistory(ctx, tx, c, all, now)
		if err != nil {
			return err
		}
		if err := h.record(ctx, tx); err != nil {
			return fmt.Errorf("record events: %w", err)
		}
		return recordAdoption(ctx, tx, all, now.Add(-c.Age), now)
	})
}

// addColleague makes an account as of the day on which someone joined, with what they have set up since.
func (d *Demo) addColleague(
	ctx context.Context, tx *db.Tx, c sampleCompany, who *colleague, stored password.Stored,
) error {
	p := setup.Person{
		Email:    who.Email,
		Name:     who.Name,
		Language: "en",
		Role:     who.Role,
		Password: &stored,
		By:       "setup",
	}
	if who.Invited {
		p.Password = nil
	}
	u, err := setup.Add(ctx, asOf(tx, who.Joined), p)
	if err != nil {
		return err
	}
	who.id = u.ID
	methods, err := authenticator.Of(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	for _, a := range methods {
		if a.Kind == authenticator.Email {
			who.mailbox = a.ID
		}
	}
	if !who.App.IsZero() {
		if err := d.bindApp(ctx, asOf(tx, who.App), c, u, who); err != nil {
			return err
		}
	}
	if who.Left.IsZero() {
		return nil
	}
	return setup.Disable(ctx, asOf(tx, who.Left), u.ID)
}

// bindApp sets up an app whose secret no telephone has.
func (d *Demo) bindApp(ctx context.Context, tx *db.Tx, c sampleCompany, u user.User, who *colleague) error {
	v := totp.Verifier{Keys: d.house.Keys}
	draft := authenticator.PendingEnrollment{ID: tx.NewID(), Label: who.Label, Begun: tx.Now}
	subject := authenticator.Subject{
		UserID:   u.ID,
		Email:    u.Email,
		Name:     u.Name,
		Vendor:   vendorName,
		Company:  c.Name,
		Language: u.Language,
	}
	var err error
	if draft.State, err = v.Propose(ctx, tx, subject, draft, ""); err != nil {
		return err
	}
	card, err := totp.Show(draft)
	if err != nil {
		return err
	}
	app, err := totp.ReadApp(card.URI)
	if err != nil {
		return err
	}
	code, _ := app.Code(tx.Now)
	who.app = draft.ID
	return confirm(ctx, tx, v, authenticator.TOTP, subject, u, draft, code)
}

// recordAdoption writes how many people had a method on each day.
func recordAdoption(ctx context.Context, tx *db.Tx, crowd []colleague, began, now time.Time) error {
	for on := began.UTC().Truncate(day).Add(23 * time.Hour); on.Before(now.Truncate(day)); on = on.Add(day) {
		var c people.StatusCounts
		for _, who := range crowd {
			switch {
			case !who.present(on):
			case who.activated(on):
				c.People, c.Activated = c.People+1, c.Activated+1
			default:
				c.People, c.Pending = c.People+1, c.Pending+1
			}
		}
		if err := company.RecordAdoption(ctx, asOf(tx, on), c); err != nil {
			return fmt.Errorf("record adoption: %w", err)
		}
	}
	return nil
}

// lastSession is the session of someone's newest sign-in. It is over by now.
func lastSession(ctx context.Context, tx *db.Tx, who colleague, s signIn) error {
	level := policy.EmailConfirmed
	if s.method == authenticator.TOTP {
		level = policy.TwoFactor
	}
	_, _, err := session.Issue(ctx, asOf(tx, s.at), session.Session{
		UserID:          who.id,
		ClientID:        dashboardID,
		ACR:             string(level),
		SecurityVersion: 1,
		Visitor: session.Visitor{
			IP:      s.from.IP,
			Place:   s.from.Place,
			Browser: s.from.Browser,
		},
		AuthenticatedAt: s.at,
		Idle:            time.Hour,
		ExpiresAt:       s.at.Add(day),
	})
	if err != nil {
		return err
	}
	id := who.mailbox
	if s.method == authenticator.TOTP {
		id = who.app
		if err := authenticator.Seen(ctx, tx, who.mailbox, who.App); err != nil { // proved when the app was set up
			return err
		}
	}
	return authenticator.Seen(ctx, tx, id, s.at)
}
