package company

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// sendAnnounced tells the owners of a company once what the vendor will require of it and from when, where a change has
// made that more.
func (s *Service) sendAnnounced(ctx context.Context, tx *db.Tx, by email.ChangedBy, c change) error {
	from, more := c.announced()
	if !more {
		return nil
	}
	mode := c.is.Mandate.OrInherited(c.after.installation.Mandate).Mode
	return s.Notifier.SendToOwners(ctx, tx, notify.Notice{
		Purpose: "company.announced",
		Content: email.MandateAnnounced{
			Vendor:  c.after.installation.Name,
			Company: c.is.Name,
			From:    from,
			Locked:  mode != tenant.DefaultOn,
			By:      by,
		},
	})
}

// announced says from when a decision of the vendor asks more of a company's people than before, or keeps it from
// switching two-factor authentication off; zero is at once. more is false where it does neither.
func (c change) announced() (from time.Time, more bool) {
	was := c.was.Mandate.OrInherited(c.before.installation.Mandate)
	is := c.is.Mandate.OrInherited(c.after.installation.Mandate)
	if is.Mode == was.Mode && is.From.Equal(was.From) || is.Mode == tenant.DefaultOff {
		return from, false
	}
	at := c.after.now
	if is.From.After(at) {
		at, from = is.From, is.From
	}
	asks := rank(c.is, c.after.installation, at) > rank(c.was, c.before.installation, at)
	return from, asks || is.Locks(at) && !was.Locks(at)
}

// rank orders what companies require by how many people they ask: no one, those who chose it, some roles, everyone.
func rank(t tenant.Tenant, i tenant.Installation, at time.Time) int {
	switch policy.RuleOf(t, i, at) {
	case policy.Off:
		return 0
	case policy.OwnChoice:
		return 1
	}
	return 2 + len(tenant.OptionalRoles()) - len(policy.LeftOut(t, i, at))
}

// JobTell tells the companies of a change of the rules for all of them.
const JobTell = "company.tell"

// tellAtOnce is how many companies one run of JobTell looks at.
const tellAtOnce = 50

// tell is the arguments of JobTell. Where the actor was is not among them: jobs are not sealed.
type tell struct {
	Was, Is  Decision // for all companies
	Kind     access.Kind
	TenantID string // of the actor
	UserID   string
	At       time.Time
	After    tenant.Place // the last company that was told
}

// tellAll has every company told of other rules for all of them, by a job: there may be thousands.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, a access.Actor, was, is tenant.Installation) error {
	if DecisionForAll(was).equal(DecisionForAll(is)) {
		return nil
	}
	_, err := s.Notifier.Queue.Jobs.Enqueue(ctx, tx, JobTell, tell{
		Was:      DecisionForAll(was),
		Is:       DecisionForAll(is),
		Kind:     a.Kind,
		TenantID: a.TenantID,
		UserID:   a.UserID,
		At:       tx.Now,
	}, time.Time{})
	return err
}

// TellCompanies is the handler of JobTell. It tells some companies and leaves the others to another job, in one unit of
// work with its own end, so that none is told twice. What has been changed again meanwhile is not announced any more.
func (s *Service) TellCompanies(ctx context.Context, j jobs.Job) error {
	var t tell
	if err := json.Unmarshal(j.Args, &t); err != nil {
		return jobs.Drop(errors.New("the job does not say what has changed"))
	}
	return s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		by, err := t.by(ctx, tx)
		if err != nil {
			return err
		}
		some, err := tenant.ListAfter(ctx, tx, tenant.Search{After: t.After, Limit: tellAtOnce})
		if err != nil {
			return fmt.Errorf("list companies: %w", err)
		}
		for _, one := range some {
			if err := s.tellOne(ctx, tx.ForTenant(one.ID), t, by, i, one); err != nil {
				return fmt.Errorf("tell %s: %w", one.ID, err)
			}
			t.After = tenant.Place{Name: one.Name, ID: one.ID}
		}
		if len(some) == tellAtOnce {
			if _, err := s.Notifier.Queue.Jobs.Enqueue(ctx, tx, JobTell, t, time.Time{}); err != nil {
				return err
			}
		}
		return j.Settle(ctx, tx, nil)
	})
}

func (t tell) by(ctx context.Context, tx *db.Tx) (email.ChangedBy, error) {
	by, err := people.ChangedBy(ctx, tx, access.Actor{Kind: t.Kind, TenantID: t.TenantID, UserID: t.UserID})
	by.Vendor, by.At = true, t.At
	return by, err
}

func (s *Service) tellOne(
	ctx context.Context, tx *db.Tx, t tell, by email.ChangedBy, i tenant.Installation, one tenant.Tenant,
) error {
	c := change{
		before: s.rulesOf(t.Was.in(i), t.At),
		after:  s.rulesOf(t.Is.in(i), t.At),
		was:    one,
		is:     one,
	}
	if err := s.sendLowered(ctx, tx, by, c); err != nil {
		return err
	}
	if !DecisionForAll(i).equal(t.Is) {
		return nil
	}
	return s.sendAnnounced(ctx, tx, by, c)
}
