package walk

import (
	"fmt"
	"strings"
	"time"

	"countersign/acceptance/rig"
)

// What the walk knows of the world, from outside.
type (
	company struct {
		*rig.Tenant
		mandatory, on, suspended bool
		days                     int
	}

	account struct {
		*rig.User
		of                *company
		id                string
		disabled, flagged bool
		epoch             int // grows when everything of the account ends
		devices           []*device
		resetAt           time.Time // by people, until another method is set up
		typed             []string  // addresses that were asked for as the account's own
		asked             map[string]*asked
		had               []string    // earlier addresses
		mailedAt          time.Time   // when a mailed link set the password
		resetsAsked       []time.Time // when such links were asked for
	}

	app struct {
		*rig.App
		exempt bool
	}

	// wish is what an app asked for: it travels sealed, so the walk remembers what is inside.
	wish struct {
		app      *app
		acr      string
		verifier string
		fresh    time.Time // the sign-in must not be older
	}

	// half is a sign-in under way.
	half struct {
		id      string
		who     *account
		epoch   int
		wish    *wish
		base    *session
		given   int       // the level of what was shown in it beside the password; 0 = nothing yet
		shown   time.Time // when that was
		proved  time.Time // when its first proofs were given
		begun   time.Time
		letters []*letter
		over    bool
	}

	// letter is a code that was sent.
	letter struct {
		rig.Mail
		id   string
		flow *half
		via  *device // where it went; nil = the mailbox
		at   time.Time
		dead bool
	}

	session struct {
		id, cookie string
		who        *account
		epoch      int
		flow       *half
		level      int // of what was shown, see levelOf
		proved     time.Time
		begun      time.Time
		used       time.Time
		memory     *memory
		base       *session // signed in over, or stepped up from
		detached   bool     // its cookie is dead
		ended      bool
	}

	memory struct {
		id, newest string
		who        *account
		epoch      int
		app        *app
		flow       *half
		proved     time.Time
		until      time.Time
		ended      bool
	}

	// paper is an authorization code or a line of tokens.
	paper struct {
		code    string
		id      string // the ID token
		wish    *wish
		session *session
		issued  time.Time
		spent   bool
		dead    bool // its code was brought twice
		refresh []string
		access  []access
	}

	access struct {
		token string
		until time.Time
	}
)

// violation is a promise broken.
type violation string

func broken(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

// required says whether a second step is asked for, by what operators have decided.
func (c *company) required(a *app) bool {
	return (c.mandatory || c.on) && (a == nil || !a.exempt)
}

// rememberDays is how long the company's browsers may be remembered now.
func (c *company) rememberDays() int {
	if c.days < 0 {
		return 30
	}
	return c.days
}

func (m *memory) good(a *app, now time.Time) bool {
	if m == nil || a == nil || m.ended || m.app != a || m.epoch != m.who.epoch || m.who.flagged ||
		!now.Before(m.until) {
		return false
	}
	days := m.who.of.rememberDays()
	return days > 0 && now.Before(m.proved.AddDate(0, 0, days))
}

// lives reports whether a session may still be good for anything; browser says that a
// cookie speaks for it, and not a token.
func (s *session) lives(now time.Time, browser bool) bool {
	if s.ended || s.epoch != s.who.epoch || s.who.disabled || s.who.of.suspended {
		return false
	}
	switch {
	case s.memory != nil:
		return (!browser || !s.detached) && now.Before(s.memory.until)
	case s.level == 1:
		return (!browser || !s.detached) && now.Before(s.begun.Add(30*24*time.Hour))
	}
	return now.Before(s.begun.Add(24*time.Hour)) && (!browser || !s.detached && now.Before(s.used.Add(time.Hour)))
}

// worth is the level that a session's proofs still give: one that only a memory keeps open
// falls back to the password.
func (s *session) worth(now time.Time, browser bool) int {
	if s.memory != nil && (!now.Before(s.proved.Add(24*time.Hour)) || browser && !now.Before(s.used.Add(time.Hour))) {
		return 1
	}
	return s.level
}

// enough says whether a session may be enough for an app (nil: our own pages).
func (s *session) enough(w *wish, now time.Time, browser bool) bool {
	if w == nil {
		w = &wish{}
	}
	switch {
	case s == nil || !s.lives(now, browser) || s.who.flagged:
		return false
	case s.proved.Before(w.fresh):
		return false
	case w.app != nil && s.memory.good(w.app, now):
		return s.worth(now, browser) >= levelOf(w.acr)
	}
	return s.worth(now, browser) >= s.who.need(w)
}

// open reports whether the flow may still be answered.
func (f *half) open(now time.Time) bool {
	return f != nil && !f.over && f.epoch == f.who.epoch && !f.who.disabled && !f.who.of.suspended &&
		now.Before(f.begun.Add(15*time.Minute)) &&
		(f.base == nil || !f.base.ended)
}

// known is the level of what a flow has: of what it began with, and of what was shown in it.
func (f *half) known(now time.Time) int {
	known := max(byPassword, f.given)
	if f.base != nil {
		known = max(known, f.base.worth(now, true))
	}
	return known
}

// current is the one letter of a flow whose code counts, nil when none does.
func (f *half) current(now time.Time) *letter {
	if !f.open(now) || len(f.letters) == 0 {
		return nil
	}
	last := f.letters[len(f.letters)-1]
	if last.dead || !now.Before(last.at.Add(10*time.Minute)) {
		return nil
	}
	return last
}

// endLine ends a session and everything that it was signed in over.
func (s *session) endLine() {
	for ; s != nil && !s.ended; s = s.base {
		s.ended = true
	}
}

// canonical is what people may type around a code without changing it.
func canonical(typed string) string {
	return strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(typed)
}

func idOf(reference string) string {
	if parts := strings.Split(reference, "."); len(parts) == 3 {
		return parts[1]
	}
	return ""
}

func tenantOf(reference string) string { return strings.SplitN(reference, ".", 2)[0] }

// tail returns the last part of a path.
func tail(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (k *stage) describe(s *session, now time.Time) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf(
		"session of %s at level %d, %s old, used %s ago, ended %v, detached %v, remembered %v, account %+v, company %+v",
		s.who.Email, s.level, now.Sub(s.begun).Round(time.Second), now.Sub(s.used).Round(time.Second), s.ended,
		s.detached, s.memory != nil,
		[]any{s.who.disabled, s.who.flagged, s.epoch, s.who.epoch},
		[]any{s.who.of.mandatory, s.who.of.on, s.who.of.suspended, s.who.of.days})
}

func (k *stage) describeFlow(f *half, now time.Time) string {
	if f == nil {
		return "of no sign-in"
	}
	return fmt.Sprintf("sign-in of %s, %s old, over %v, letters %d, open %v", f.who.Email,
		now.Sub(f.begun).Round(time.Second), f.over, len(f.letters), f.open(now))
}
