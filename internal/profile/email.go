package profile

import (
	"context"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// UndoWithin is how long anyone who reads the old mailbox can undo a change of address (SEC-42).
const UndoWithin = 72 * time.Hour

const purposeAddress = "address.code"

var (
	errSameAddress = fault.New(fault.Invalid, "email.problem.same")
	errMails       = fault.New(fault.RateLimited, "email.problem.limit")
	errTaken       = fault.New(fault.Conflict, "email.problem.taken")
)

// ErrNoChange says that the owner has no change of address under way.
var ErrNoChange = user.ErrNoChange

// AskEmail begins a change of the owner's address, in place of one that is under way: a code
// goes to the new one, and nothing else happens. What is no address is Invalid, too many
// mails are RateLimited. An address that someone has is answered alike, and its reader is
// told instead of getting a code. The browser that holds what comes back, and no other, sees
// the change and can confirm it: a copy of the session's cookie is not enough.
func (s *Service) AskEmail(ctx context.Context, o Owner, typed string) (begun secret.Reference, err error) {
	to, err := s.checkNewAddress(o, typed)
	if err != nil {
		return begun, err
	}
	err = s.change(ctx, o, o.event(audit.AddressAsked, audit.OK, "", ""), func(tx *db.Tx) error {
		if err := s.mayGuess(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if err := s.spendMail(ctx, tx, o.User.ID, to); err != nil {
			return err
		}
		c, code := s.newChange(tx, o, to)
		begun = secret.Reference{Tenant: tx.Tenant, ID: c.ID}
		begun.Token, c.TokenHash = secret.NewToken()
		if err := s.sendCode(ctx, tx, o, c, code); err != nil {
			return err
		}
		return user.AskAddress(ctx, tx, o.User, c)
	})
	return begun, err
}

// limitWrong bounds wrong codes for new addresses as it bounds those of second steps: with a
// new change after every five, someone could else guess an address that is not theirs.
func (s *Service) limitWrong() ratelimit.Limit {
	return ratelimit.Limit{Name: "address.account", Windows: []ratelimit.Window{
		{Count: s.Limits.SecondFactorFailuresPerDay, Per: 24 * time.Hour},
		{Count: s.Limits.PerMonth, Per: 30 * 24 * time.Hour}}}
}

// mayGuess fails where an account has seen too many wrong codes for another change.
func (s *Service) mayGuess(ctx context.Context, tx *db.Tx, userID string) error {
	wrong, err := ratelimit.Read(ctx, tx, ratelimit.BudgetKey{
		Tenant:  tx.Tenant,
		Limit:   s.limitWrong(),
		Subject: userID,
	})
	if err != nil {
		return err
	}
	if wait := wrong[0].Wait(tx.Now); wait > 0 {
		return errMails.After(wait)
	}
	return nil
}

// checkNewAddress checks an address that someone typed.
func (s *Service) checkNewAddress(o Owner, typed string) (to string, err error) {
	if err := user.CheckReachable(typed, s.SMTPUTF8); err != nil {
		return "", err
	}
	to, key, err := user.CleanAddress(typed)
	if err != nil {
		return "", err
	}
	if own, err := user.EmailKey(o.User.Email); err == nil && own == key {
		return "", errSameAddress
	}
	return to, nil
}

// spendMail counts a mail against the codes of the account, and against what this may send
// to one address, however it is spelt. The codes that its owner signs in with are counted
// apart: a stranger must not use them up (ATK-012).
func (s *Service) spendMail(ctx context.Context, tx *db.Tx, userID, to string) error {
	key, err := user.EmailKey(to)
	if err != nil {
		return err
	}
	limit := func(name string) ratelimit.Limit {
		return ratelimit.Limit{Name: name,
			Windows: []ratelimit.Window{{Count: s.Limits.SendsPerHour, Per: time.Hour},
				{Count: s.Limits.SendsPerDay, Per: 24 * time.Hour}}}
	}
	sends, err := ratelimit.Read(ctx, tx,
		ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limit("send.account"), Subject: userID},
		ratelimit.BudgetKey{
			Tenant:  db.Installation,
			Limit:   limit("address.destination"),
			Subject: outofband.DestinationSubject(s.Keys, key),
		})
	if err != nil {
		return err
	}
	if err := sends.Lock(ctx, tx); err != nil {
		return err
	}
	if wait := sends.Spend(tx); wait > 0 {
		return errMails.After(wait)
	}
	return sends.Write(ctx, tx)
}

// newChange makes a change and its code, which is good for that change, that person and that
// address only.
func (s *Service) newChange(tx *db.Tx, o Owner, to string) (user.Change, string) {
	v := o.Visitor
	c := user.Change{
		ID:        tx.NewID(),
		UserID:    o.User.ID,
		FlowID:    o.FlowID,
		From:      o.User.Email,
		To:        to,
		Reference: secret.NewReference(),
		TriesLeft: s.Limits.WrongAnswers,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
		BegunAt:   tx.Now,
		EndsAt:    tx.Now.Add(s.Limits.CodeTTL),
	}
	token, _ := secret.NewToken() // no one gets it: there is no link
	key := s.Keys.Current()
	code := s.Keys.DerivedCode(key, s.Limits.CodeLength, token, purposeAddress, c.ID)
	c.CodeMAC = s.Keys.MACBy(key, purposeAddress, codeIs(tx, c, code)...)
	return c, code
}

func codeIs(tx *db.Tx, c user.Change, code string) []string {
	return []string{tx.Tenant, c.UserID, c.ID, c.From, c.To, code}
}

// sendCode writes to the new address. One that someone has gets no code: its reader is told
// at the address that we know, which may be spelt otherwise (ATK-093).
func (s *Service) sendCode(ctx context.Context, tx *db.Tx, o Owner, c user.Change, code string) error {
	var content email.Content = email.AddressCode{
		Vendor:    o.Vendor,
		Company:   o.Company,
		Code:      code,
		Reference: c.Reference,
		IP:        c.IP,
		Place:     c.Place,
		Browser:   c.Browser,
		At:        tx.Now,
		ExpiresAt: c.EndsAt,
	}
	to, language := c.To, o.User.Language
	holder, err := user.ByEmail(ctx, tx, c.To)
	switch {
	case err == nil:
		to, language = holder.Email, holder.Language
		content = email.AddressTaken{
			Vendor:  o.Vendor,
			IP:      c.IP,
			Place:   c.Place,
			Browser: c.Browser,
			At:      tx.Now,
		}
	case !fault.Is(err, fault.NotFound):
		return err
	}
	_, err = s.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    o.User.ID,
		Channel:   "email",
		Purpose:   purposeAddress,
		To:        to,
		Hint:      outofband.Mask(c.To),
		Language:  language,
		Template:  email.Template(content),
		Data:      content,
		ExpiresAt: c.EndsAt,
	})
	return err
}

