package policy

import (
	"slices"

	"countersign/internal/authenticator"
)

// Level is an authentication context class, as it is written in the acr claim.
type Level string

// The levels that exist so far, weakest first. Email beside a password has a level of
// its own, because NIST SP 800-63B-4 does not let it count as a second factor.
const (
	None              Level = ""
	PasswordOnly      Level = "urn:countersign:acr:1"
	EmailConfirmed    Level = "urn:countersign:acr:1e" // password, confirmed by email
	TwoFactor         Level = "urn:countersign:acr:2"
	PhishingResistant Level = "phr"
)

var ladder = []Level{None, PasswordOnly, EmailConfirmed, TwoFactor, PhishingResistant}

// Known reports whether l is a level of ours.
func (l Level) Known() bool { return l != None && slices.Contains(ladder, l) }

// AtLeast reports whether l is as strong as other. An unknown level is reached by nothing.
func (l Level) AtLeast(other Level) bool {
	need := slices.Index(ladder, other)
	return need >= 0 && slices.Index(ladder, l) >= need
}

// Reached is the level that proofs give (the table of docs/deviations.md). One device that
// checks its user is enough by itself; any other possession needs the password beside it.
func Reached(proofs []authenticator.Proof) Level {
	var knows, confirms, has, resistant bool
	for _, p := range proofs {
		t := authenticator.TraitsOf[p.Kind]
		knows = knows || t.Knowledge
		confirms = confirms || t.Confirms
		has = has || t.Possession
		resistant = resistant || t.PhishingResistant
	}
	switch {
	case knows && resistant:
		return PhishingResistant
	case knows && has:
		return TwoFactor
	case knows && confirms:
		return EmailConfirmed
	case knows, resistant:
		return PasswordOnly
	}
	return None
}

// AMR lists what was used, for the amr claim (RFC 8176). "mfa" is only said of two factors.
func AMR(proofs []authenticator.Proof) []string {
	var out []string
	for _, p := range proofs {
		for _, v := range authenticator.TraitsOf[p.Kind].AMR {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	if Reached(proofs).AtLeast(TwoFactor) {
		out = append(out, "mfa")
	}
	return out
}
