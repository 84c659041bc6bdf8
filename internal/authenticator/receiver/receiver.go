// Package receiver verifies and binds browsers that receive codes by Web Push. It owns their
// subscriptions, sealed, and takes a receiver out of use when its push service says that it
// is gone. A code is only ever typed into the browser that signs in: it refuses to let a
// receiver approve anything (SEC-9).
package receiver

import (
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
	"countersign/internal/secret"
)

// Verifier sends codes to receivers, binds them and forgets them.
type Verifier struct {
	Keys   *secret.Keys
	Queue  *message.Queue
	Limits config.Limits
	Mask   func(address string) string // how a mail address may be shown
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

// Begin queues the push in the transaction that remembers the code's keyed hash.
func (v Verifier) Begin(ctx context.Context, tx *db.Tx, a authenticator.Authenticator, s authenticator.Setting) (authenticator.Opening, error) {
	to, err := v.load(ctx, tx, a.UserID, a.ID)
	if err != nil {
		return authenticator.Opening{}, err
	}
	key := v.Keys.Current()
	code := v.code(key, s.ChallengeID)
	id, err := v.send(ctx, tx, a.UserID, s.Purpose, s.Language, push.Address{Receiver: a.ID, Subscription: to}, push.Code{
		Vendor: s.Vendor, AppName: s.AppName, Company: s.Company, Code: code, Reference: s.Reference,
		IP: s.IP, Place: s.Place, Browser: s.Browser, At: s.IssuedAt, ExpiresAt: s.ExpiresAt,
	})
	if err != nil {
		return authenticator.Opening{}, err
	}
	return authenticator.Opening{State: v.Keys.MACBy(key, macPurpose, setting(tx.Tenant, a, s, code)...), MessageID: id}, nil
}

// Verify compares a typed code with what is remembered. Spending is the close of the
// challenge, which is its caller's guarded write.
func (v Verifier) Verify(_ context.Context, tx *db.Tx, a authenticator.Authenticator, s authenticator.Setting, state authenticator.State, r authenticator.Response) (authenticator.Verdict, error) {
	code, ok := authenticator.Canonical(r.Code, v.Limits.CodeLength)
	if !ok || !v.Keys.CheckMAC(state, macPurpose, setting(tx.Tenant, a, s, code)...) {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	return authenticator.Verdict{OK: true}, nil
}

const macPurpose = "receiver"

// setting is everything that a code is good for; in any other setting it is wrong (SEC-14).
func setting(tenant string, a authenticator.Authenticator, s authenticator.Setting, code string) []string {
	return []string{tenant, a.UserID, a.ID, s.FlowID, s.ChallengeID, s.Purpose, string(authenticator.Push), s.Destination, code}
}

// code is drawn anew each time: nobody keeps what it follows from.
func (v Verifier) code(key, of string) string {
	token, _ := secret.NewToken()
	return v.Keys.DerivedCode(key, v.Limits.CodeLength, token, string(authenticator.Push), of)
}

func (v Verifier) send(ctx context.Context, tx *db.Tx, userID, purpose, language string, to push.Address, c push.Code) (id string, err error) {
	id, err = v.Queue.Put(ctx, tx, message.Outgoing{
		UserID: userID, Channel: push.Channel, Purpose: purpose, To: to.Text(), Hint: Address(to.Receiver),
		Language: language, Template: push.Template, Data: c, ExpiresAt: c.ExpiresAt,
	})
	if err != nil {
		return "", fmt.Errorf("queue code: %w", err)
	}
	return id, nil
}

// Address names a receiver where an address is counted or shown: nobody can send to it.
func Address(id string) string { return "push:" + id }

func place(tenant, id string) []string { return []string{"push_subscriptions", "sealed", tenant, id} }

func (v Verifier) load(ctx context.Context, tx *db.Tx, userID, id string) (s push.Subscription, err error) {
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT sealed FROM push_subscriptions WHERE tenant_id = $1 AND authenticator_id = $2 AND user_id = $3 AND gone_at = 0`, tx.Tenant, id, userID).Scan(&sealed)
	if db.IsNoRows(err) {
		return s, ErrGone
	}
	if err != nil {
		return s, fmt.Errorf("load receiver: %w", err)
	}
	return v.open(tx.Tenant, id, sealed)
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
