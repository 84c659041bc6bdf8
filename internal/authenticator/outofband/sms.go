package outofband

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/sms"
	"countersign/internal/phone"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

// SMS sends codes to phones. It is a Verifier like that of email, without a link; and a
// Binder, which proves a number by the one message that goes to a number no one has proved
// yet (SEC-84).
type SMS struct {
	Verifier  // Channel is authenticator.SMS; Origin names the host in the last line
	Words     *locale.Catalog
	Meter     *sms.Meter
	Countries []string // whose numbers may be used, ISO 3166-1 alpha-2
	Limits    config.Limits
	Off       bool // the operator's emergency brake
}

// Why no message is sent, as Begin and Propose return it. Nothing was written or sent then,
// and other methods can be offered.
var (
	ErrCeiling = fault.New(fault.Unavailable, "sms.problem.ceiling")
	ErrOff     = fault.New(fault.Unavailable, "sms.problem.off")
	ErrCountry = fault.New(fault.Unavailable, "sms.problem.country")
	ErrPaused  = fault.New(fault.Unavailable, "sms.problem.paused")
)

var errTooMany = fault.New(fault.RateLimited, "sms.problem.limit")

// The keys of what must be said beside the set-up (NIST SP 800-63B-4 section 3.2.9: a restricted
// authenticator is offered with its risk and with an alternative).
const (
	NoticeTitle = "sms.notice.title"
	NoticeText  = "sms.notice.text"
)

// Begin queues the message in the transaction that remembers the code's keyed hash. It fails
// with ErrCeiling, ErrOff, ErrCountry or ErrPaused where no message may be sent.
func (v SMS) Begin(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	s authenticator.ChallengeContext) (authenticator.IssuedChallenge, error) {
	token, hash := secret.NewToken() // no one gets it: there is no link
	key := v.Keys.Current()
	code := v.code(key, token, s.ChallengeID)
	id, err := v.send(ctx, tx, text{
		userID:   a.UserID,
		purpose:  s.Purpose,
		to:       s.Destination,
		language: s.Language,
		expires:  s.ExpiresAt,
		Code:     sms.Code{Vendor: s.Vendor, Code: code, Reference: s.Reference},
	})
	if err != nil {
		return authenticator.IssuedChallenge{}, err
	}
	return authenticator.IssuedChallenge{State: append(hash, v.mac(key, tx.Tenant, a, s, code)...), MessageID: id}, nil
}

// text is one message to one number.
type text struct {
	sms.Code
	userID, purpose, to, language string
	expires                       time.Time
}

// CountriesOf are those whose numbers tx.Tenant takes: the installation's, narrowed by what
// the company's own list says.
func CountriesOf(ctx context.Context, tx *db.Tx, installation []string) ([]string, error) {
	own, err := tenant.CountriesOf(ctx, tx)
	return own.Within(installation), err
}

// served fails with ErrCountry for a number whose country is not, or no longer, among those
// that may be used: it was proved when the list was another.
func (v SMS) served(ctx context.Context, tx *db.Tx, n phone.Number) error {
	countries, err := CountriesOf(ctx, tx, v.Countries)
	if err == nil && !slices.Contains(countries, n.Region) {
		err = ErrCountry
	}
	return err
}

// send pays for a message and queues it.
func (v SMS) send(ctx context.Context, tx *db.Tx, t text) (id string, err error) {
	if v.Off {
		return "", ErrOff
	}
	number, err := phone.Of(t.to)
	if err != nil {
		return "", fmt.Errorf("send a text message: %w", err)
	}
	if err := v.served(ctx, tx, number); err != nil {
		return "", err
	}
	paused, err := v.Meter.Paused(ctx, tx, number)
	if err == nil && paused {
		err = ErrPaused
	}
	if err != nil {
		return "", err
	}
	t.Domain = host(v.Origin)
	ok, err := v.Meter.Reserve(ctx, tx, number, sms.Parts(sms.Render(v.Words.In(t.language), t.Code)))
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrCeiling
	}
	id, err = v.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    t.userID,
		Channel:   sms.Channel,
		Purpose:   t.purpose,
		To:        t.to,
		Hint:      phone.Mask(t.to),
		Language:  t.language,
		Template:  sms.Template,
		Data:      t.Code,
		ExpiresAt: t.expires,
	})
	if err != nil {
		return "", fmt.Errorf("queue code: %w", err)
	}
	return id, v.Meter.Sent(ctx, tx, number, t.userID)
}

// Answered counts the right code of a text to a number, for the pause of those that no one
// answers. The caller has spent the code in the same transaction.
func Answered(ctx context.Context, tx *db.Tx, to string, sent time.Time) error {
	number, err := phone.Of(to)
	if err != nil {
		return fmt.Errorf("count an answered text: %w", err)
	}
	return sms.Answered(ctx, tx, number, sent)
}

