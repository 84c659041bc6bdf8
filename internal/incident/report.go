package incident

import (
	"context"
	"fmt"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// disownWithin is how long a sign-in can be reported: as long as anything that it opened may live.
const disownWithin = flow.Kept

// Disown handles the report that a sign-in was not the account's owner. It ends the attempt and what
// came of it and flags the password; if that was not flagged before, it alerts the administrators. It
// answers the same for every token, good or bad.
func (s *Service) Disown(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	if !s.Keys.CheckToken(ref.Token, "not-me", ref.Tenant, ref.ID) {
		return ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	err := audit.OrLater(ctx, s.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		first, err := flow.Disown(ctx, tx, ref.ID, tx.Now.Add(-disownWithin))
		if err != nil || !first {
			return err
		}
		f, err := flow.ByID(ctx, tx, ref.ID)
		if err != nil {
			return err
		}
		return s.undoSignIn(ctx, tx, f, v)
	})
	if err != nil {
		return fmt.Errorf("disown sign-in: %w", err)
	}
	return nil
}

// undoSignIn undoes what came of a sign-in: it ends what is open, suspends what was set up in it and in
// its step-ups, and undoes their changes of the address.
func (s *Service) undoSignIn(ctx context.Context, tx *db.Tx, f flow.Flow, v session.Visitor) error {
	if err := closeFlow(ctx, tx, f); err != nil {
		return err
	}
	chain, err := flow.Chain(ctx, tx, f.ID)
	if err != nil {
		return err
	}
	if err := endEverything(ctx, tx, f.UserID); err != nil {
		return err
	}
	h, err := loadHolder(ctx, tx, f.UserID)
	if err != nil {
		return err
	}
	for _, id := range chain {
		if err := s.suspendBoundIn(ctx, tx, h, id, v); err != nil {
			return err
		}
	}
	if err := s.restoreAddress(ctx, tx, f.UserID, chain, v); err != nil {
		return err
	}
	e := reportEvent(audit.SignInDisowned, "", f.UserID, "", f.ID, v)
	e.ClientID = f.ClientID
	if err := audit.Record(ctx, tx, e); err != nil {
		return err
	}
	first, err := user.FlagPassword(ctx, tx, f.UserID)
	if err != nil || !first {
		return err
	}
	return s.alertAdminsOfReport(ctx, tx, h, f)
}

// closeFlow ends a flow and its newest challenge, whose message does not leave any more.
func closeFlow(ctx context.Context, tx *db.Tx, f flow.Flow) error {
	if _, err := flow.Close(ctx, tx, f.ID, flow.NotMe); err != nil {
		return err
	}
	if err := challenge.CloseOpen(ctx, tx, f.ID, challenge.Ended); err != nil {
		return err
	}
	c, found, err := challenge.ByID(ctx, tx, f.ChallengeID)
	if err != nil || !found {
		return err
	}
	return message.WithdrawAll(ctx, tx, c.MessageID)
}

func (s *Service) alertAdminsOfReport(ctx context.Context, tx *db.Tx, h accountHolder, f flow.Flow) error {
	letter := email.NotMeAlert{
		Vendor:    h.vendor,
		UserName:  h.user.Name,
		UserEmail: h.user.Email,
		IP:        f.Visitor.IP,
		Place:     f.Visitor.Place,
		Browser:   f.Visitor.Browser,
		At:        f.StartedAt,
	}
	notice := notify.Notice{Purpose: "signin.not_me", Content: letter, WithinBudget: true}
	return s.Notifier.SendToAdmins(ctx, tx, notice)
}
