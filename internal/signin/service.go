package signin

import (
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/geo"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

// Service runs sign-in flows.
type Service struct {
	DB        *db.DB
	FirstStep *firststep.Service
	Keys      *secret.Keys
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Email     outofband.Verifier
	Others    map[authenticator.Kind]authenticator.Verifier // the second steps besides email, as configured
	Limits    config.Limits
	Origin    string // public origin, for the links in mails
	Gate      *gate.Gate
	Places    *geo.Places // nil: no place is known
}

func (s *Service) verifier(k authenticator.Kind) authenticator.Verifier {
	if k == authenticator.Email {
		return s.Email
	}
	return s.Others[k] // nil where it is not configured here
}

// The budgets of a second step (product numbers; see docs/configuration.md). A slow one lets the
// first tries through, then doubles the wait.

// answersName is the budget of second steps of one account: one for its strangers together, one
// for each browser that it knows, and one for all that mailed links let in. Loading a flow reads
// it along.
const answersName = "second.account"

func (s *Service) limitAnswers(l tenant.AccountLock) ratelimit.Limit {
	slow := ratelimit.Slow{
		From:   s.Limits.WrongAnswers,
		First:  5 * time.Second,
		Max:    s.Limits.PasswordSlowMax,
		Within: time.Hour,
	}
	if l.IsSet() {
		slow.From, slow.First, slow.Max = l.After, l.Time(), l.Time()
	}
	return ratelimit.Limit{
		Name: answersName,
		Windows: []ratelimit.Window{
			{Count: s.Limits.SecondFactorFailuresPerDay, Per: 24 * time.Hour},
			{Count: s.Limits.PerMonth, Per: 30 * 24 * time.Hour},
		},
		Slow: slow,
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

// limitNoise bounds the audit rows that refused answers of one account write.
var limitNoise = ratelimit.Limit{Name: "noise.account", Windows: []ratelimit.Window{{Count: 120, Per: time.Hour}}}

var errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")
