// Package receiver verifies and binds browsers that receive codes by Web Push. It owns their
// subscriptions, sealed, and takes a receiver out of use when its push service says that it
// is gone. A code is only ever typed into the browser that signs in: it refuses to let a
// receiver approve anything (SEC-9).
package receiver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"countersign/internal/authenticator"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/message/push"
	"countersign/internal/notify"
	"countersign/internal/secret"
)

// Verifier sends codes to receivers, binds them and forgets them.
type Verifier struct {
	Keys     *secret.Keys
	Queue    *message.Queue
	Notifier *notify.Notifier
	Limits   config.Limits
}

// ErrGone says that a receiver takes no codes any more. Nothing was sent; other methods can
// be offered.
var ErrGone = fault.New(fault.Unavailable, "receiver.problem.gone")

// What a code can be wrong for, in the audit log.
const (
	wrongCode   = "wrong_code"
	expired     = "expired"
	alreadyUsed = "already_used"
)

// purposeBinding is what a code is good for that proves a new receiver, and nothing else.
const purposeBinding = "binding.code"

// Begin queues one code for every receiver of the account that still takes any, each sealed
// for its own browser, in the transaction that remembers the code's keyed hash. The person
// reads it on whichever is at hand. It fails with ErrGone where there is none.
func (v Verifier) Begin(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	s authenticator.ChallengeContext) (o authenticator.IssuedChallenge, err error) {
	all, err := v.usable(ctx, tx, a.UserID)
	if err != nil {
		return o, err
	}
	if len(all) == 0 {
		return o, ErrGone
	}
	key := v.Keys.Current()
	code := v.code(key, s.ChallengeID)
	for _, to := range all {
		id, err := v.send(ctx, tx, sending{
			userID:   a.UserID,
			purpose:  s.Purpose,
			language: s.Language,
			to:       to,
			copyOf:   o.MessageID,
		}, push.Code{
			Vendor:    s.Vendor,
			AppName:   s.AppName,
			Company:   s.Company,
			Code:      code,
			Reference: s.Reference,
			IP:        s.IP,
			Place:     s.Place,
			Browser:   s.Browser,
			At:        s.IssuedAt,
			ExpiresAt: s.ExpiresAt,
		})
		if err != nil {
			return o, err
		}
		o.MessageID = cmp.Or(o.MessageID, id)
	}
	o.State = v.Keys.MACBy(key, macPurpose, setting(tx.Tenant, a, s, code)...)
	return o, nil
}

// Verify compares a typed code with what is remembered. Spending is the close of the
// challenge, which is its caller's guarded write.
func (v Verifier) Verify(_ context.Context, tx *db.Tx, a authenticator.Authenticator, s authenticator.ChallengeContext,
	state authenticator.State, r authenticator.Response) (authenticator.Verdict, error) {
	code, ok := authenticator.Canonical(r.Code, v.Limits.CodeLength)
	if !ok || !v.Keys.CheckMAC(state, macPurpose, setting(tx.Tenant, a, s, code)...) {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	return authenticator.Verdict{OK: true}, nil
}

const macPurpose = "receiver"

// setting is everything that a code is good for; in any other setting it is wrong (SEC-14).
func setting(tenant string, a authenticator.Authenticator, s authenticator.ChallengeContext, code string) []string {
	return []string{tenant, a.UserID, a.ID, s.FlowID, s.ChallengeID, s.Purpose, string(authenticator.Push),
		s.Destination, code}
}

// code is drawn anew each time: no one keeps what it follows from.
func (v Verifier) code(key, of string) string {
	token, _ := secret.NewToken()
	return v.Keys.DerivedCode(key, v.Limits.CodeLength, token, string(authenticator.Push), of)
}

// sending is one push to one receiver.
type sending struct {
	userID, purpose, language string
	to                        push.Address
	copyOf                    string // the first message of the same code; empty: this is it
}

func (v Verifier) send(ctx context.Context, tx *db.Tx, s sending, c push.Code) (id string, err error) {
	id, err = v.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    s.userID,
		Channel:   push.Channel,
		Purpose:   s.purpose,
		To:        s.to.Text(),
		Hint:      Address(s.to.Receiver),
		Language:  s.language,
		Template:  push.Template,
		Data:      c,
		ExpiresAt: c.ExpiresAt,
		CopyOf:    s.copyOf,
	})
	if err != nil {
		return "", fmt.Errorf("queue code: %w", err)
	}
	return id, nil
}

// Address names a receiver where an address is counted or shown: no one can send to it.
func Address(id string) string { return "push:" + id }

func place(tenant, id string) []string { return []string{"push_subscriptions", "sealed", tenant, id} }

// usable are the receivers of a person that take codes, oldest first.
func (v Verifier) usable(ctx context.Context, tx *db.Tx, userID string) ([]push.Address, error) {
	rows, err := tx.Query(ctx, `
		SELECT p.authenticator_id, p.sealed FROM push_subscriptions p
			JOIN authenticators a ON a.tenant_id = p.tenant_id AND a.id = p.authenticator_id
		WHERE p.tenant_id = $1 AND p.user_id = $2 AND p.gone_at = 0 AND a.disabled_at = 0
			ORDER BY a.bound_at, a.id`, tx.Tenant, userID)
	out, err := db.Collect(rows, err, func(row db.Row) (to push.Address, err error) {
		var sealed []byte
		if err := row.Scan(&to.Receiver, &sealed); err != nil {
			return to, err
		}
		to.Subscription, err = v.open(tx.Tenant, to.Receiver, sealed)
		return to, err
	})
	if err != nil {
		return nil, fmt.Errorf("list receivers: %w", err)
	}
	return out, nil
}

func (v Verifier) open(tenant, id string, sealed []byte) (s push.Subscription, err error) {
	plain, err := v.Keys.Open(sealed, place(tenant, id)...)
	if err != nil {
		return s, fmt.Errorf("open receiver: %w", err)
	}
	if json.Unmarshal(plain, &s) != nil {
		return s, errors.New("a receiver's subscription is not readable")
	}
	return s, nil
}