func host(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// purposeBinding is what a code is good for that proves a number, and nothing else.
const purposeBinding = "binding.code"

// proposed is what a set-up remembers.
type proposed struct {
	To        string
	MAC       []byte
	Reference string
	MessageID string
	Length    int
	Ends      time.Time
}

// Propose sends a code to the number in wish: a country and what was typed, with a space
// between ("DE 0151 12345678"). A mistake in it is one of phone's faults.
func (v SMS) Propose(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	wish string) (authenticator.State, error) {
	countries, err := CountriesOf(ctx, tx, v.Countries)
	if err != nil {
		return nil, err
	}
	country, typed, _ := strings.Cut(strings.TrimSpace(wish), " ")
	number, err := phone.Parse(country, typed, countries)
	if err != nil {
		return nil, err
	}
	if err := v.spend(ctx, tx, who.UserID, number.E164); err != nil {
		return nil, err
	}
	token, _ := secret.NewToken()
	key := v.Keys.Current()
	code := v.code(key, token, d.ID)
	p := proposed{
		To:        number.E164,
		Reference: secret.NewReference(),
		Length:    v.Digits,
		Ends:      tx.Now.Add(v.Limits.CodeTTL),
	}
	p.MAC = v.Keys.MACBy(key, "outofband.binding", binding(tx, who, d, p.To, code)...)
	p.MessageID, err = v.send(ctx, tx, text{
		userID:   who.UserID,
		purpose:  purposeBinding,
		to:       p.To,
		language: who.Language,
		expires:  p.Ends,
		Code: sms.Code{
			Vendor:    who.Vendor,
			Code:      code,
			Reference: p.Reference,
			Binding:   true,
		},
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

func binding(tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment, to, code string) []string {
	return []string{tx.Tenant, who.UserID, d.ID, purposeBinding, string(authenticator.SMS), to, code}
}

// spend counts a message against the same budgets that sign-ins use. Of a number's budget
// set-ups get half: anyone who asks for a stranger's number must leave its owner codes to sign
// in with.
func (v SMS) spend(ctx context.Context, tx *db.Tx, userID, to string) error {
	destination := DestinationSubject(v.Keys, to)
	sends, err := ratelimit.Read(ctx, tx,
		ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: v.limit("send.account", 1), Subject: userID},
		ratelimit.BudgetKey{Tenant: db.Installation, Limit: v.limit("number.destination", 2), Subject: destination},
		ratelimit.BudgetKey{Tenant: db.Installation, Limit: v.limit("send.destination", 1), Subject: destination})
	if err != nil {
		return err
	}
	if err := sends.Lock(ctx, tx); err != nil {
		return err
	}
	if wait := sends.Spend(tx); wait > 0 {
		return errTooMany.After(wait)
	}
	return sends.Write(ctx, tx)
}

// limit is what may be sent, or its share of it.
func (v SMS) limit(name string, share int) ratelimit.Limit {
	return ratelimit.Limit{Name: name, Windows: []ratelimit.Window{
		{Count: max(1, v.Limits.SendsPerHour/share), Per: time.Hour},
		{Count: max(1, v.Limits.SendsPerDay/share), Per: 24 * time.Hour},
	}}
}

// DestinationSubject names an address or number in budgets without keeping it.
func DestinationSubject(keys *secret.Keys, to string) string {
	return hex.EncodeToString(keys.Lasting("budget/destination", strings.ToLower(to))[:12])
}

// Confirm judges the code that the new number got, and makes it the authenticator's.
func (v SMS) Confirm(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	r authenticator.Response) (authenticator.Verdict, error) {
	p, err := readProposed(d)
	if err != nil {
		return authenticator.Verdict{}, err
	}
	if !tx.Now.Before(p.Ends) {
		return authenticator.Verdict{Reason: "expired"}, nil
	}
	code, ok := Canonical(r.Code, v.Digits)
	if !ok || !v.Keys.CheckMAC(p.MAC, "outofband.binding", binding(tx, who, d, p.To, code)...) {
		return authenticator.Verdict{Reason: "wrong_code"}, nil
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, authenticator_id) DO NOTHING`, tx.Tenant, d.ID, p.To, tx.Now)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("store the number: %w", err)
	}
	if n == 0 {
		return authenticator.Verdict{Reason: "already_used"}, nil
	}
	if err := Answered(ctx, tx, p.To, p.Ends.Add(-v.Limits.CodeTTL)); err != nil {
		return authenticator.Verdict{}, err
	}
	if d.Label == "" {
		_, err = tx.Exec(ctx, `UPDATE authenticators SET label = $1
			WHERE tenant_id = $2 AND id = $3 AND label = ''`, phone.Mask(p.To), tx.Tenant, d.ID)
	}
	return authenticator.Verdict{OK: true, AuthenticatorID: d.ID}, err
}

func readProposed(d authenticator.PendingEnrollment) (p proposed, err error) {
	if json.Unmarshal(d.State, &p) != nil || p.To == "" {
		return p, errors.New("the draft is not that of a number")
	}
	return p, nil
}

// Card is what a page shows while a number is being proved.
type Card struct {
	SentTo    string // in full: anyone who sees this has just typed it
	Reference string // also in the message
	MessageID string // for message.Delivery
	Length    int    // digits of the code
	Ends      time.Time
}

// Show reads the draft of a number.
func Show(d authenticator.PendingEnrollment) (Card, error) {
	p, err := readProposed(d)
	return Card{
		SentTo:    phone.Spaced(p.To),
		Reference: p.Reference,
		MessageID: p.MessageID,
		Length:    p.Length,
		Ends:      p.Ends,
	}, err
}
