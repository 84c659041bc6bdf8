package people

import (
	"context"
	"time"

	"countersign/internal/access"
)

// RemindUpTo is RemindPending with bounds of its own.
func (s *Service) RemindUpTo(
	ctx context.Context, a access.Actor, company string, maxSent int, within time.Duration,
) (Reminded, error) {
	return s.remindPending(ctx, a, company, maxSent, within)
}

// StartLater is StartBulk that leaves all of the work to the job.
func (s *Service) StartLater(
	ctx context.Context, a access.Actor, company string, b Bulk, shown string,
) (string, error) {
	run, _, err := s.beginBulk(ctx, a, company, b, shown)
	if err != nil {
		return "", err
	}
	return run.ID, nil
}

// DoSome gives n people of an action their turn, as a server does that stops then.
func (s *Service) DoSome(ctx context.Context, company, id string, n int) (done int) {
	run := &bulkRun{TenantID: company, ID: id}
	b, waiting, err := s.nextOfBulk(ctx, run)
	for _, userID := range waiting[:min(n, len(waiting))] {
		if err == nil && s.doToOne(ctx, run, b, userID) == nil {
			done++
		}
	}
	return done
}

// SetMany sets from how many people on a company has many.
func (c *Counter) SetMany(n int) { c.many = n }

// Kept is how many counts are kept.
func (c *Counter) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.kept)
}
