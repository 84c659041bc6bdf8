package signin

import (
	"context"
	"sync"
	"time"

	"countersign/internal/db"
)

// Seen notes in memory when sessions were last used and writes many of them at once, so
// that reading a session writes nothing.
type Seen struct {
	mu sync.Mutex
	at map[[2]string]time.Time // tenant and session
}

// NewSeen returns an empty notebook.
func NewSeen() *Seen { return &Seen{at: map[[2]string]time.Time{}} }

func (s *Seen) note(tenantID, sessionID string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[[2]string{tenantID, sessionID}] = now
}

func (s *Seen) newest(tenantID, sessionID string, stored time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.at[[2]string{tenantID, sessionID}]; at.After(stored) {
		return at
	}
	return stored
}

// Flush writes what was noted since the last time.
func (s *Seen) Flush(ctx context.Context, d *db.DB) error {
	s.mu.Lock()
	noted := s.at
	s.at = map[[2]string]time.Time{}
	s.mu.Unlock()
	if len(noted) == 0 {
		return nil
	}
	err := d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		for key, at := range noted {
			if _, err := tx.Exec(ctx, `UPDATE sessions SET last_seen_at = $1 WHERE tenant_id = $2 AND id = $3 AND last_seen_at < $1`, at, key[0], key[1]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.putBack(noted)
	}
	return err
}

func (s *Seen) putBack(noted map[[2]string]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, at := range noted {
		if at.After(s.at[key]) {
			s.at[key] = at
		}
	}
}
