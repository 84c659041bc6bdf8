// Package authenticatortest holds every kind of authenticator to the same promises: the
// right answer once, in its own place and for its own owner, and every other answer wrong
// without harm. It refuses to know how a kind works; a kind hands it answers.
package authenticatortest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// Kind is a kind under test.
type Kind struct {
	Kind authenticator.Kind
	// New makes its verifier on a database. It is called once per database.
	New func(t *testing.T, d *db.DB) Rig
	// Ages says that an answer is over after ten minutes even where no one gave it, and
	// no one closed its challenge.
	Ages bool
}

// Rig is a verifier and what a test needs to use it.
type Rig struct {
	Verifier authenticator.Verifier
	// Bind gives someone another authenticator of the kind, as the set-up journey does it,
	// and returns the device in their hands. SetUp does that for a Binder.
	Bind func(t *testing.T, d *db.DB, who authenticator.Subject, tenant string) Device
}

// Device is what a person holds.
type Device struct {
	ID string // of the authenticator
	// Answer is the right one to a challenge at this moment. It may be called often; where
	// a device cannot give two right answers in one moment it gives the same.
	Answer func(t *testing.T, c Challenge) authenticator.Response
	// Spellings are other ways to write the same answer, all as good; may be nil.
	Spellings func(r authenticator.Response) []authenticator.Response
	// First is the answer with which set-up ended, nil where a kind does not spend it.
	First *authenticator.Response
}

// Challenge is an open request for proof.
type Challenge struct {
	Tenant string
	A      authenticator.Authenticator
	authenticator.ChallengeContext
	State authenticator.State
	Now   time.Time
}