// PendingEmail is the change of address that the owner has under way in this browser;
// ErrNoChange where there is none. A new password, another address or a closed account make it void.
func (s *Service) PendingEmail(ctx context.Context, o Owner) (c user.Change, err error) {
	err = s.DB.View(ctx, o.User.TenantID, func(tx *db.Tx) error {
		c, err = user.PendingChange(ctx, tx, o.User, o.Held)
		return err
	})
	return c, err
}

// WithdrawEmail ends the change that the owner has under way in this browser; ErrNoChange
// where there is none.
func (s *Service) WithdrawEmail(ctx context.Context, o Owner) error {
	return s.change(ctx, o, o.event(audit.AddressWithdrawn, audit.OK, "", ""), func(tx *db.Tx) error {
		if _, err := user.PendingChange(ctx, tx, o.User, o.Held); err != nil {
			return err
		}
		first, err := user.CloseChange(ctx, tx, o.User.ID, user.Withdrawn)
		if err == nil && !first {
			err = ErrNoChange
		}
		return err
	})
}

// ConfirmEmail judges the code of a change and, when it is right, moves the account to the
// new address: everything that was open ends, but for the session in which it is done, and
// every address of the account is told. A wrong one costs a try and is a verdict; triesLeft
// says how many there are. NotFound where the change is over or began in another browser, Conflict
// where the address has become someone else's.
func (s *Service) ConfirmEmail(ctx context.Context, o Owner, id, typed string) (v authenticator.Verdict,
	triesLeft int, err error) {
	err = s.inSession(ctx, o, func(tx *db.Tx) error {
		c, err := user.TryChange(ctx, tx, o.User, id, o.Held.Hash(tx.Tenant, id))
		if err != nil {
			return err
		}
		v, triesLeft = authenticator.Verdict{}, c.TriesLeft
		code, ok := authenticator.Canonical(typed, s.Limits.CodeLength)
		if !ok || !s.Keys.CheckMAC(c.CodeMAC, purposeAddress, codeIs(tx, c, code)...) {
			v.Reason = "wrong_code"
			if _, err := ratelimit.SpendIn(ctx, tx, s.limitWrong(), o.User.ID); err != nil {
				return err
			}
			return s.recordEvent(ctx, tx, o, audit.Failed, v.Reason, c.ID)
		}
		v.OK = true
		return s.applyChange(ctx, tx, o, c)
	})
	if fault.Is(err, fault.Conflict) {
		return v, 0, s.giveUp(ctx, o, id)
	}
	return v, triesLeft, err
}

