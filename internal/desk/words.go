package desk

import (
	"countersign/internal/client"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// ruleKeys say what a company requires of its people.
var ruleKeys = map[policy.Rule]string{
	policy.Off:       "desk.rule.off",
	policy.OwnChoice: "desk.rule.own_choice",
	policy.Everyone:  "desk.rule.everyone",
}

// ruleKey says what a company requires of its people, but for the roles that are left out and while not everyone is
// asked yet.
func ruleKey(rule policy.Rule, leftOut []string, inSteps bool) string {
	switch {
	case rule == policy.Everyone && inSteps:
		return "desk.rule.stages"
	case rule == policy.Everyone && len(leftOut) > 0:
		return "desk.rule.roles"
	}
	return ruleKeys[rule]
}

// modeKeys say what the vendor decides.
var modeKeys = map[tenant.Mode]string{
	tenant.Inherit:    "desk.mode.inherit",
	tenant.Mandatory:  "desk.mode.mandatory",
	tenant.DefaultOn:  "desk.mode.default_on",
	tenant.DefaultOff: "desk.mode.default_off",
}

// kindKeys say what sort of program an app is.
var kindKeys = map[string]string{
	client.Confidential: "desk.kind.confidential",
	client.Public:       "desk.kind.public",
	client.Native:       "desk.kind.native",
}

// doneKeys is a closed list: an address must not put words on a page.
var doneKeys = map[string]string{
	"created":   "desk.done.created",
	"suspended": "desk.done.suspended",
	"resumed":   "desk.done.resumed",
	"decided":   "desk.done.decided",
	"announced": "desk.done.announced",
	"app":       "desk.done.app",
	"address":   "desk.done.address",
	"exempt":    "desk.done.exempt",
	"required":  "desk.done.required",
	"why":       "desk.done.why",
	"built_in":  "desk.done.built_in",
	"confirmed": "desk.done.confirmed",
}
