// Package sharing judges from what an account did whether several people use it. It takes values and returns what
// speaks for it and how likely it is. It refuses to lock anyone out: a journey shows what it found to the company's
// owners, who know their people.
//
// Three kinds of evidence are graded, each as none, weak or strong.
//
//   - Places. Two uses in a row so far apart that no one travels that fast, or a sign-in far away from a session that
//     stays in use. Weak: any. Strong: three such journeys to another browser on two days at least, or, on three days,
//     sign-ins far away and back within twelve hours while the other session stays in use. A VPN that is switched on
//     and off is weak.
//   - Clocks. Codes of one authenticator app, by turns of a clock that is early and of one that is late by a minute.
//     Weak: there and back. Strong: twice. A clock that is set right once is none.
//   - Mailbox. Codes from one mailbox, entered in different browsers. Weak: four browsers. Strong: six, or four in one
//     day.
//
// Only weak evidence means Low, however much there is. One kind that is strong means Likely. It means VeryLikely where
// another kind is weak or strong as well.
package sharing

import (
	"time"

	"countersign/internal/geo"
)

// Likelihood is how likely it is that several people use an account.
type Likelihood string

// The likelihoods. None has no evidence.
const (
	None       Likelihood = ""
	Low        Likelihood = "low"
	Likely     Likelihood = "likely"
	VeryLikely Likelihood = "very_likely"
)

// Grade is how much one kind of evidence says.
type Grade int

// The grades.
const (
	Absent Grade = iota
	Weak
	Strong
)

// Judge is the rule that turns the grades of the three kinds of evidence into a likelihood.
func Judge(places, clocks, mailbox Grade) Likelihood {
	var weak, strong int
	for _, g := range []Grade{places, clocks, mailbox} {
		switch g {
		case Weak:
			weak++
		case Strong:
			strong++
		case Absent:
		}
	}
	switch {
	case strong > 1, strong == 1 && weak > 0:
		return VeryLikely
	case strong == 1:
		return Likely
	case weak > 0:
		return Low
	}
	return None
}

// Use is one moment at which an account was used.
type Use struct {
	At                 time.Time
	IP, Place, Browser string
	Point              geo.Point
	Located            bool // Point is known
}

// SignIn is the beginning of a session.
type SignIn struct {
	Use
	Until time.Time // the session's last use, as far as it is known
}

// Code is a right code.
type Code struct {
	Use
	Method string // it came from: an app or a mailbox
	ID     string // of the authenticator
	Clock  int    // how early the app's clock was, in steps of 30 seconds; negative: late
}

// The methods of codes that say something.
const (
	App     = "totp"
	Mailbox = "email"
)

// Activity is what an account did, each list oldest first.
type Activity struct {
	SignIns []SignIn
	Codes   []Code
}

// Pair is two uses that do not fit one person well.
type Pair struct {
	From, To Use
	Distance int // in kilometres; 0 for clocks
	Clocks   [2]int
}

// Report is what was found.
type Report struct {
	Likelihood Likelihood
	Journeys   []Pair // faster than people travel
	Overlaps   []Pair // a session that stayed in use, and a sign-in far away meanwhile
	Clocks     []Pair // codes of one app from two clocks
	Browsers   []Use  // the last code of the mailbox that was entered in each browser
}

// Assess looks for evidence and judges it.
func Assess(a Activity) Report {
	r := Report{Journeys: journeys(a), Overlaps: overlaps(a.SignIns), Clocks: clocks(a.Codes)}
	var perDay int
	r.Browsers, perDay = browsers(a.Codes)
	r.Likelihood = Judge(
		gradePlaces(r.Journeys, r.Overlaps), gradeClocks(r.Clocks), gradeMailbox(len(r.Browsers), perDay))
	if gradeMailbox(len(r.Browsers), perDay) == Absent {
		r.Browsers = nil
	}
	if gradeClocks(r.Clocks) == Absent {
		r.Clocks = nil
	}
	return r
}
