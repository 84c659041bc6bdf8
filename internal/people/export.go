package people

import (
	"context"
	"fmt"
	"strconv"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/user"
)

// Export passes every person whom a search selects to fn, by address. It records the export before the first of them is
// passed on. The search's place and size do not matter. People who are added or removed meanwhile may be missing.
func (s *Service) Export(
	ctx context.Context, a access.Actor, company string, q Search, fn func(Listed) error,
) error {
	err := s.inCompany(ctx, a, access.ExportPeople, company, func(
		ctx context.Context, tx *db.Tx, a access.Actor,
	) error {
		if err := access.Check(a, access.ExportPeople, access.Target{TenantID: tx.Tenant}); err != nil {
			return err
		}
		err := audit.Record(ctx, tx, audit.Event{
			Action:  audit.PeopleExported,
			Result:  audit.OK,
			ActorID: a.ID(),
			Reason:  exportReason(q),
			Origin:  a.Origin,
		})
		if err != nil {
			return fmt.Errorf("record an export: %w", err)
		}
		return TellOwners(ctx, tx, s.Notifier, a, email.AlertUsersExported, user.User{})
	})
	if err != nil {
		return err
	}
	q.After, q.Limit = "", maxListed
	for {
		page, err := s.Search(ctx, a, company, q)
		if err != nil {
			return err
		}
		for _, l := range page.People {
			if err := fn(l); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
		q.After = page.People[len(page.People)-1].User.ID
	}
}

// exportReason says what was exported, for the record. What was searched for is personal and is not written down.
func exportReason(q Search) string {
	out := "view " + strconv.Quote(string(q.View))
	if q.Status != "" {
		out += " status " + string(q.Status)
	}
	if q.Role != "" {
		out += " role " + string(q.Role)
	}
	if q.Text != "" {
		out += " filtered by text"
	}
	return out
}
