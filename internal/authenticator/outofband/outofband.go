// Package outofband verifies codes and links that are sent to an address. The code
// follows from the link's token and a key outside the database, so neither is ever
// stored: the row keeps the token's hash and the code's keyed hash, and one guarded close
// of the challenge spends both.
package outofband

import (
	"context"
	"fmt"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/phone"
	"countersign/internal/secret"
)

// Verifier sends codes over one channel.
type Verifier struct {
	Channel authenticator.Kind // authenticator.Email
	Keys    *secret.Keys
	Queue   *message.Queue
	Digits  int    // 6 or 8
	Origin  string // public origin, before the paths of the links in the message
}

// The paths of the links in a message, before the reference.
const (
	LinkPath  = "/l/"
	NotMePath = "/not-me/"
)

// Begin queues the message in the transaction that remembers the code's hash.
func (v Verifier) Begin(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	s authenticator.ChallengeContext) (authenticator.IssuedChallenge, error) {
	to := s.Destination
	token, hash := secret.NewToken()
	key := v.Keys.Current() // one for both: another may seal a moment later
	code := v.code(key, token, s.ChallengeID)
	link := secret.Reference{Tenant: tx.Tenant, ID: s.ChallengeID, Token: token}.Text().Reveal()
	letter := email.SignInCode{
		Vendor:    s.Vendor,
		AppName:   s.AppName,
		Company:   s.Company,
		Code:      code,
		Reference: s.Reference,
		Link:      v.Origin + LinkPath + link,
		NotMeLink: NotMeLink(v.Origin, v.Keys, tx.Tenant, s.FlowID),
		IP:        s.IP,
		Place:     s.Place,
		Browser:   s.Browser,
		At:        s.IssuedAt,
		ExpiresAt: s.ExpiresAt,
	}
	id, err := v.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    a.UserID,
		Channel:   string(v.Channel),
		Purpose:   s.Purpose,
		To:        to,
		Hint:      Mask(to),
		Language:  s.Language,
		Template:  email.Template(letter),
		Data:      letter,
		ExpiresAt: s.ExpiresAt,
	})
	if err != nil {
		return authenticator.IssuedChallenge{}, fmt.Errorf("queue code: %w", err)
	}
	return authenticator.IssuedChallenge{State: append(hash, v.mac(key, tx.Tenant, a, s, code)...), MessageID: id}, nil
}

// NotMeLink is the address at which the owner of an account says that a flow was not
// theirs. It is another token than the link's, so that it can end a sign-in and not
// finish one.
func NotMeLink(origin string, keys *secret.Keys, tenant, flowID string) string {
	return origin + NotMePath + secret.Reference{
		Tenant: tenant,
		ID:     flowID,
		Token:  keys.Token("not-me", tenant, flowID),
	}.Text().Reveal()
}

func (v Verifier) code(keyID string, token secret.Text, challengeID string) string {
	return v.Keys.DerivedCode(keyID, v.Digits, token, string(v.Channel), challengeID)
}

// binding is everything that a code is good for; in any other setting it is wrong.
func (v Verifier) binding(tenant string, a authenticator.Authenticator, s authenticator.ChallengeContext,
	code string) []string {
	return []string{tenant, a.UserID, a.ID, s.FlowID, s.ChallengeID, s.Purpose, string(v.Channel), s.Destination, code}
}

func (v Verifier) mac(keyID, tenant string, a authenticator.Authenticator, s authenticator.ChallengeContext,
	code string) []byte {
	return v.Keys.MACBy(keyID, "outofband", v.binding(tenant, a, s, code)...)
}

const hashLength = 32

// Verify compares a typed code or a link's token with what is remembered. Spending is the
// close of the challenge, which is its caller's guarded write.
func (v Verifier) Verify(_ context.Context, tx *db.Tx, a authenticator.Authenticator, s authenticator.ChallengeContext,
	state authenticator.State, r authenticator.Response) (authenticator.Verdict, error) {
	if len(state) < hashLength {
		return authenticator.Verdict{Reason: "no_state"}, nil
	}
	if r.LinkToken != "" {
		ok := secret.Equal(state[:hashLength], secret.Hash(r.LinkToken))
		return authenticator.Verdict{OK: ok, Reason: reason(ok, "wrong_link")}, nil
	}
	code, ok := Canonical(r.Code, v.Digits)
	ok = ok && v.Keys.CheckMAC(state[hashLength:], "outofband", v.binding(tx.Tenant, a, s, code)...)
	return authenticator.Verdict{OK: ok, Reason: reason(ok, "wrong_code")}, nil
}

func reason(ok bool, wrong string) string {
	if ok {
		return ""
	}
	return wrong
}

// CodeOf returns the code that belongs to a link's token, for the browser that may only
// show it. It is empty for a token that is not this challenge's.
func (v Verifier) CodeOf(state authenticator.State, challengeID, token string) string {
	if len(state) < hashLength || !secret.Equal(state[:hashLength], secret.Hash(token)) {
		return ""
	}
	return v.code(secret.KeyOf(state[hashLength:]), secret.Text(token), challengeID)
}

// Canonical is authenticator.Canonical.
func Canonical(typed string, n int) (string, bool) { return authenticator.Canonical(typed, n) }

// Bind gives a user an authenticator for a verified address.
func Bind(ctx context.Context, tx *db.Tx, userID string, channel authenticator.Kind,
	address string) (authenticator.Authenticator, error) {
	a, err := authenticator.Bind(ctx, tx, userID, channel, MaskOwn(address))
	if err != nil {
		return a, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
		VALUES ($1, $2, $3, $4)`, tx.Tenant, a.ID, address, tx.Now)
	return a, err
}

// Address is where an authenticator's codes go.
func Address(ctx context.Context, tx *db.Tx, authenticatorID string) (to string, err error) {
	err = tx.QueryRow(ctx, `SELECT address FROM outofband_addresses
		WHERE tenant_id = $1 AND authenticator_id = $2`, tx.Tenant, authenticatorID).Scan(&to)
	return to, err
}

// Mask shows enough of an address to be recognised by its owner, and the same number of
// stars for every length: m•••@h•••.example, +49 ••• ••67.
func Mask(address string) string {
	if strings.HasPrefix(address, "+") && !strings.Contains(address, "@") {
		return phone.Mask(address)
	}
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || domain == "" {
		return "•••"
	}
	host, top := domain, ""
	if i := strings.LastIndexByte(domain, '.'); i > 0 {
		host, top = domain[:i], domain[i:]
	}
	return first(local) + "•••@" + first(host) + "•••" + top
}

// dots stand for a local part of any length.
const dots = "•••"

// MaskOwn shows an email address to someone who gave the right password of its account: the
// domain tells which of several mailboxes to open. m•••@brightwater.example.
func MaskOwn(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || domain == "" {
		return "•••"
	}
	return first(local) + dots + "@" + domain
}

func first(s string) string { return string([]rune(s)[:1]) }