// applyChange makes the new address the account's.
func (s *Service) applyChange(ctx context.Context, tx *db.Tx, o Owner, c user.Change) error {
	before, err := user.ChangesOf(ctx, tx, o.User.ID)
	if err != nil {
		return err
	}
	c.UndoUntil = tx.Now.Add(UndoWithin)
	back, err := user.Settle(ctx, tx, before, c.To)
	if err != nil {
		return err
	}
	if back {
		c.UndoUntil = tx.Now
	}
	if err := user.MoveAddress(ctx, tx, o.User, c, c.UndoUntil); err != nil {
		return err
	}
	if err := outofband.FollowProved(ctx, tx, o.User.ID, c.To); err != nil {
		return err
	}
	if err := session.Carry(ctx, tx, o.SessionID, o.User.SecurityVersion, o.User.SecurityVersion+1); err != nil {
		return err
	}
	if err := session.EndOthers(ctx, tx, o.User.ID, o.SessionID, session.AddressChanged); err != nil {
		return err
	}
	if err := s.recordEvent(ctx, tx, o, audit.OK, "", c.ID); err != nil {
		return err
	}
	return s.sendAddressNotices(ctx, tx, o, c, before)
}

// giveUp ends a change whose address has become someone else's since the code was sent.
// Anyone who typed the code reads that mailbox, so that it tells them nothing new.
func (s *Service) giveUp(ctx context.Context, o Owner, id string) error {
	err := s.change(ctx, o, o.event(audit.AddressChanged, audit.Refused, "taken", id), func(tx *db.Tx) error {
		return user.GiveUp(ctx, tx, o.User.ID, id)
	})
	if err == nil {
		err = errTaken
	}
	return err
}

// sendAddressNotices notifies the new address, the old one, and those that may still be restored.
// Each old one gets a link of its own that brings it back: the newest, which lasts longest.
func (s *Service) sendAddressNotices(
	ctx context.Context, tx *db.Tx, o Owner, c user.Change, before []user.Change,
) error {
	v := o.Visitor
	news := email.AddressChanged{
		Vendor:  o.Vendor,
		Company: o.Company,
		Old:     outofband.Mask(c.From),
		New:     outofband.Mask(c.To),
		IP:      v.IP,
		Place:   v.Place,
		Browser: v.Browser,
		At:      tx.Now,
	}
	told := map[string]bool{c.To: true}
	news.NotMeLink = outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, o.FlowID)
	for _, old := range slices.Backward(append(before, c)) {
		if told[old.From] {
			continue
		}
		told[old.From] = true
		letter := news
		if letter.Left = true; old.UndoUntil.After(tx.Now) {
			letter.UndoLink, letter.UndoUntil,
				letter.NotMeLink = outofband.UndoLink(s.Origin, s.Keys, tx.Tenant, old.ID), old.UndoUntil, ""
		}
		if err := s.Notifier.SendToAddresses(ctx, tx, o.User, []string{old.From}, addressNotice(letter)); err != nil {
			return err
		}
	}
	return s.Notifier.SendToAddresses(ctx, tx, o.User, []string{c.To}, addressNotice(news))
}

func addressNotice(c email.AddressChanged) notify.Notice {
	return notify.Notice{Purpose: "address.changed", Content: c}
}
