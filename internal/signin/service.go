package signin

import (
	"encoding/hex"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// Service runs sign-in flows.
type Service struct {
	DB        *db.DB
	Keys      *secret.Keys
	Queue     *message.Queue
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Email     outofband.Verifier
	Others    map[authenticator.Kind]authenticator.Verifier // the second steps besides email, as configured
	Limits    config.Limits
	Origin    string // public origin, for the links in mails
	Gate      *gate.Gate
}

func (s *Service) verifier(k authenticator.Kind) authenticator.Verifier {
	if k == authenticator.Email {
		return s.Email
	}
	return s.Others[k] // nil where it is not configured here
}

// The budgets of a sign-in (product numbers; see docs/configuration.md). Slow ones let the
// first tries through, then double the wait.

const firstWait = 5 * time.Second

// limitPasswordHere slows an account down for one network from the fifth failure.
func (s *Service) limitPasswordHere() ratelimit.Limit {
	l := s.limitPassword()
	l.Name, l.Slow.From = "password.here", s.Limits.PasswordSlowFrom
	return l
}

// fromMany is how many times as many failures slow an account down for every network.
const fromMany = 4

// limitPassword slows an account down for all browsers that it does not know together. No one
// waits for the failures of other networks longer than PasswordSlowMax (limitTurn) until the
// window is full, which takes more than fifty networks: each gets PasswordSlowFrom tries beside
// the hundred or so that the slowing lets through in a day. When it is full, a new browser
// needs a mailed link (docs/adr/0019); known browsers and passkeys go on.
func (s *Service) limitPassword() ratelimit.Limit {
	return ratelimit.Limit{
		Name:    "password.account",
		Windows: []ratelimit.Window{{Count: 400, Per: 24 * time.Hour}},
		Slow: ratelimit.Slow{
			From:   fromMany * s.Limits.PasswordSlowFrom,
			First:  firstWait,
			Max:    s.Limits.PasswordSlowMax,
			Within: time.Hour,
		},
	}
}

// limitTurn says since when a network has waited for the failures of others.
func (s *Service) limitTurn() ratelimit.Limit {
	return ratelimit.Limit{Name: "password.turn",
		Windows: []ratelimit.Window{{Count: 1, Per: s.Limits.PasswordSlowMax}}}
}

// limitKnownBrowser holds for one browser that the account knows, which a stranger's failures
// do not slow.
func (s *Service) limitKnownBrowser() ratelimit.Limit {
	l := s.limitPassword()
	l.Name, l.Slow.From = "password.device", s.Limits.PasswordSlowFrom
	return l
}

// limitSource counts failures of accounts that exist and that do not alike, so that the
// moment of a refusal tells nothing about either. Right passwords never count: a whole
// floor may sign in from behind one address. Of one account it counts PasswordSlowFrom.
func (s *Service) limitSource() ratelimit.Limit {
	return ratelimit.Limit{Name: "password.source",
		Windows: []ratelimit.Window{{Count: s.Limits.FailuresPerSource, Per: s.Limits.FailuresPerSourceWindow}}}
}

// answersName is the budget of second steps of one account: one for its strangers together, one
// for each browser that it knows, and one for all that mailed links let in. Loading a flow reads
// it along.
const answersName = "second.account"

func (s *Service) limitAnswers() ratelimit.Limit {
	return ratelimit.Limit{
		Name: answersName,
		Windows: []ratelimit.Window{
			{Count: s.Limits.SecondFactorFailuresPerDay, Per: 24 * time.Hour},
			{Count: s.Limits.PerMonth, Per: 30 * 24 * time.Hour},
		},
		Slow: ratelimit.Slow{
			From:   s.Limits.WrongAnswers,
			First:  firstWait,
			Max:    s.Limits.PasswordSlowMax,
			Within: time.Hour,
		},
	}
}

func (s *Service) limitSends(name string) ratelimit.Limit {
	return ratelimit.Limit{Name: name, Windows: []ratelimit.Window{
		{Count: s.Limits.SendsPerHour, Per: time.Hour},
		{Count: s.Limits.SendsPerDay, Per: 24 * time.Hour},
	}}
}

// knownSends bounds what all browsers that an account knows together may have sent to one
// destination; each of them has limitSends besides. With what strangers may ask for, a mailbox
// gets four times SendsPerDay in a day at the most.
const knownSends = "send.known"

func (s *Service) limitKnownSends() ratelimit.Limit {
	return ratelimit.Limit{Name: knownSends,
		Windows: []ratelimit.Window{{Count: 3 * s.Limits.SendsPerDay, Per: 24 * time.Hour}}}
}

var limitWarning = ratelimit.Limit{Name: "warning.account", Windows: []ratelimit.Window{{Count: 1, Per: time.Hour}}}

// limitFlows bounds what someone who knows a password may write: strangers together, and each
// browser that the account knows by itself.
var limitFlows = ratelimit.Limit{Name: "flow.account", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// limitNoise bounds the audit rows that refused answers of one account write.
var limitNoise = ratelimit.Limit{Name: "noise.account", Windows: []ratelimit.Window{{Count: 120, Per: time.Hour}}}

// hidden names something that budgets must not keep in the clear.
func (s *Service) hidden(purpose, value string) string {
	return hex.EncodeToString(s.Keys.Lasting("budget/"+purpose, value)[:12])
}
