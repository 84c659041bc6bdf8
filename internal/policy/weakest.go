package policy

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
)

// Path is one way to a session: what is shown, in order, and the level that the session then has.
type Path struct {
	Proofs     []authenticator.Kind // the first is the password, or a passkey that stands for it
	SetUp      authenticator.Kind   // a method that is set up on the way; empty = none
	Remembered bool                 // only in a browser that is remembered
	Level      Level
}

// MailboxAlone reports whether someone who reads the person's mailbox can take the path: the password is reset with a
// mailed link, and every other proof is mailed, or set up with one that was mailed.
func (p Path) MailboxAlone() bool {
	return !p.Remembered && len(p.Proofs) > 0 && p.Proofs[0] == authenticator.Password &&
		!slices.ContainsFunc(p.Proofs[1:], func(k authenticator.Kind) bool {
			return k != authenticator.Email && k != p.SetUp
		})
}

// Weakest finds the weakest way to a session of an account by asking Evaluate what a sign-in would, step by step:
// first without, then with a remembered browser. Proofs, remembered browser and wishes of an app in the input are left
// out. found is false where no way leads to a session.
func Weakest(in Input) (weakest Path, found bool) {
	in.Proofs, in.Want = nil, nil
	in.RememberedUntil, in.RememberedSince = time.Time{}, time.Time{}
	var s search
	s.from(in, Path{})
	if rememberDays(in) > 0 {
		in.RememberedUntil, in.RememberedSince = in.Now.Add(time.Minute), in.Now
		s.from(in, Path{Remembered: true})
	}
	return s.weakest, s.found
}

type search struct {
	weakest Path
	found   bool
}

// from begins a sign-in with each thing that may come first.
func (s *search) from(in Input, p Path) {
	s.show(in, p, authenticator.Password)
	if slices.Contains(in.Has, authenticator.Passkey) {
		s.show(in, p, best(authenticator.Passkey).Kind)
	}
}

// show continues after one more proof. Each proof is shown once, so the search ends.
func (s *search) show(in Input, p Path, k authenticator.Kind) {
	if slices.Contains(p.Proofs, k) {
		return
	}
	p.Proofs = append(slices.Clone(p.Proofs), k)
	in.Proofs = append(slices.Clone(in.Proofs), authenticator.Proof{Kind: k, At: in.Now})
	switch d := Evaluate(in); d.Outcome {
	case Allow:
		p.Level = d.Level
		s.arrive(p)
	case Challenge:
		for _, next := range d.Offer {
			s.show(in, p, next)
			if next == authenticator.Passkey {
				s.show(in, p, best(next).Kind)
			}
		}
	case SetUp:
		s.setUp(in, p, d.SetUp)
	}
}

// setUp continues with each method that may be set up; setting it up also shows it.
func (s *search) setUp(in Input, p Path, kinds []authenticator.Kind) {
	if p.SetUp != "" {
		return // one is enough, or none is
	}
	for _, k := range kinds {
		next := in
		next.Has = append(slices.Clone(in.Has), k)
		if Factor(k) && next.FirstFactorAt.IsZero() {
			next.FirstFactorAt = in.Now
		}
		p.SetUp = k
		s.show(next, p, best(k).Kind)
	}
}

// arrive keeps the weaker of two ways; of two to one level the one that takes less, without a remembered browser.
func (s *search) arrive(p Path) {
	if !s.found || p.weaker(s.weakest) {
		s.weakest, s.found = p, true
	}
}

func (p Path) weaker(than Path) bool {
	switch {
	case p.Level != than.Level:
		return than.Level.AtLeast(p.Level)
	case p.Remembered != than.Remembered:
		return than.Remembered
	case p.MailboxAlone() != than.MailboxAlone():
		return p.MailboxAlone()
	case len(p.Proofs) != len(than.Proofs):
		return len(p.Proofs) < len(than.Proofs)
	}
	return (p.SetUp == "") != (than.SetUp == "") && p.SetUp == ""
}

// WeakerThan reports whether a way to a session is weaker than another: a lower level, or the mailbox alone where
// more was needed before.
func (p Path) WeakerThan(other Path) bool {
	if p.Level != other.Level {
		return other.Level.AtLeast(p.Level)
	}
	return p.MailboxAlone() && !other.MailboxAlone()
}
