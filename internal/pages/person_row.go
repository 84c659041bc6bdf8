package pages

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/methodtext"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// PersonRow is one person in a table.
type PersonRow struct {
	ID, Name, Email string
	Role            string // catalogue key
	Status          string // catalogue key
	Tone            string // how the status is coloured
	Notes           []string
	Waits           StepWait
	Methods         []MethodRow
	LastSignIn      time.Time
	Chosen          bool // for an action on many people
}

// StepWait says that a person is not asked yet: their company turns on two-factor authentication in steps.
type StepWait struct {
	Shown bool
	From  time.Time // zero: the steps were stopped
}

// StepWaitOf is what must be said of a person who waits for a step.
func StepWaitOf(l people.Listed) StepWait {
	s := l.Status
	return StepWait{Shown: s.Waits && s.Status == policy.Disabled && l.User.DisabledAt.IsZero(), From: s.From}
}

// MethodRow is a method of a person.
type MethodRow struct {
	Title      string // catalogue key
	LastUsed   time.Time
	OutOfOrder bool
}

// StatusKeys are the catalogue keys of statuses.
var StatusKeys = map[policy.Status]string{
	policy.Pending:   "console.status.pending",
	policy.Activated: "console.status.activated",
	policy.Disabled:  "console.status.disabled",
}

// RoleKeys are the catalogue keys of roles.
var RoleKeys = map[user.Role]string{
	user.Owner:      "role.owner",
	user.Admin:      "role.admin",
	user.Supervisor: "role.supervisor",
	user.Agent:      "role.agent",
	user.Operator:   "role.operator",
	user.Support:    "role.support",
}

// RowOf is a person in the words of the table.
func RowOf(l people.Listed, rule policy.Rule) PersonRow {
	out := PersonRow{
		ID:         l.User.ID,
		Name:       l.User.Name,
		Email:      l.User.Email,
		Role:       RoleKeys[l.User.Role],
		Status:     StatusKeys[l.Status.Status],
		Tone:       string(l.Status.Status),
		Notes:      NotesOf(l, rule),
		Waits:      StepWaitOf(l),
		LastSignIn: l.SignedInAt,
	}
	if !l.User.DisabledAt.IsZero() {
		out.Status = "" // no one is asked for anything
	}
	for _, m := range l.Methods {
		if m.Kind == authenticator.Password || OnlyNotified(m.Kind, l.Status) {
			continue
		}
		out.Methods = append(out.Methods, MethodRow{
			Title:      methodtext.Of(m.Kind).Name,
			LastUsed:   m.LastUsed,
			OutOfOrder: m.OutOfOrder,
		})
	}
	return out
}

// NotesOf are catalogue keys of what must be said beside a status.
func NotesOf(l people.Listed, rule policy.Rule) (out []string) {
	switch {
	case !l.User.DisabledAt.IsZero():
		return []string{"console.note.disabled"}
	case l.Withdrawn:
		out = append(out, "console.note.withdrawn")
	case l.Invited:
		out = append(out, "console.note.invited")
	}
	if l.Status.Overdue && !l.Invited {
		out = append(out, "console.note.overdue")
	}
	if l.Status.Exempt {
		out = append(out, "console.note.exempt")
	}
	if l.Status.Stuck {
		out = append(out, "console.note.stuck")
	}
	own := rule == policy.OwnChoice || rule == policy.Everyone && l.Status.Own
	if l.Status.Status == policy.Disabled && own && !l.Status.Waits {
		out = append(out, "console.note.own_choice")
	}
	if l.Status.Status == policy.Disabled && len(l.Status.Can) > 0 && !onlyEmail(l.Status.Can) {
		out = append(out, "console.note.can_but_not_asked")
	}
	return out
}

// OnlyNotified reports whether a method is a mailbox that gets notices, but that no sign-in asks.
func OnlyNotified(k authenticator.Kind, s policy.PersonStatus) bool {
	return k == authenticator.Email && !slices.Contains(s.Can, k)
}

func onlyEmail(kinds []authenticator.Kind) bool {
	return len(kinds) == 1 && kinds[0] == authenticator.Email
}
