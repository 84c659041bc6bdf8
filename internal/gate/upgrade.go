package gate

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
func (g *Gate) Upgrade(ctx context.Context, tx *db.Tx, old session.Session, proof authenticator.Proof,
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
		Idle:            g.Limits.SessionIdle,
		ExpiresAt:       tx.Now.Add(g.Limits.SessionLife),
	}
	next, ref, err = session.Issue(ctx, tx, next)
	if err != nil {
		return ref, 0, err
	}
	return ref, next.ExpiresAt.Sub(tx.Now), audit.Record(ctx, tx, audit.Event{
		Action:    audit.SignInCompleted,
		Result:    audit.OK,
		Reason:    "method_set_up",
		ActorID:   old.UserID,
		UserID:    old.UserID,
		ClientID:  old.ClientID,
		Method:    strings.Join(next.AMR, " "),
		SubjectID: next.ID,
		Level:     next.ACR,
		Origin:    v.Origin(),
	})
}
