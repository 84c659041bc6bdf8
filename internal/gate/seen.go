package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// Seen collects in memory when sessions and authenticators were last used, and writes many of these
// instants at once, so that reading a session writes nothing.
type Seen struct {
	mu   sync.Mutex
	at   map[[2]string]use       // by tenant and session
	used map[[2]string]time.Time // by tenant and authenticator

	writing map[[2]string]use // what Flush has taken and not written yet
}

// use is the last use of a session, and its last use while every proof still counted.
type use struct{ seen, fresh time.Time }

func (u use) newer(v use) use {
	if v.seen.After(u.seen) {
		u.seen = v.seen
	}
	if v.fresh.After(u.fresh) {
		u.fresh = v.fresh
	}
	return u
}

// NewSeen returns an empty Seen.
func NewSeen() *Seen { return &Seen{at: map[[2]string]use{}, used: map[[2]string]time.Time{}} }

func (s *Seen) noteSession(tenantID, sessionID string, now time.Time, fresh bool) {
	u := use{seen: now}
	if fresh {
		u.fresh = now
	}
	s.add(map[[2]string]use{{tenantID, sessionID}: u})
}

// NoteAuthenticator notes when an authenticator was last used.
func (s *Seen) NoteAuthenticator(tenantID, authenticatorID string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[[2]string{tenantID, authenticatorID}] = now
}

func (s *Seen) add(noted map[[2]string]use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, u := range noted {
		s.at[key] = s.at[key].newer(u)
	}
}

func (s *Seen) latest(tenantID, sessionID string, seen, fresh time.Time) (time.Time, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{tenantID, sessionID}
	u := use{seen, fresh}.newer(s.at[key]).newer(s.writing[key])
	return u.seen, u.fresh
}

// Flush writes what was noted since the last time, in one order: two replicas that saw the same
// sessions must not wait for one another.
func (s *Seen) Flush(ctx context.Context, d *db.DB) error {
	s.mu.Lock()
	noted, used := s.at, s.used
	s.at, s.used, s.writing = map[[2]string]use{}, map[[2]string]time.Time{}, noted
	s.mu.Unlock()
	if len(noted)+len(used) == 0 {
		return nil
	}
	err := d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		for _, key := range sortedKeys(noted) {
			if err := writeUse(ctx, tx, key, noted[key]); err != nil {
				return err
			}
		}
		for _, key := range sortedKeys(used) {
			if err := authenticator.Seen(ctx, tx.ForTenant(key[0]), key[1], used[key]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // of methods they are lost until the next use
		s.add(noted)
		err = fmt.Errorf("write last uses: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = nil
	return err
}

func sortedKeys[V any](noted map[[2]string]V) [][2]string {
	return slices.SortedFunc(maps.Keys(noted), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

// writeUse never moves an instant back: another replica may have seen the session later.
func writeUse(ctx context.Context, tx *db.Tx, key [2]string, u use) error {
	_, err := tx.Exec(ctx, `
		UPDATE sessions SET last_seen_at = CASE WHEN last_seen_at < $1 THEN $1 ELSE last_seen_at END,
			fresh_at = CASE WHEN fresh_at < $2 THEN $2 ELSE fresh_at END
		WHERE tenant_id = $3 AND id = $4`, u.seen, u.fresh, key[0], key[1])
	return err
}
