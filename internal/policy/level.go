package policy

import (
	"slices"

	"countersign/internal/authenticator"
)

// Level is an authentication context class, as it is written in the acr claim.
type Level string

// The levels that exist so far, weakest first. E-mail beside a password has a level of
// its own, because NIST SP 800-63B-4 does not let it count as a second factor.
const (
	None         Level = ""
	PasswordOnly Level = "urn:countersign:acr:1"
	Confirmed    Level = "urn:countersign:acr:1e" // password, confirmed by e-mail
	TwoFactor    Level = "urn:countersign:acr:2"
	Resistant    Level = "phr"
)

var ladder = []Level{None, PasswordOnly, Confirmed, TwoFactor, Resistant}

// Known reports whether l is a level of ours.
func (l Level) Known() bool { return l != None && slices.Contains(ladder, l) }

// AtLeast reports whether l is as strong as other. An unknown level is reached by nothing.
func (l Level) AtLeast(other Level) bool {
	need := slices.Index(ladder, other)
	return need >= 0 && slices.Index(ladder, l) >= need
}

// Reached is the level that proofs give.
func Reached(proofs []authenticator.Proof) Level {
	var knows, confirms bool
	for _, p := range proofs {
		t := authenticator.TraitsOf[p.Kind]
		knows = knows || t.Knowledge
		confirms = confirms || t.Confirms
	}
	switch {
	case knows && confirms:
		return Confirmed
	case knows:
		return PasswordOnly
	}
	return None
}

// AMR lists what was used, for the amr claim.
func AMR(proofs []authenticator.Proof) []string {
	var out []string
	for _, p := range proofs {
		if v := authenticator.TraitsOf[p.Kind].AMR; v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
