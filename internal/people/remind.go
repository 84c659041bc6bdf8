package people

import (
	"context"
	"fmt"
	"slices"
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

// limitReminders bounds how often one person is reminded, no matter who asks.
var limitReminders = ratelimit.Limit{Name: "reminder.account",
	Windows: []ratelimit.Window{{Count: 1, Per: 24 * time.Hour}, {Count: 10, Per: 30 * 24 * time.Hour}}}

// limitBulkReminders bounds how often the people of a company are reminded all at once: each time looks at all of them.
var limitBulkReminders = ratelimit.Limit{Name: "reminder.company",
	Windows: []ratelimit.Window{{Count: 6, Per: time.Hour}}}

var (
	errNotPending     = fault.New(fault.Conflict, "people.not_pending")
	errRemindedBefore = fault.New(fault.RateLimited, "people.reminded_before")
	errMailedOften    = fault.New(fault.RateLimited, "people.mailed_often")
	errRemindedAll    = fault.New(fault.RateLimited, "people.reminded_all_often")
)

// Remind mails a person that they have yet to set up a method. Conflict where there is nothing to remind them of,
// RateLimited where they were reminded less than a day ago, or have had as many mails as an address may.
func (s *Service) Remind(ctx context.Context, a access.Actor, ref Ref) error {
	return s.change(ctx, a, access.RemindPerson, ref, s.remind)
}

func (s *Service) remind(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
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
	sent, err := s.Notifier.TrySendToHolder(ctx, tx, u, notice)
	if err == nil && !sent {
		err = errMailedOften
	}
	if err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	return record(ctx, tx, a, u, audit.UserReminded, "")
}

// Reminded is what came of RemindPending.
type Reminded struct {
	Sent    int
	Skipped int  // reminded less than a day ago, or not to be reminded any more
	Left    bool // there are more to remind: ask again
}

// remindAtOnce is how many people are looked at with one statement.
const remindAtOnce = 100

// One call reminds MaxReminded people at most, and begins no reminder after remindFor: a page waits for it.
const (
	MaxReminded = 1000
	remindFor   = 12 * time.Second
)

// RemindPending reminds everyone of a company who has yet to set up a method and whom the actor may remind, up to
// MaxReminded, for as long as remindFor. Each is reminded by themselves, so that one who cannot be does not keep it
// from the others. RateLimited where the company's people were reminded many times in the last hour.
func (s *Service) RemindPending(ctx context.Context, a access.Actor, company string) (Reminded, error) {
	return s.remindPending(ctx, a, company, MaxReminded, remindFor)
}

func (s *Service) remindPending(
	ctx context.Context, a access.Actor, company string, maxSent int, within time.Duration,
) (r Reminded, err error) {
	enough, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := s.spendBulkReminder(ctx, a, company); err != nil {
		return r, err
	}
	q := Search{Status: policy.Pending, Limit: remindAtOnce}
	for {
		page, err := s.Search(ctx, a, company, q)
		if err != nil {
			return r, err
		}
		before, err := s.remindedBefore(ctx, page.People)
		if err != nil {
			return r, err
		}
		for _, l := range page.People {
			if l.Invited || access.Check(a, access.RemindPerson, target(l.User)) != nil {
				continue
			}
			if before[l.User.ID] {
				r.Skipped++
				continue
			}
			if r.Left = r.Sent >= maxSent || enough.Err() != nil; r.Left {
				return r, nil
			}
			if err := s.remindListed(ctx, a, l, &r); err != nil {
				return r, err
			}
		}
		if r.Left = page.More && enough.Err() != nil; r.Left || !page.More {
			return r, nil
		}
		q.After = page.People[len(page.People)-1].User.ID
	}
}

func (s *Service) remindListed(ctx context.Context, a access.Actor, l Listed, r *Reminded) error {
	err := s.Remind(ctx, a, ByID(l.User.TenantID, l.User.ID))
	switch f := fault.Of(err); {
	case err == nil:
		r.Sent++
	case f.Kind == fault.RateLimited, f.Kind == fault.Conflict:
		r.Skipped++
	default:
		return err
	}
	return nil
}

// spendBulkReminder takes one call from the budget of a company. The command line spends none.
func (s *Service) spendBulkReminder(ctx context.Context, a access.Actor, company string) error {
	return s.inCompany(ctx, a, access.RemindPerson, company, func(
		ctx context.Context, tx *db.Tx, a access.Actor,
	) error {
		lowest := access.Target{TenantID: tx.Tenant, Role: user.Agent}
		if err := access.Check(a, access.RemindPerson, lowest); err != nil || a.Kind == access.CommandLine {
			return err
		}
		wait, err := ratelimit.SpendIn(ctx, tx, limitBulkReminders, tx.Tenant)
		if err == nil && wait > 0 {
			err = errRemindedAll.After(wait)
		}
		return err
	})
}

// budgetsAtOnce is how many budgets one statement reads.
const budgetsAtOnce = 4

// remindedBefore are the ids of those among people of a company who can't be reminded again yet. It spares a
// transaction for each: of a large company, most were reminded by the calls before.
func (s *Service) remindedBefore(ctx context.Context, listed []Listed) (before map[string]bool, err error) {
	if len(listed) == 0 {
		return nil, nil
	}
	err = s.DB.View(ctx, listed[0].User.TenantID, func(tx *db.Tx) error {
		before, err = remindedIn(ctx, tx, listed)
		return err
	})
	return before, err
}

// remindedIn is remindedBefore for people of tx.Tenant.
func remindedIn(ctx context.Context, tx *db.Tx, listed []Listed) (map[string]bool, error) {
	var keys []ratelimit.BudgetKey
	for _, l := range listed {
		keys = append(keys, ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limitReminders, Subject: l.User.ID})
	}
	before := map[string]bool{}
	for some := range slices.Chunk(keys, budgetsAtOnce) {
		budgets, err := ratelimit.Read(ctx, tx, some...)
		if err != nil {
			return nil, fmt.Errorf("look for reminders: %w", err)
		}
		for _, b := range budgets {
			before[b.Subject] = b.Wait(tx.Now) > 0
		}
	}
	return before, nil
}
