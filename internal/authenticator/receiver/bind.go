package receiver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/push"
	"countersign/internal/ratelimit"
)

var (
	errSubscription = fault.New(fault.Invalid, "receiver.problem.subscription")
	errTwice        = fault.New(fault.Conflict, "receiver.problem.twice")
	errMany         = fault.New(fault.Conflict, "receiver.problem.many")
	errTooMany      = fault.New(fault.RateLimited, "receiver.problem.limit")
)

// proposed is what a set-up remembers.
type proposed struct {
	Subscription push.Subscription
	MAC          []byte
	MessageID    string
	Length       int
	Ends         time.Time
}

// Card is what a page shows while a receiver is being proved.
type Card struct {
	MessageID string // for message.Delivery
	Length    int    // digits of the code
	Ends      time.Time
}

// Show reads the draft of a receiver.
func Show(d authenticator.PendingEnrollment) (Card, error) {
	p, err := read(d)
	return Card{MessageID: p.MessageID, Length: p.Length, Ends: p.Ends}, err
}

func read(d authenticator.PendingEnrollment) (p proposed, err error) {
	if json.Unmarshal(d.State, &p) != nil || p.Length == 0 {
		return p, errors.New("the draft is not that of a receiver")
	}
	return p, nil
}

// Propose sends a code to the browser whose subscription is wish, as PushSubscription.toJSON
// gives it. It fails with an Invalid fault for anything else, and with Conflict where this
// person's codes go there already.
func (v Verifier) Propose(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	wish string) (authenticator.State, error) {
	s, err := push.Read(wish)
	if err != nil {
		return nil, errSubscription
	}
	if err := v.checkNew(ctx, tx, who.UserID, s.Endpoint); err != nil {
		return nil, err
	}
	if err := v.spendBudget(ctx, tx, who.UserID); err != nil {
		return nil, err
	}
	key := v.Keys.Current()
	code := v.code(key, d.ID)
	p := proposed{Subscription: s, Length: v.Limits.CodeLength, Ends: tx.Now.Add(v.Limits.CodeTTL)}
	p.MAC = v.Keys.MACBy(key, macPurpose, binding(tx.Tenant, who, d, s.Endpoint, code)...)
	p.MessageID, err = v.send(ctx, tx, sending{
		userID:   who.UserID,
		purpose:  purposeBinding,
		language: who.Language,
		to:       push.Address{Receiver: d.ID, Subscription: s},
	}, push.Code{
		Vendor:    who.Vendor,
		Company:   who.Company,
		Code:      code,
		Binding:   true,
		IP:        who.IP,
		Place:     who.Place,
		Browser:   who.Browser,
		At:        tx.Now,
		ExpiresAt: p.Ends,
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

func binding(tenant string, who authenticator.Subject, d authenticator.PendingEnrollment, endpoint,
	code string) []string {
	return []string{tenant, who.UserID, d.ID, purposeBinding, string(authenticator.Push), endpoint, code}
}

// most is how many receivers one person may have: each code goes to all of them.
const most = 10

// checkNew fails where a usable receiver of the same person is the same browser, or where
// there are as many as there may be.
func (v Verifier) checkNew(ctx context.Context, tx *db.Tx, userID, endpoint string) error {
	all, err := v.usable(ctx, tx, userID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(a push.Address) bool { return a.Subscription.Endpoint == endpoint }) {
		return errTwice
	}
	if len(all) >= most {
		return errMany
	}
	return nil
}

// spendBudget counts the push against the messages of the account, as a sign-in's are.
func (v Verifier) spendBudget(ctx context.Context, tx *db.Tx, userID string) error {
	wait, err := ratelimit.SpendIn(ctx, tx, ratelimit.Limit{Name: "send.account", Windows: []ratelimit.Window{
		{Count: v.Limits.SendsPerHour, Per: time.Hour}, {Count: v.Limits.SendsPerDay, Per: 24 * time.Hour},
	}}, userID)
	if err == nil && wait > 0 {
		err = errTooMany.After(wait)
	}
	return err
}

// Confirm judges the code that arrived, and stores where codes go from now on.
func (v Verifier) Confirm(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	r authenticator.Response) (authenticator.Verdict, error) {
	p, err := read(d)
	if err != nil {
		return authenticator.Verdict{}, err
	}
	code, ok := authenticator.Canonical(r.Code, v.Limits.CodeLength)
	if !ok || !v.Keys.CheckMAC(p.MAC, macPurpose, binding(tx.Tenant, who, d, p.Subscription.Endpoint, code)...) {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	if !tx.Now.Before(p.Ends) {
		return authenticator.Verdict{Reason: expired}, nil
	}
	first, err := v.store(ctx, tx, who.UserID, d.ID, p.Subscription)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("store receiver: %w", err)
	}
	if !first {
		return authenticator.Verdict{Reason: alreadyUsed}, nil
	}
	if d.Label == "" {
		_, err = tx.Exec(ctx, `UPDATE authenticators SET label = $1
			WHERE tenant_id = $2 AND id = $3 AND label = ''`, cmp.Or(who.Browser, "Browser"), tx.Tenant, d.ID)
	}
	return authenticator.Verdict{OK: true, AuthenticatorID: d.ID}, err
}

// store keeps the subscription, and the name under which its messages are counted.
func (v Verifier) store(ctx context.Context, tx *db.Tx, userID, id string,
	s push.Subscription) (first bool, err error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO push_subscriptions (tenant_id, authenticator_id, user_id, sealed, gone_at)
			VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (tenant_id, authenticator_id) DO NOTHING`, tx.Tenant, id, userID,
		v.Keys.Seal(plain, place(tx.Tenant, id)...))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
		VALUES ($1, $2, $3, $4)`, tx.Tenant, id, Address(id), tx.Now)
	return err == nil, err
}
