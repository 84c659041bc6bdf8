package incident

import (
	"context"
	"fmt"
	"slices"

	"countersign/internal/audit"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// UndoAddress undoes a change of address at the request of the person who reads the old mailbox. It
// ends what is open, suspends what was set up since, flags the password and alerts the administrators.
// It answers the same for every token, good or bad, and does nothing a second time, after 72 hours, or
// if someone else has set the address since.
func (s *Service) UndoAddress(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	if !s.Keys.CheckToken(ref.Token, "undo-address", ref.Tenant, ref.ID) {
		return ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	err := audit.OrLater(ctx, s.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		c, err := user.UndoChange(ctx, tx, ref.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := endEverything(ctx, tx, c.UserID); err != nil {
			return err
		}
		if err := s.completeRestore(ctx, tx, c, v); err != nil {
			return err
		}
		if _, err := user.FlagPassword(ctx, tx, c.UserID); err != nil {
			return err
		}
		return s.alertAdminsOfRestore(ctx, tx, c)
	})
	if err != nil {
		return fmt.Errorf("undo change of address: %w", err)
	}
	return nil
}

// restoreAddress undoes what a reported sign-in and its step-ups did to the address: it ends a change
// that is not confirmed yet, and undoes the oldest one that was and that may still be undone.
func (s *Service) restoreAddress(
	ctx context.Context, tx *db.Tx, userID string, chain []string, v session.Visitor,
) error {
	if _, err := user.CloseChange(ctx, tx, userID, flow.NotMe); err != nil {
		return err
	}
	all, err := user.ChangesOf(ctx, tx, userID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(c user.Change) bool { return slices.Contains(chain, c.FlowID) })
	if i < 0 {
		return nil
	}
	c, err := user.UndoChange(ctx, tx, all[i].ID)
	if fault.Is(err, fault.NotFound) { // its own link was a moment faster
		return nil
	}
	if err != nil {
		return err
	}
	return s.completeRestore(ctx, tx, c, v)
}

// completeRestore sends codes to the old address again, suspends what was set up since the change, and
// notifies both addresses.
func (s *Service) completeRestore(ctx context.Context, tx *db.Tx, c user.Change, v session.Visitor) error {
	if err := outofband.FollowProved(ctx, tx, c.UserID, c.From); err != nil {
		return err
	}
	h, err := loadHolder(ctx, tx, c.UserID)
	if err != nil {
		return err
	}
	if err := s.suspendAfterChange(ctx, tx, h, c, v); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, reportEvent(audit.AddressRestored, "", c.UserID, "", c.ID, v)); err != nil {
		return err
	}
	news := email.AddressRestored{
		Vendor: h.vendor,
		Old:    outofband.Mask(c.From),
		New:    outofband.Mask(c.To),
		At:     tx.Now,
	}
	notice := notify.Notice{Purpose: "address.restored", Content: news}
	if err := s.Notifier.SendToAddresses(ctx, tx, h.user, []string{c.To}, notice); err != nil {
		return err
	}
	news.ToOld = true
	notice.Content = news
	return s.Notifier.SendToHolder(ctx, tx, h.user, notice)
}

// endEverything ends every session, sign-in, remembered browser and refresh token of an
// account, and says of those that are listed why.
func endEverything(ctx context.Context, tx *db.Tx, userID string) error {
	if err := session.EndOthers(ctx, tx, userID, "", session.NotMe); err != nil {
		return err
	}
	return user.EndAll(ctx, tx, userID)
}

func (s *Service) alertAdminsOfRestore(ctx context.Context, tx *db.Tx, c user.Change) error {
	h, err := loadHolder(ctx, tx, c.UserID)
	if err != nil {
		return err
	}
	letter := email.AddressAlert{
		Vendor:    h.vendor,
		UserName:  h.user.Name,
		UserEmail: h.user.Email,
		IP:        c.IP,
		Place:     c.Place,
		Browser:   c.Browser,
		At:        c.BegunAt,
	}
	notice := notify.Notice{Purpose: "address.restored", Content: letter, WithinBudget: true}
	return s.Notifier.SendToAdmins(ctx, tx, notice)
}
