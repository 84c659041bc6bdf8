package desk

import "countersign/internal/policy"

// ruleKeys say what a company requires of its people.
var ruleKeys = map[policy.Rule]string{
	policy.Off:       "desk.rule.off",
	policy.OwnChoice: "desk.rule.own_choice",
	policy.Everyone:  "desk.rule.everyone",
}

// doneKeys is a closed list: an address must not put words on a page.
var doneKeys = map[string]string{
	"created":   "desk.done.created",
	"suspended": "desk.done.suspended",
	"resumed":   "desk.done.resumed",
}
