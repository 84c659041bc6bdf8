package firststep

import (
	"time"

	"countersign/internal/ratelimit"
	"countersign/internal/tenant"
)

// The budgets of a first step (product numbers; see docs/configuration.md). Slow ones let the
// first tries through, then double the wait.

const firstWait = 5 * time.Second

// slowing is from which failure on the next try has to wait, and for how long.
type slowing struct {
	from       int
	first, max time.Duration
}

// slowingBy is what a company's account lock says; without one, the installation's growing wait.
func (s *Service) slowingBy(l tenant.AccountLock) slowing {
	if l.IsSet() {
		return slowing{l.After, l.Time(), l.Time()}
	}
	return slowing{s.Limits.PasswordSlowFrom, firstWait, s.Limits.PasswordSlowMax}
}

// limitPasswordHere slows an account down for one network from the fifth failure.
func limitPasswordHere(by slowing) ratelimit.Limit {
	l := limitPassword(by)
	l.Name, l.Slow.From = "password.here", by.from
	return l
}

// fromMany is how many times as many failures slow an account down for every network.
const fromMany = 4

// limitPassword slows an account down for all browsers that it does not know together. No one
// waits for the failures of other networks longer than the longest wait (limitTurn) until the
// window is full, which takes more than fifty networks: each gets a few tries besides
// the hundred or so that the slowing lets through in a day. When it is full, a new browser
// needs a mailed link (docs/adr/0019); known browsers and passkeys go on.
func limitPassword(by slowing) ratelimit.Limit {
	return ratelimit.Limit{
		Name:    "password.account",
		Windows: []ratelimit.Window{{Count: 400, Per: 24 * time.Hour}},
		Slow: ratelimit.Slow{
			From:   fromMany * by.from,
			First:  by.first,
			Max:    by.max,
			Within: time.Hour,
		},
	}
}

// limitTurn says since when a network has waited for the failures of others.
func limitTurn(by slowing) ratelimit.Limit {
	return ratelimit.Limit{Name: "password.turn", Windows: []ratelimit.Window{{Count: 1, Per: by.max}}}
}

// limitKnownBrowser holds for one browser that the account knows, which a stranger's failures
// do not slow.
func limitKnownBrowser(by slowing) ratelimit.Limit {
	l := limitPassword(by)
	l.Name, l.Slow.From = "password.device", by.from
	return l
}

// limitSource counts failures of accounts that exist and that do not alike, so that the
// moment of a refusal tells nothing about either. Right passwords never count: a whole
// floor may sign in from behind one address. Of one account it counts PasswordSlowFrom.
func (s *Service) limitSource() ratelimit.Limit {
	return ratelimit.Limit{Name: "password.source",
		Windows: []ratelimit.Window{{Count: s.Limits.FailuresPerSource, Per: s.Limits.FailuresPerSourceWindow}}}
}

// insideFactor is how many times as many failures an address may have for one company that names it as its own.
const insideFactor = 10

// limitInside is limitSource for one company at an address that is in its allowed networks: hundreds of its people may
// be behind it. It is apart from what the address has for everyone else's accounts.
func (s *Service) limitInside() ratelimit.Limit {
	l := s.limitSource()
	l.Name, l.Windows[0].Count = "password.inside", insideFactor*s.Limits.FailuresPerSource
	return l
}

// limitFlows bounds what someone who knows a password may write: strangers together, and each
// browser that the account knows by itself.
var limitFlows = ratelimit.Limit{Name: "flow.account", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// limitPasskeyFlows is apart from limitFlows: anyone who knows the password must not keep the
// owner's passkey from signing in.
var limitPasskeyFlows = ratelimit.Limit{Name: "flow.passkey", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// limitAdmissions bounds the mails with a link that one account gets. Using a link clears it,
// so that at any instant another mail can be sent or an unused link is valid: strangers who ask
// without end cannot keep the owner from getting one.
var limitAdmissions = ratelimit.Limit{
	Name:    "admission.account",
	Windows: []ratelimit.Window{{Count: 3, Per: time.Hour}, {Count: 10, Per: 24 * time.Hour}},
}

// limitAdmissionAsks bounds what one network may write by asking for links. It is generous: a
// neighbour should not be able to use it up by the way.
var limitAdmissionAsks = ratelimit.Limit{Name: "admission.source",
	Windows: []ratelimit.Window{{Count: 300, Per: 10 * time.Minute}}}

// limitCloned bounds the mails about passkeys of which there seem to be two.
var limitCloned = ratelimit.Limit{Name: "passkey.copied", Windows: []ratelimit.Window{{Count: 1, Per: time.Hour}}}
