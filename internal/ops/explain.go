package ops

import (
	"slices"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/locale"
	"countersign/internal/policy"
)

// Explain says in sentences what a decision means for the person whom it is about, in the order
// in which they meet it. It decides nothing.
func Explain(p *locale.Printer, d policy.Decision) (out []string) {
	say := func(key string, args ...any) { out = append(out, p.T(key, args...)) }
	offer, setUp := namesOf(p, d.Offer), namesOf(p, d.SetUp)
	switch {
	case d.Outcome == policy.Deny && !d.SetUpFrom.IsZero():
		say("explain.deny_until", "From", p.Time(d.SetUpFrom))
	case d.Outcome == policy.Deny && d.NeedsAdmin:
		say("explain.deny_admin")
	case d.Outcome == policy.Deny:
		say("explain.deny")
	case d.Outcome == policy.SetUp:
		say("explain.set_up", "SetUp", setUp)
	case d.ForSetUp && slices.Equal(d.Offer, []authenticator.Kind{authenticator.Email}):
		say("explain.mailbox_then_set_up", "SetUp", setUp)
	case d.ForSetUp:
		say("explain.proof_then_set_up", "Offer", offer, "SetUp", setUp)
	case d.Outcome == policy.Challenge:
		say("explain.challenge", "Offer", offer)
	default:
		say("explain.allow")
	}
	if d.Outcome != policy.Allow && d.Need == policy.PhishingResistant {
		say("explain.need_resistant")
	} else if d.Outcome != policy.Allow && !d.Need.Known() {
		say("explain.need_unknown")
	}
	if d.Outcome != policy.Allow && d.Protection == policy.TwoFactor {
		say("explain.protected")
	}
	if d.Outcome == policy.Challenge && !d.ForSetUp && d.Required && d.RememberDays > 0 {
		say("explain.remember", "Days", d.RememberDays)
	}
	return out
}

// Reasons says why, about a person who is not the reader.
func Reasons(p *locale.Printer, d policy.Decision) (out []string) {
	for _, r := range d.Because {
		if r.Key == "policy.own_choice" { // to the person it says "you"
			r.Key = "explain.own_choice"
		}
		out = append(out, p.T(r.Key, formatInstants(p, r.Args)...))
	}
	return out
}

// formatInstants writes instants as people do: the date alone where it begins a day.
func formatInstants(p *locale.Printer, args []any) []any {
	out := slices.Clone(args)
	for i, a := range out {
		if t, ok := a.(time.Time); ok {
			out[i] = p.Time(t)
			if t.Equal(t.Truncate(24 * time.Hour)) {
				out[i] = p.Date(t)
			}
		}
	}
	return out
}

// proofs are the words for a method as something to confirm with or to set up.
var proofs = map[authenticator.Kind]string{
	authenticator.Passkey: "explain.method.passkey",
	authenticator.TOTP:    "explain.method.totp",
	authenticator.Push:    "explain.method.push",
	authenticator.SMS:     "explain.method.sms",
	authenticator.Email:   "explain.method.email",
	authenticator.Backup:  "explain.method.backup",
}

// namesOf lists methods as a choice: "a passkey or security key, or an authenticator app".
func namesOf(p *locale.Printer, kinds []authenticator.Kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, p.T(proofs[k]))
	}
	return strings.Join(names, ", "+p.T("explain.or")+" ")
}
