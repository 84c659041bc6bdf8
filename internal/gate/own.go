package gate

import (
	"context"
	"fmt"

	"countersign/internal/db"
	"countersign/internal/session"
)

// CheckOwn is CheckSession in a unit of work that knows the session and its user by their ids, as those who act
// in it do. No one is signed in where the session is someone else's. It writes nothing.
func (g *Gate) CheckOwn(ctx context.Context, tx *db.Tx, userID, sessionID string, ask Ask) (SessionCheck, error) {
	st, err := g.readAndCheck(ctx, tx, sessionSelector{
		where:   `s.id = $3 AND s.user_id = $4`,
		args:    []any{sessionID, userID},
		browser: true,
	}, ask)
	if err != nil {
		return st, fmt.Errorf("check session: %w", err)
	}
	return st, nil
}

// LockOwn is CheckOwn for a unit of work that changes something. It takes the session until the unit of work ends,
// so that a sign-out comes before the change or after it. The caller holds the user's row.
func (g *Gate) LockOwn(ctx context.Context, tx *db.Tx, userID, sessionID string, ask Ask) (SessionCheck, error) {
	open, err := session.Lock(ctx, tx, userID, sessionID)
	if err != nil {
		return SessionCheck{}, fmt.Errorf("hold session: %w", err)
	}
	if !open {
		return noSession, nil
	}
	return g.CheckOwn(ctx, tx, userID, sessionID, ask)
}
