package gate

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// SignOut ends a browser's session and those that it took over from, however long it has
// been idle. It answers the same for a session that has ended already. It succeeds while the
// audit cannot be written; the event is recorded later.
func (g *Gate) SignOut(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	return audit.OrLater(ctx, g.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		userID, clientID, err := session.Owner(ctx, tx, ref)
		if err != nil || userID == "" {
			return err
		}
		if err := session.EndLine(ctx, tx, ref.ID, session.SignedOut); err != nil {
			return err
		}
		// Closed by a guarded write as well as by what over reads, so that of a sign-out and a
		// code at the same moment one wins.
		if err := flow.CloseStepUps(ctx, tx, userID, ref.ID, flow.Changed); err != nil {
			return err
		}
		return audit.Record(ctx, tx, endedEvent(session.SignedOut, userID, clientID, ref.ID, v))
	})
}

// Owner names whose session a browser's cookie is, as long as it has not ended, however
// long it has been idle: apps may still hold tokens of it. It is empty for no one's.
func (g *Gate) Owner(ctx context.Context, cookie string) (userID string, err error) {
	ref, err := secret.ParseReference(cookie)
	if err != nil {
		return "", nil // no cookie, or none of ours
	}
	err = g.DB.View(ctx, ref.Tenant, func(tx *db.Tx) (err error) {
		userID, _, err = session.Owner(ctx, tx, ref)
		return err
	})
	return userID, err
}

// TakeOver retires the session that a browser held before it signed in again: its cookie
// dies. The same user's goes on for the tokens that apps hold, and ends with the new one;
// anyone else's ends now.
func (g *Gate) TakeOver(ctx context.Context, cookie string, next secret.Reference, v session.Visitor) error {
	old, err := secret.ParseReference(cookie)
	if err != nil || old.ID == next.ID {
		return nil // nothing of ours was held
	}
	return audit.OrLater(ctx, g.DB, old.Tenant, func(ctx context.Context, tx *db.Tx) error {
		was, clientID, err := session.Owner(ctx, tx, old)
		if err != nil || was == "" {
			return err
		}
		is, _, err := session.Owner(ctx, tx.ForTenant(next.Tenant), next)
		if err != nil {
			return err
		}
		if is == was && old.Tenant == next.Tenant {
			if err := session.Continue(ctx, tx, next.ID, old.ID); err != nil {
				return err
			}
			return session.Detach(ctx, tx, old.ID)
		}
		if err := session.EndLine(ctx, tx, old.ID, session.Superseded); err != nil {
			return err
		}
		if err := flow.CloseStepUps(ctx, tx, was, old.ID, flow.Changed); err != nil {
			return err
		}
		return audit.Record(ctx, tx, endedEvent(session.Superseded, was, clientID, old.ID, v))
	})
}

// endedEvent is the audit's row of a session that was ended.
func endedEvent(because, userID, clientID, sessionID string, v session.Visitor) audit.Event {
	return audit.Event{
		Action:    audit.SessionEnded,
		Result:    audit.OK,
		Reason:    because,
		ActorID:   userID,
		UserID:    userID,
		ClientID:  clientID,
		SubjectID: sessionID,
		Origin:    v.Origin(),
	}
}
