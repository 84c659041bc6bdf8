package passkey

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// offer is a challenge that travels with the page, sealed, because nothing is stored before
// someone has shown something.
type offer struct {
	Challenge []byte `json:"c"`
	Ends      int64  `json:"e"` // microseconds
}

// Offer asks anyone who has a passkey for it. The options are the same for everyone
// (SEC-98). The token opens in the browser that holds the same cookie.
func (v *Verifier) Offer(now time.Time, browser string) (options []byte, token string, ends time.Time) {
	o := offer{newChallenge(), db.Micros(now.Add(Life))}
	plain, err := json.Marshal(o)
	if err != nil {
		return nil, "", ends
	}
	sealed := v.keys.Seal(plain, offerPlace(browser)...)
	return v.request(o.Challenge, protocol.VerificationRequired, nil), encode(sealed), now.Add(Life)
}

func offerPlace(browser string) []string {
	return []string{"passkey", "offer", string(secret.Hash(browser))}
}

func encode(b []byte) string { return protocol.URLEncodedBase64(b).String() }

// Offered is an offer that came back in time and from its browser.
type Offered struct {
	challenge []byte
	ends      time.Time
}

// maxToken bounds an offer as it travels, in bytes.
const maxToken = 512

// Take reads an offer; ok is false for one that is too old or was made for another browser.
func (v *Verifier) Take(token, browser string, now time.Time) (o Offered, ok bool) {
	var sealed protocol.URLEncodedBase64
	if len(token) > maxToken || sealed.UnmarshalJSON([]byte(`"`+token+`"`)) != nil {
		return o, false
	}
	plain, err := v.keys.Open(sealed, offerPlace(browser)...)
	var in offer
	if err != nil || json.Unmarshal(plain, &in) != nil {
		return o, false
	}
	return Offered{in.Challenge, db.Time(in.Ends)}, db.Micros(now) < in.Ends
}

// Alone judges an answer to an offer, given without a password. s is nil where no one has
// the credential that it names. Nothing is read or written.
func (v *Verifier) Alone(o Offered, tenant, userID string, s *Stored, a Answer) Found {
	if s == nil {
		return v.unknownCredential(o.challenge, a)
	}
	return v.judge(o.challenge, v.handle(tenant, userID), *s, a, true)
}

// SpendAlone makes a right answer to an offer count once over the whole installation, in
// tx of the account's company.
func (v *Verifier) SpendAlone(ctx context.Context, tx *db.Tx, o Offered, userID string, s Stored,
	f Found) (authenticator.Verdict, error) {
	n, err := tx.Exec(ctx, `INSERT INTO spent_challenges (hash, expires_at) VALUES ($1, $2)
		ON CONFLICT DO NOTHING`, credentialKey(o.challenge), o.ends)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("spend challenge: %w", err)
	}
	if n == 0 {
		return wrong(Used), nil
	}
	return spend(ctx, tx, userID, s, o.challenge, f)
}

// Alarm records that two devices seem to hold one key.
func Alarm(ctx context.Context, tx *db.Tx, userID string, s Stored) error {
	return alarm(ctx, tx, userID, s.AuthenticatorID)
}
