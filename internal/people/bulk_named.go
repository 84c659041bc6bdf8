package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/user"
)

// BulkPerson is one of the people who were chosen for an action, and why they are left out; empty: they are not.
type BulkPerson struct {
	User user.User
	Why  Outcome
}

// eachOfEmails is eachChosen for people who were chosen by address. What is no address chooses no one.
func (s *Service) eachOfEmails(ctx context.Context, tx *db.Tx, emails []string, fn func([]Listed) error) error {
	var keys []string
	for _, email := range emails {
		if key, err := user.EmailKey(email); err == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for some := range slices.Chunk(slices.Compact(keys), MaxChosen) {
		page, err := s.SearchIn(ctx, tx, Search{keys: some, Limit: MaxChosen})
		if err != nil {
			return err
		}
		if err := fn(page.People); err != nil {
			return err
		}
	}
	return nil
}

// bulkStep is how long FinishBulk works before it says how far it is.
const bulkStep = time.Second

// FinishBulk gives everyone who waits in an action their turn, and returns what became of each by id. told hears now
// and then how far it is. The job of a server may do the same at the same time, and goes on where this ends too early.
func (s *Service) FinishBulk(
	ctx context.Context, a access.Actor, company, id string, told func(BulkState),
) (of map[string]Outcome, err error) {
	for {
		b, err := s.BulkState(ctx, a, company, id)
		if err != nil {
			return nil, err
		}
		told(b)
		if !b.EndedAt.IsZero() {
			return s.bulkOutcomes(ctx, b)
		}
		if _, err := s.workBulk(ctx, &bulkRun{TenantID: b.TenantID, ID: id, Origin: a.Origin}, bulkStep); err != nil {
			return nil, err
		}
	}
}

// bulkOutcomes are what became of the people of an action that the caller may see, by id.
func (s *Service) bulkOutcomes(ctx context.Context, b BulkState) (map[string]Outcome, error) {
	out := map[string]Outcome{}
	err := s.DB.View(ctx, b.TenantID, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT user_id, outcome FROM bulk_people WHERE tenant_id = $1 AND action_id = $2`, tx.Tenant, b.ID)
		return db.ForEach(rows, err, func(row db.Row) error {
			var id string
			var o Outcome
			err := row.Scan(&id, &o)
			out[id] = o
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the people of an action: %w", err)
	}
	return out, nil
}
