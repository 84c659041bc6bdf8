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
