package signin

import (
	"context"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// Upgrade replaces a session, in the unit of work in which its user has shown one more
// authenticator: they set it up. The new one stands for the old proofs and that one; the old
// cookie dies. It rests on the same sign-in, and is no fresher than before.
func (s *Service) Upgrade(ctx context.Context, tx *db.Tx, old session.Session, proof authenticator.Proof,
	v session.Visitor) (ref secret.Reference, life time.Duration, err error) {
	open, err := session.Retire(ctx, tx, old.ID)
	if err == nil && !open { // signed out meanwhile
		err = flow.ErrNotFound
	}
	if err != nil {
		return ref, 0, err
	}
	proofs := append(old.Proofs(), proof)
	next := session.Session{
		UserID:          old.UserID,
		ClientID:        old.ClientID,
		FlowID:          old.FlowID,
		Continues:       old.ID,
		ACR:             string(policy.Reached(proofs)),
		AMR:             policy.AMR(proofs),
		SecurityVersion: old.SecurityVersion,
		Visitor:         v,
		AuthenticatedAt: old.AuthenticatedAt,
		Idle:            s.Limits.SessionIdle,
		ExpiresAt:       tx.Now.Add(s.Limits.SessionLife),
	}
	next, ref, err = session.Issue(ctx, tx, next)
	if err != nil {
		return ref, 0, err
	}
	e := event(audit.SignInCompleted, audit.OK, "method_set_up", old.UserID, old.ClientID,
		strings.Join(next.AMR, " "), next.ID, v)
	e.Level = next.ACR
	return ref, next.ExpiresAt.Sub(tx.Now), audit.Record(ctx, tx, e)
}
