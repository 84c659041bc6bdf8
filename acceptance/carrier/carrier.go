// Package carrier is a telephone network for tests: a gateway that speaks HTTP in the shape
// of Twilio's Messages API, and a carrier that speaks SMPP 3.4, both written after the
// documents and not after the program. They keep every text they took, charged or not
// answered, and can be made to delay, refuse, fail, repeat and forget.
package carrier

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Text is one message that a carrier took, and charges for.
type Text struct {
	From, To, Body string
	Handle         string // what the carrier calls it
	ReportTo       string // HTTP only: where reports go
	Parts          int    // SMPP: of how many parts this is one; 1 for a whole
	UCS2           bool
}

// Behaviour is what happens to texts for one number. The zero value takes them.
type Behaviour struct {
	Refuse   int           // an error of the protocol, for good: 21211 over HTTP, 0x0b over SMPP
	Throttle int           // says "too many" so many times, and takes nothing
	Fail     int           // takes the text and answers with a failure of its own so many times (HTTP 500)
	Break    int           // takes the text and hangs up instead of answering, so many times
	Silent   int           // takes the text and never answers, so many times
	Delay    time.Duration // before the answer
	Report   string        // "delivered" or "undelivered"; empty: nothing is reported
	Early    bool          // the report comes before the answer
	Twice    bool          // answers (SMPP) and reports come twice
}

// Phones are the numbers that a carrier serves.
type Phones struct {
	mu      sync.Mutex
	texts   []Text
	rules   map[string]*Behaviour
	changed chan struct{}
	serial  int
}

func newPhones() *Phones {
	return &Phones{rules: map[string]*Behaviour{}, changed: make(chan struct{}), serial: 1000}
}

// Behave says what happens to texts for a number (with its plus) from now on.
func (p *Phones) Behave(number string, b Behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules[number] = &b
}

// Received is what was taken for a number, in order.
func (p *Phones) Received(number string) []Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.texts), func(t Text) bool { return t.To != number })
}

// Taken counts every text that was taken.
func (p *Phones) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.texts)
}

// Text waits for the n-th text (from 1) to a number.
func (p *Phones) Text(t testing.TB, number string, n int) Text {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if got := p.Received(number); len(got) >= n {
			return got[n-1]
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("text %d to %s did not come; %d came", n, number, len(p.Received(number)))
		}
	}
}

// rule takes one count off whatever is to happen a number of times, and says what does.
func (p *Phones) rule(number string) Behaviour {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.rules[number]
	if b == nil {
		return Behaviour{}
	}
	now := *b
	for _, n := range []*int{&b.Throttle, &b.Fail, &b.Break, &b.Silent} {
		if *n > 0 {
			*n--
			break
		}
	}
	return now
}

func (p *Phones) keep(t Text) Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	t.Handle = t.Handle + strconv.Itoa(p.serial)
	p.texts = append(p.texts, t)
	close(p.changed)
	p.changed = make(chan struct{})
	return t
}