// Clock is the time of a suite, which tests move.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock stands at an instant.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time of the suite.
func (c *Clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

// Pass moves it.
func (c *Clock) Pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// Run holds a kind to its promises, on both databases.
func Run(t *testing.T, k Kind) {
	t.Helper()
	clock := NewClock(time.Date(2026, 11, 22, 9, 0, 7, 0, time.UTC))
	dbtest.Each(t, clock.Now, func(t *testing.T, d *db.DB) {
		s := newSuite(t, k, d, clock)
		promises := []struct {
			name string
			hold func(*testing.T, *suite)
		}{
			{"the right answer is right", right},
			{"a wrong answer is wrong and spends nothing", wrong},
			{"an answer is good once", replay},
			{"an answer is good once, however it is written", spellings},
			{"the first proof is spent", first},
			{"an answer ages", ages},
			{"another user's answer is wrong", otherUsers},
			{"another tenant's answer is wrong", otherTenants},
			{"another tenant's work finds nothing", otherTenantsWork},
			{"a disabled authenticator is none", disabled},
			{"a removed authenticator is none", removed},
			{"of sixteen at once one is right", sixteen},
			{"malformed answers are wrong", malformed},
		}
		for _, p := range promises {
			t.Run(p.name, func(t *testing.T) {
				p.hold(t, s)
				clock.Pass(time.Hour) // each begins with a moment of its own
			})
		}
	})
}

func right(t *testing.T, s *suite) {
	p := s.person(t)
	one, other := s.bind(t, p), s.bind(t, p)
	if s.only(t, p) == one.ID { // of some kinds a person has one, and the newer replaces the older
		t.Fatal("the newer is gone")
	}
	c := s.open(t, p, other)
	v := s.must(t, c, other.Answer(t, c))
	if v.AuthenticatorID != "" && v.AuthenticatorID != other.ID || v.Reason != "" {
		t.Errorf("%+v, want %s", v, other.ID)
	}
}

func wrong(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	for i := range 3 {
		s.refuse(t, c, corrupt(r, i))
	}
	s.must(t, c, r)
}

func replay(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	c, later := s.open(t, p, mine), s.open(t, p, mine)
	r := mine.Answer(t, c)
	s.must(t, c, r)
	s.refuse(t, c, r)
	s.refuse(t, later, r)
	s.clock.Pass(31 * time.Second)
	s.refuse(t, c, r)
	s.refuse(t, s.open(t, p, mine), r)
}

func spellings(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	if mine.Spellings == nil {
		t.Skip("there is one way to write it")
	}
	n := len(mine.Spellings(authenticator.Response{Code: "000000"}))
	for i := range n {
		p := s.person(t)
		mine := s.bind(t, p)
		c := s.open(t, p, mine)
		r := mine.Answer(t, c)
		all := mine.Spellings(r)
		s.must(t, c, all[i])
		for _, again := range append(all, r) {
			s.refuse(t, c, again)
			s.refuse(t, s.open(t, p, mine), again)
		}
	}
}

func first(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	if mine.First == nil {
		t.Skip("set-up spends nothing")
	}
	s.refuse(t, s.open(t, p, mine), *mine.First)
}

func ages(t *testing.T, s *suite) {
	if !s.Ages && !s.sent() {
		t.Skip("it does not age")
	}
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	s.clock.Pass(10 * time.Minute)
	s.refuse(t, c, r)
}

func otherUsers(t *testing.T, s *suite) {
	p, thief := s.person(t), s.person(t)
	mine, theirs := s.bind(t, p), s.bind(t, thief)
	c, stolen := s.open(t, p, mine), s.open(t, thief, theirs)
	r := mine.Answer(t, c)
	s.refuse(t, stolen, r)
	mixed := stolen // their own challenge, with the owner's authenticator named in it
	mixed.A.ID = mine.ID
	s.refuse(t, mixed, r)
	s.must(t, c, r)
}

func otherTenants(t *testing.T, s *suite) {
	p, thief := s.person(t), s.stranger(t)
	mine, theirs := s.bind(t, p), s.bind(t, thief)
	c, stolen := s.open(t, p, mine), s.open(t, thief, theirs)
	r := mine.Answer(t, c)
	s.refuse(t, stolen, r)
	s.must(t, c, r)
}

// otherTenantsWork: every id is right, and only the company is another.
func otherTenantsWork(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	abroad := c
	abroad.Tenant = elsewhere
	s.refuse(t, abroad, r)
	s.must(t, c, r)
}

func disabled(t *testing.T, s *suite) {
	if s.sent() {
		t.Skip("who answers a message is looked up by the sign-in")
	}
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	s.disable(t, p, mine, true)
	s.refuse(t, c, r)
	s.disable(t, p, mine, false)
	s.must(t, c, r)
}

func removed(t *testing.T, s *suite) {
	if _, ok := s.Verifier.(authenticator.Binder); !ok || s.sent() {
		t.Skip("the sign-in looks that up")
	}
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	s.in(t, p.Tenant, func(ctx context.Context,
		tx *db.Tx) error {
		return authenticator.Unbind(ctx, tx, p.ID, mine.ID)
	})
	s.refuse(t, c, r)
}

// sixteen is run a few times, after everyone had their connection: the first time they
// would come one after the other.
func sixteen(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	together(t, s, c, corrupt(mine.Answer(t, c), 0))
	for range 5 {
		p := s.person(t)
		mine := s.bind(t, p)
		c := s.open(t, p, mine)
		if n := together(t, s, c, mine.Answer(t, c)); n != 1 {
			t.Errorf("%d of 16 were right", n)
		}
	}
}

// together gives the same answer sixteen times at once, and counts how often it was right.
func together(t *testing.T, s *suite, c Challenge, r authenticator.Response) (rights int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	gate := make(chan struct{})
	for range 16 {
		wg.Go(func() {
			<-gate
			v, err := s.try(t.Context(), c, r)
			if err != nil {
				t.Errorf("an error instead of a verdict: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if v.OK {
				rights++
			}
		})
	}
	close(gate)
	wg.Wait()
	return rights
}

// Junk is what people and machines send in place of an answer.
var Junk = []string{
	"", " ", "-", "0", "00000", "0000000", "000 000 000", "+12345", "-12345", "12.345", "1e5", "0x1F40", "12345a",
	"\x00", "123456\x00", "\x00123456",
	"１２３４５６", "١٢٣٤٥٦", "123\u00a0456", "123\u200b456", "123–456", "\ufeff123456", "\xff\xfe", "null", "true", `""`,
	`[]`, `{}`, `["123456"]`, `{"$ne":null}`, `123456,234567`,
	"123456&code=234567", "%31%32%33%34%35%36", "' OR '1'='1", "0-0000-0000-00000", "11-0000-0000-00000",
	"3-UUUU-UUUU-UUUUU", "3", "3-", "-3-0000-0000-00000", "3.5-0000-0000-00000",
	strings.Repeat("1", 10_000), strings.Repeat(" ", 10_000) + "123456", strings.Repeat("-", 62),
	strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 5_000),
}

func malformed(t *testing.T, s *suite) {
	p := s.person(t)
	mine := s.bind(t, p)
	c := s.open(t, p, mine)
	r := mine.Answer(t, c)
	s.refuse(t, c, authenticator.Response{})
	for _, junk := range Junk {
		if junk != r.Code {
			s.refuse(t, c, authenticator.Response{Code: junk})
		}
		s.refuse(t, c, authenticator.Response{Assertion: []byte(junk)})
		s.refuse(t, c, authenticator.Response{LinkToken: junk})
		if r.Code != "" {
			s.refuse(t, c, authenticator.Response{Code: r.Code + junk + "x"})
		}
	}
	s.must(t, c, r)
}

// corrupt changes one place of an answer: its end, its middle or its beginning.
func corrupt(r authenticator.Response, where int) authenticator.Response {
	change := func(b []byte) []byte {
		b = append([]byte{}, b...)
		if len(b) == 0 {
			return b
		}
		i := []int{len(b) - 1, len(b) / 2, 0}[where]
		for b[i] < '0' || b[i] > '9' && b[i] < 'A' { // not a separator
			i = (i + 1) % len(b)
		}
		b[i] = map[bool]byte{true: '7', false: '8'}[b[i] != '7']
		return b
	}
	r.Code, r.LinkToken, r.Assertion = string(change([]byte(r.Code))), string(change([]byte(r.LinkToken))),
		change(r.Assertion)
	return r
}

func reasonless(v authenticator.Verdict) error {
	if !v.OK && v.Reason == "" {
		return fmt.Errorf("wrong for no reason: %+v", v)
	}
	return nil
}
