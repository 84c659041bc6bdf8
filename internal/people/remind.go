package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// limitReminders bounds how often one person is reminded, whoever asks for it.
var limitReminders = ratelimit.Limit{Name: "reminder.account",
	Windows: []ratelimit.Window{{Count: 1, Per: 24 * time.Hour}, {Count: 10, Per: 30 * 24 * time.Hour}}}

var (
	errNotPending     = fault.New(fault.Conflict, "people.not_pending")
	errRemindedBefore = fault.New(fault.RateLimited, "people.reminded_before")
)

// Remind mails a person that they have yet to set up a method. Conflict where there is nothing to remind them of,
// RateLimited where they were reminded less than a day ago.
func (s *Service) Remind(ctx context.Context, a access.Actor, ref Ref) error {
	return s.change(ctx, a, access.RemindPerson, ref, func(
		ctx context.Context, tx *db.Tx, a access.Actor, u user.User,
	) error {
		if err := access.Check(a, access.RemindPerson, target(u)); err != nil {
			return err
		}
		var o Overview
		if err := s.loadOverview(ctx, tx, u, &o); err != nil {
			return err
		}
		if o.Status.Status != policy.Pending || o.Invited || !u.DisabledAt.IsZero() {
			return errNotPending
		}
		wait, err := ratelimit.SpendIn(ctx, tx, limitReminders, u.ID)
		if err == nil && wait > 0 {
			err = errRemindedBefore.After(wait)
		}
		if err != nil {
			return err
		}
		return s.sendReminder(ctx, tx, a, u, o.Status)
	})
}

func (s *Service) sendReminder(
	ctx context.Context, tx *db.Tx, a access.Actor, u user.User, status policy.PersonStatus,
) error {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	letter := email.Reminder{
		Vendor:  i.Name,
		Company: t.Name,
		SetUpBy: status.SetUpBy,
		Link:    s.Links.Origin + "/profile/add",
	}
	notice := notify.Notice{Purpose: "set_up.reminder", Content: letter, WithinBudget: true}
	if err := s.Notifier.SendToHolder(ctx, tx, u, notice); err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	return record(ctx, tx, a, u, audit.UserReminded, "")
}

// Reminded is what came of RemindPending.
type Reminded struct {
	Sent    int
	Skipped int // reminded less than a day ago
}

// remindAtOnce is how many people one transaction reminds.
const remindAtOnce = 100

// MaxReminded is how many people one call reminds at most.
const MaxReminded = 1000

// RemindPending reminds everyone of a company who has yet to set up a method and whom the actor may remind, up to
// MaxReminded. Each is reminded by themselves, so that one who cannot be does not keep it from the others.
func (s *Service) RemindPending(ctx context.Context, a access.Actor, company string) (r Reminded, err error) {
	q := Search{Status: policy.Pending, Limit: remindAtOnce}
	for r.Sent+r.Skipped < MaxReminded {
		page, err := s.Search(ctx, a, company, q)
		if err != nil {
			return r, err
		}
		for _, l := range page.People {
			if l.Invited || access.Check(a, access.RemindPerson, target(l.User)) != nil {
				continue
			}
			err := s.Remind(ctx, a, ByID(l.User.TenantID, l.User.ID))
			switch f := fault.Of(err); {
			case err == nil:
				r.Sent++
			case f.Kind == fault.RateLimited, f.Kind == fault.Conflict:
				r.Skipped++
			default:
				return r, err
			}
		}
		if !page.More {
			return r, nil
		}
		q.After = page.People[len(page.People)-1].User.ID
	}
	return r, nil
}
