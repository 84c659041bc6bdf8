package pages

import (
	"time"

	"countersign/internal/policy"
	"countersign/internal/user"
)

// StoryRows are people in the rows of a table, for stories.
func StoryRows(now time.Time) []PersonRow {
	email, app, passkey := "method.email", "method.totp", "method.passkey"
	return []PersonRow{
		{
			ID:         "u1",
			Name:       "Maria Ortiz",
			Email:      "maria@harbor.example",
			Role:       RoleKeys[user.Owner],
			Status:     StatusKeys[policy.Activated],
			Tone:       string(policy.Activated),
			Methods:    []MethodRow{used(passkey, now.Add(-time.Hour)), used(app, now.AddDate(0, -2, 0))},
			LastSignIn: now.Add(-time.Hour),
		},
		{
			ID:     "u2",
			Name:   "Jonas Lindqvist",
			Email:  "jonas@harbor.example",
			Role:   RoleKeys[user.Agent],
			Status: StatusKeys[policy.Pending],
			Tone:   string(policy.Pending),
			Notes:  []string{"console.note.invited"},
		},
		{
			ID:         "u3",
			Name:       "Aiko Tanaka",
			Email:      "aiko.tanaka.with.a.long.address@customer-service.harbor.example",
			Role:       RoleKeys[user.Supervisor],
			Status:     StatusKeys[policy.Pending],
			Tone:       string(policy.Pending),
			Notes:      []string{"console.note.overdue", "console.note.stuck"},
			Methods:    []MethodRow{used(email, time.Time{}), {Title: app, OutOfOrder: true}},
			LastSignIn: now.AddDate(0, -1, 0),
		},
		{
			ID:         "u4",
			Name:       "Priya Nair",
			Email:      "priya@harbor.example",
			Role:       RoleKeys[user.Admin],
			Status:     StatusKeys[policy.Disabled],
			Tone:       string(policy.Disabled),
			Notes:      []string{"console.note.own_choice", "console.note.can_but_not_asked"},
			Methods:    []MethodRow{{Title: app}},
			LastSignIn: now.AddDate(0, 0, -3),
		},
	}
}

func used(title string, at time.Time) MethodRow { return MethodRow{Title: title, LastUsed: at} }
