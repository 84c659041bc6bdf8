// Package firststep checks who someone claims to be: an email address with its password, or a
// passkey. It owns the budgets that slow guesses down, the browsers that an account knows, and
// the mailed links that let another browser try. No answer of it, and no time that an answer
// takes, tells an account that exists from one that does not. It opens nothing: what was proved
// goes to the journey that begins with it, in one unit of work.
package firststep

import (
	"context"
	"encoding/hex"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// Service checks first steps.
type Service struct {
	DB        *db.DB
	Keys      *secret.Keys
	Queue     *message.Queue
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Passkeys  *passkey.Verifier // nil where passkeys are not configured
	Limits    config.Limits
	Origin    string // public origin, for the links in mails
}

// Attempt is what a browser says at the first step, still untrusted.
type Attempt struct {
	Email      string
	Password   secret.Text
	ClientID   string             // client.PortalID for our own pages
	WantACR    []string           // what the client asked for
	ContinueTo string             // sealed authorization request, kept as it came
	Presented  []secret.Reference // what the browser is remembered by
	Devices    []secret.Reference // what the browser kept of finished sign-ins
	Admission  secret.Reference   // what a mailed link gave the browser; zero = none
	Prefer     authenticator.Kind // the second step last used in this browser; a wish
	Visitor    session.Visitor
}

// Proved is a right first step, as it is in the unit of work that begins a sign-in with it.
type Proved struct {
	Facts    facts.Facts
	Proof    authenticator.Proof
	Browser  Browser
	Budgets  ratelimit.Budgets // changed in memory, to be written with the sign-in
	Messages *ratelimit.Budget // the account's budget of messages, where it was read along
}

// Begin begins a sign-in with what was proved, in the unit of work that looked at it once more.
type Begin func(ctx context.Context, tx *db.Tx, p Proved) error

// ErrTryAgain is what Begin fails with where another tab of this browser was a moment faster and
// holds its next token. The try is given back then: the password was right.
var ErrTryAgain = fault.New(fault.Conflict, "signin.try_again")

var errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")

// hidden names something that budgets must not keep in the clear.
func (s *Service) hidden(purpose, value string) string {
	return hex.EncodeToString(s.Keys.Lasting("budget/"+purpose, value)[:12])
}

func event(
	action audit.Action, result audit.Result, reason, userID, clientID, method, subject string, v session.Visitor,
) audit.Event {
	return audit.Event{
		Action:    action,
		Result:    result,
		Reason:    reason,
		ActorID:   userID,
		UserID:    userID,
		ClientID:  clientID,
		Method:    method,
		SubjectID: subject,
		Origin:    v.Origin(),
	}
}
