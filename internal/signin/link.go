package signin

import (
	"context"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// Link is what a link's page may tell.
type Link struct {
	State              outofband.LinkState
	AppName, Account   string
	Code, Reference    string
	IP, Place, Browser string
	At                 time.Time
	RememberDays       int
	NotMePath          string
	ContinueTo         string
}

// OpenLink reads what a link is good for, and changes nothing: mail scanners open links.
// held are the sign-ins that the browser has under way.
func (s *Service) OpenLink(ctx context.Context, link secret.Reference, held ...secret.Reference) (Link, error) {
	out := Link{State: outofband.LinkUnknown}
	err := s.DB.View(ctx, link.Tenant, func(tx *db.Tx) error {
		c, f, err := s.followLink(ctx, tx, link)
		if err != nil || f == nil {
			return err
		}
		out.State = linkState(c, f, tx.Now)
		if out.State != outofband.LinkElsewhere {
			return nil
		}
		d := f.decide(tx.Now)
		out.AppName, out.Account, out.Reference, out.At = f.App.Name, outofband.MaskOwn(f.User.Email),
			c.Reference, c.IssuedAt
		out.IP, out.Place, out.Browser = f.Visitor.IP, f.Visitor.Place, f.Visitor.Browser
		out.NotMePath = outofband.NotMeLink("", s.Keys, tx.Tenant, f.ID)
		if _, began := beganHere(ctx, tx, held, f.ID); began {
			out.State, out.RememberDays, out.ContinueTo = outofband.LinkReady, f.rememberDays(d), f.ContinueTo
			return nil
		}
		out.Code = s.Email.CodeOf(c.State, c.ID, link.Token.Reveal())
		return nil
	})
	return out, err
}

// followLink finds the challenge of a link and its flow; a token that is not the
// challenge's finds nothing.
func (s *Service) followLink(ctx context.Context, tx *db.Tx, link secret.Reference) (challenge.Challenge,
	*activeFlow, error) {
	c, found, err := challenge.ByID(ctx, tx, link.ID)
	if err != nil || !found || s.Email.CodeOf(c.State, c.ID, link.Token.Reveal()) == "" {
		return c, nil, err
	}
	f, err := s.loadByID(ctx, tx, c.FlowID)
	if fault.Is(err, fault.NotFound) {
		return c, nil, nil
	}
	return c, f, err
}

func linkState(c challenge.Challenge, f *activeFlow, now time.Time) outofband.LinkState {
	switch {
	case c.ClosedBecause == challenge.Replaced:
		return outofband.LinkReplaced
	case c.ClosedBecause == challenge.Answered || f.ClosedBecause == flow.Finished:
		return outofband.LinkUsed
	case !c.Open(now) || f.endReason(now) != "":
		return outofband.LinkExpired
	}
	return outofband.LinkElsewhere
}

// beganHere finds the flow among those that a browser holds. Only the right token counts.
func beganHere(ctx context.Context, tx *db.Tx, held []secret.Reference, flowID string) (secret.Reference, bool) {
	i := slices.IndexFunc(held, func(ref secret.Reference) bool { return ref.ID == flowID && ref.Tenant == tx.Tenant })
	if i < 0 {
		return secret.Reference{}, false
	}
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM flows WHERE tenant_id = $1 AND id = $2 AND token_hash = $3`,
		tx.Tenant, flowID, held[i].Hash()).Scan(&n)
	return held[i], err == nil && n == 1
}

// PressLink finishes a sign-in by its link, only in the browser that began it. Anywhere
// else it signs no one in: both browsers stay as they were. Links that no one was sent
// cost their source a try. held are the sign-ins that the browser has under way; ref is the
// one of them that the link belongs to.
func (s *Service) PressLink(
	ctx context.Context, link secret.Reference, held []secret.Reference, remember bool, v session.Visitor,
) (ref secret.Reference, step Step, err error) {
	known := false
	err = s.DB.InTx(ctx, link.Tenant, func(tx *db.Tx) error {
		c, f, err := s.followLink(ctx, tx, link)
		if err != nil || f == nil {
			return err
		}
		known = true
		began := false
		if ref, began = beganHere(ctx, tx, held, f.ID); !began {
			return nil
		}
		if linkState(c, f, tx.Now) != outofband.LinkElsewhere {
			return s.expire(ctx, tx, f)
		}
		step, err = s.judge(ctx, tx, f, authenticator.Response{LinkToken: link.Token.Reveal()}, remember, v)
		step, err = f.writePending(ctx, tx, step, err)
		return err
	})
	if err == nil && !known {
		err = ratelimit.Spend(ctx, s.DB, db.Installation, outofband.WrongLinks, v.Network())
	}
	if err == nil && step == nil {
		err = errInvalidLink
	}
	return ref, step, err
}

var errInvalidLink = fault.New(fault.NotFound, "link.invalid")

// expire closes what has run out when someone tries to use it, so that a clock that goes
// back does not bring it to life again (SEC-140).
func (s *Service) expire(ctx context.Context, tx *db.Tx, f *activeFlow) error {
	if !tx.Now.Before(f.ExpiresAt) {
		if _, err := f.close(ctx, tx, flow.Expired); err != nil {
			return err
		}
	}
	if f.Challenge.ID == "" || tx.Now.Before(f.Challenge.ExpiresAt) {
		return nil
	}
	return challenge.CloseOpen(ctx, tx, f.ID, challenge.Expired)
}
