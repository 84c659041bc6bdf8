package demo

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/user"
)

// history is what happened in a company before the demo began.
type history struct {
	rand   *rand.Rand
	crowd  []colleague
	owner  string // id
	now    time.Time
	events []happening
	last   map[int]signIn // of each of the crowd
}

// happening is an event and when it was.
type happening struct {
	at    time.Time
	event audit.Event
}

// signIn is one sign-in that went well.
type signIn struct {
	at     time.Time
	from   device
	method authenticator.Kind
	clock  string // how early or late the clock of the app was, as an event has it
}

func newHistory(ctx context.Context, tx *db.Tx, c sampleCompany, crowd []colleague, now time.Time) (*history, error) {
	owner, err := user.ByEmail(ctx, tx, c.People[0].Email)
	h := &history{
		rand:  rand.New(rand.NewPCG(8, 13)),
		crowd: crowd,
		owner: owner.ID,
		now:   now,
		last:  map[int]signIn{},
	}
	return h, err
}

// record makes up what happened and writes it, oldest first.
func (h *history) record(ctx context.Context, tx *db.Tx) error {
	for i := range h.crowd {
		if !h.crowd[i].Invited {
			h.work(i)
		}
	}
	h.administer()
	h.attack()
	slices.SortStableFunc(h.events, func(a, b happening) int { return a.at.Compare(b.at) })
	for _, e := range h.events {
		if err := audit.Record(ctx, asOf(tx, e.at), e.event); err != nil {
			return err
		}
	}
	for i, s := range h.last {
		if err := lastSession(ctx, tx, h.crowd[i], s); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) add(at time.Time, e audit.Event) {
	h.events = append(h.events, happening{at, e})
}

// work is the sign-ins of one person: on one working day of five, since browsers and sessions last.
func (h *history) work(i int) {
	c := h.crowd[i]
	for at := c.Joined.Truncate(day); at.Before(h.now.Add(-12 * time.Hour)); at = at.Add(day) {
		often := 5
		if c.Shared != oneUser && h.now.Sub(at) < 28*day {
			often = 1
		}
		weekend := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
		if weekend || h.rand.IntN(often) > 0 {
			continue
		}
		begins := at.Add(c.Office.Begins + time.Duration(h.rand.IntN(50*60)-15*60)*time.Second)
		if !c.present(begins) || begins.After(h.now.Add(-time.Hour)) {
			continue
		}
		h.addSignIn(i, h.signInOf(c, begins))
	}
	if !c.App.IsZero() { // they were signed in when they set it up
		h.addSignIn(i, signIn{at: c.App.Add(-9 * time.Minute), from: c.Work, method: authenticator.Email})
	}
}

// signInOf chooses where someone signs in, and with what.
func (h *history) signInOf(c colleague, at time.Time) signIn {
	s := signIn{at: at, from: c.Work, method: authenticator.Email}
	if h.rand.IntN(5) == 0 {
		s.from = c.Home
	}
	if c.activated(at) {
		s.method = authenticator.TOTP
	}
	turn := int(h.now.Sub(at) / day)
	switch c.Shared {
	case manyBrowsers:
		all := slices.Concat(browsers, atHome)
		s.from.Browser = all[turn%len(all)]
	case twoClocks:
		if turn%4 < 2 {
			s.from, s.clock = device{"203.0.113.30", "Manila, Philippines", "Chrome, Windows"}, " clock +2"
		}
	case oneUser:
	}
	return s
}

// addSignIn records the steps of a sign-in, with a mistake now and then.
func (h *history) addSignIn(i int, s signIn) {
	c := h.crowd[i]
	if s.at.After(h.last[i].at) {
		h.last[i] = s
	}
	e := audit.Event{
		ActorID:   c.id,
		UserID:    c.id,
		ClientID:  dashboardID,
		Result:    audit.OK,
		SubjectID: secret.NewID(s.at, 0),
		Origin:    audit.Origin{IP: s.from.IP, Place: s.from.Place, Browser: s.from.Browser},
	}
	at := s.at
	if h.rand.IntN(30) == 0 {
		h.add(at, failed(e, audit.SignInPassword, authenticator.Password, "wrong_password"))
		at = at.Add(time.Duration(5+h.rand.IntN(20)) * time.Second)
	}
	h.add(at, with(e, audit.SignInPassword, authenticator.Password, ""))
	method, by := c.mailbox, []string{"typed", "typed", "link"}[h.rand.IntN(3)]
	if s.method == authenticator.TOTP {
		method, by = c.app, "typed"
	} else {
		h.add(at, with(e, audit.ChallengeSent, s.method, ""))
		at = at.Add(time.Duration(10+h.rand.IntN(60)) * time.Second)
	}
	e.SubjectID = method
	if h.rand.IntN(25) == 0 {
		h.add(at, failed(e, audit.SignInSecondFactor, s.method, "wrong_code"))
		at = at.Add(15 * time.Second)
	}
	at = at.Add(time.Duration(4+h.rand.IntN(15)) * time.Second)
	h.add(at, with(e, audit.SignInSecondFactor, s.method, by+s.clock))
	e.SubjectID = secret.NewID(at, 1)
	done := with(e, audit.SignInCompleted, "pwd email", "")
	done.Level = string(policy.EmailConfirmed)
	if s.method == authenticator.TOTP {
		done.Method, done.Level = "pwd otp mfa", string(policy.TwoFactor)
	}
	h.add(at, done)
}

func with(e audit.Event, a audit.Action, k authenticator.Kind, reason string) audit.Event {
	e.Action, e.Method, e.Reason = a, string(k), reason
	return e
}

func failed(e audit.Event, a audit.Action, k authenticator.Kind, reason string) audit.Event {
	e = with(e, a, k, reason)
	e.Result = audit.Failed
	return e
}

// administer is what the owner did: reminders, and help for a few people.
func (h *history) administer() {
	e := audit.Event{
		ActorID: h.owner,
		Result:  audit.OK,
		Origin:  audit.Origin{IP: "192.0.2.10", Place: "Lisbon, Portugal", Browser: "Chrome, macOS"},
	}
	for _, ago := range []int{60, 30, 9} {
		at := workTime(h.now.Add(-time.Duration(ago)*day), offices[0])
		for i, c := range h.crowd {
			if c.present(at) && !c.activated(at) && !c.Invited {
				h.add(at.Add(time.Duration(i)*time.Second), to(e, audit.UserReminded, c.id, ""))
			}
		}
	}
	at := workTime(h.now.Add(-20*day), offices[0])
	h.add(at, to(e, audit.UserRole, h.crowd[10].id, "agent to supervisor"))
	h.add(at.Add(9*time.Minute), to(e, audit.PeopleExported, "", `view ""`))
	for _, i := range []int{55, 77} { // lost phones
		at = workTime(h.now.Add(-time.Duration(i/9)*day), offices[0]).Add(40 * time.Minute)
		h.add(at, to(e, audit.MethodsReset, h.crowd[i].id, ""))
	}
}

func to(e audit.Event, a audit.Action, id, reason string) audit.Event {
	e.Action, e.UserID, e.Reason = a, id, reason
	return e
}

// attack is a night in which someone tried passwords on many accounts, and had one right.
func (h *history) attack() {
	at := h.now.UTC().Truncate(day).Add(-9*day + 2*time.Hour + 11*time.Minute)
	e := audit.Event{
		ClientID: dashboardID,
		Result:   audit.OK,
		Origin:   audit.Origin{IP: "203.0.113.201", Place: "Ashburn, United States", Browser: "Chrome, Linux"},
	}
	for n := range 72 {
		c := h.crowd[12+n%24]
		e.ActorID, e.UserID, e.SubjectID = c.id, c.id, secret.NewID(at, n)
		if c.present(at) && !c.Invited {
			h.add(at, failed(e, audit.SignInPassword, authenticator.Password, "wrong_password"))
		}
		at = at.Add(time.Duration(9+h.rand.IntN(14)) * time.Second)
	}
	victim := h.crowd[13]
	e.ActorID, e.UserID, e.SubjectID = victim.id, victim.id, secret.NewID(at, 0)
	h.add(at, with(e, audit.SignInPassword, authenticator.Password, ""))
	h.add(at, with(e, audit.ChallengeSent, authenticator.Email, ""))
	morning := at.Add(5 * time.Hour)
	e.IP, e.Place, e.Browser = victim.Home.IP, victim.Home.Place, victim.Home.Browser
	h.add(morning, with(e, audit.SignInDisowned, "", ""))
	h.add(morning.Add(4*time.Minute), with(e, audit.PasswordReplaced, authenticator.Password, ""))
}
