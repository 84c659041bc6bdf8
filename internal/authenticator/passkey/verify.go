package passkey

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// asked is what is remembered of a challenge. The challenge is no secret; what it is good
// for follows from the keyed hash.
type asked struct {
	Challenge []byte                          `json:"challenge"`
	Ends      int64                           `json:"ends"` // microseconds
	Bound     []byte                          `json:"bound"`
	Allowed   []protocol.CredentialDescriptor `json:"allowed,omitempty"`
	Options   json.RawMessage                 `json:"options,omitempty"` // of a set-up
}

// The two ceremonies; a challenge of one is wrong in the other.
const (
	toGet    = "get"
	toCreate = "create"
)

func (v *Verifier) ask(now time.Time, before time.Time, what ...string) asked {
	ends := now.Add(Life)
	if before.Before(ends) {
		ends = before
	}
	c := newChallenge()
	return asked{Challenge: c, Ends: db.Micros(ends), Bound: v.keys.MAC("passkey", append(what, string(c))...)}
}

// unfit says why a state cannot be answered here and now; empty when it can.
func (v *Verifier) unfit(state authenticator.State, now time.Time, what ...string) (a asked, why string) {
	if json.Unmarshal(state, &a) != nil || !v.keys.CheckMAC(a.Bound, "passkey", append(what, string(a.Challenge))...) {
		return a, Other
	}
	if db.Micros(now) >= a.Ends {
		return a, TimeOver
	}
	return a, ""
}

// setting is everything that an answer at sign-in is good for.
func setting(tenant string, userID string, s authenticator.ChallengeContext) []string {
	return []string{toGet, tenant, userID, s.FlowID, s.ChallengeID, s.Purpose}
}

// Begin asks for any of the user's passkeys. One statement.
func (v *Verifier) Begin(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	s authenticator.ChallengeContext) (o authenticator.IssuedChallenge, err error) {
	all, err := load(ctx, tx, a.UserID, usable)
	if err != nil {
		return o, fmt.Errorf("load passkeys: %w", err)
	}
	q := v.ask(tx.Now, s.ExpiresAt, setting(tx.Tenant, a.UserID, s)...)
	q.Allowed = descriptors(all)
	o.State, err = json.Marshal(q)
	return o, err
}

// Present is what the browser is asked with: PublicKeyCredentialRequestOptionsJSON (WebAuthn
// L3 §5.1.10); nil for a state that is none of ours.
func (v *Verifier) Present(state authenticator.State) []byte {
	var q asked
	if json.Unmarshal(state, &q) != nil || len(q.Challenge) == 0 {
		return nil
	}
	return v.request(q.Challenge, protocol.VerificationPreferred, q.Allowed)
}

func (v *Verifier) request(challenge []byte, uv protocol.UserVerificationRequirement,
	allowed []protocol.CredentialDescriptor) []byte {
	out, err := json.Marshal(protocol.PublicKeyCredentialRequestOptions{
		Challenge:          challenge,
		Timeout:            int(Life.Milliseconds()),
		RelyingPartyID:     v.rp.Config.RPID,
		AllowedCredentials: allowed,
		UserVerification:   uv,
	})
	if err != nil {
		return nil
	}
	return out
}

// Verify judges an assertion and makes it count once. Two statements.
func (v *Verifier) Verify(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	s authenticator.ChallengeContext, state authenticator.State,
	r authenticator.Response) (authenticator.Verdict, error) {
	answer, ok := Read(r.Assertion)
	if !ok {
		return wrong(Malformed), nil
	}
	q, why := v.unfit(state, tx.Now, setting(tx.Tenant, a.UserID, s)...)
	if why == "" && !has(q.Allowed, answer.parsed.RawID) {
		why = Unknown
	}
	if why != "" {
		return wrong(why), nil
	}
	stored, found, err := find(ctx, tx, a.UserID, answer.Key())
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("find passkey: %w", err)
	}
	if !found {
		return wrong(Unknown), nil
	}
	return spend(ctx, tx, a.UserID, stored, q.Challenge,
		v.judge(q.Challenge, v.handle(tx.Tenant, a.UserID), stored, answer, false))
}

// wrong is a refusal with what the person can do about it.
func wrong(reason string) authenticator.Verdict {
	return authenticator.Verdict{Reason: reason, Notice: advice[reason]}
}

// spend writes what was found.
func spend(ctx context.Context, tx *db.Tx, userID string, s Stored, challenge []byte,
	f Found) (authenticator.Verdict, error) {
	if f.Reason == Cloned {
		verdict := wrong(Cloned)
		verdict.AuthenticatorID = s.AuthenticatorID
		return verdict, alarm(ctx, tx, userID, s.AuthenticatorID)
	}
	if !f.OK {
		return wrong(f.Reason), nil
	}
	first, err := advance(ctx, tx, s, f, challenge)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("spend passkey: %w", err)
	}
	if !first {
		return wrong(Used), nil
	}
	return authenticator.Verdict{OK: true, AuthenticatorID: s.AuthenticatorID, Proof: f.Kind}, nil
}
