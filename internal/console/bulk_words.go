package console

import "countersign/internal/people"

// bulkTexts are the catalogue keys of what is said about a kind of action on many people.
type bulkTexts struct {
	Name, Hint string // where it is offered
	Title      string // before it is done, and so are Will, Final and Do
	Will       string
	Final      string
	Do         string
	Done       string
	Alarming   bool
	AsksTime   bool // asks for a last day and a reason
}

var bulkTextsOf = map[people.BulkKind]bulkTexts{
	people.BulkInvite: {
		Name:  "console.bulk.invite",
		Hint:  "console.bulk.invite.hint",
		Title: "console.bulk.invite.title",
		Will:  "console.bulk.invite.will",
		Final: "console.bulk.invite.final",
		Do:    "console.bulk.invite.do",
		Done:  "console.bulk.invite.done",
	},
	people.BulkRemind: {
		Name:  "console.bulk.remind",
		Hint:  "console.bulk.remind.hint",
		Title: "console.bulk.remind.title",
		Will:  "console.bulk.remind.will",
		Final: "console.bulk.remind.final",
		Do:    "console.bulk.remind.do",
		Done:  "console.bulk.remind.done",
	},
	people.BulkExempt: {
		Name:     "console.bulk.exempt",
		Hint:     "console.bulk.exempt.hint",
		Title:    "console.bulk.exempt.title",
		Will:     "console.bulk.exempt.will",
		Final:    "console.bulk.exempt.final",
		Do:       "console.bulk.exempt.do",
		Done:     "console.bulk.exempt.done",
		AsksTime: true,
	},
	people.BulkRequire: {
		Name:  "console.bulk.require",
		Hint:  "console.bulk.require.hint",
		Title: "console.bulk.require.title",
		Will:  "console.bulk.require.will",
		Final: "console.bulk.require.final",
		Do:    "console.bulk.require.do",
		Done:  "console.bulk.require.done",
	},
	people.BulkSignOut: {
		Name:     "console.bulk.sign_out",
		Hint:     "console.bulk.sign_out.hint",
		Title:    "console.bulk.sign_out.title",
		Will:     "console.bulk.sign_out.will",
		Final:    "console.bulk.sign_out.final",
		Do:       "console.bulk.sign_out.do",
		Done:     "console.bulk.sign_out.done",
		Alarming: true,
	},
}

// leftOutKeys say why people are left out of an action.
var leftOutKeys = map[people.Outcome]string{
	people.OutcomeSelf:           "console.bulk.left.self",
	people.OutcomeRole:           "console.bulk.left.role",
	people.OutcomeDisabled:       "console.bulk.left.disabled",
	people.OutcomeHasPassword:    "console.bulk.left.has_password",
	people.OutcomeWithdrawn:      "console.bulk.left.withdrawn",
	people.OutcomeNotPending:     "console.bulk.left.not_pending",
	people.OutcomeNotAccepted:    "console.bulk.left.not_accepted",
	people.OutcomeRemindedBefore: "console.bulk.left.reminded_before",
	people.OutcomeSignedOut:      "console.bulk.left.signed_out",
	people.OutcomeHadMethod:      "console.bulk.left.had_method",
	people.OutcomeNotExempt:      "console.bulk.left.not_exempt",
	people.OutcomeOften:          "console.bulk.left.often",
	people.OutcomeGone:           "console.bulk.left.gone",
	people.OutcomeStopped:        "console.bulk.left.stopped",
	people.OutcomeFailed:         "console.bulk.left.failed",
}

// bulkEndKeys say why an action ended before everyone had their turn.
var bulkEndKeys = map[string]string{
	"stopped":  "console.bulk.ended.stopped",
	"rights":   "console.bulk.ended.rights",
	"stalled":  "console.bulk.ended.stalled",
	"restored": "console.bulk.ended.stalled",
}
