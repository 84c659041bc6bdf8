package console

import (
	"time"

	"countersign/internal/audit"
	"countersign/internal/company"
)

func storyActivity(now time.Time) []activityRow {
	return []activityRow{
		{
			What:      "audit.signin.second_factor",
			Action:    string(audit.SignInSecondFactor),
			Outcome:   "console.result.failed",
			Tone:      "failed",
			Person:    "Aiko Tanaka",
			PersonID:  "u3",
			Method:    "method.totp",
			App:       "dashboard",
			IP:        "203.0.113.7",
			Place:     "Valencia, Spain",
			Browser:   "Firefox, Linux",
			Reason:    "wrong_code",
			RequestID: "7QZK2M4XN5T6B3WEPLRAVHDYCJ",
			ID:        "01JC0000000000000000000001",
			At:        now,
		},
		{
			What:     "audit.user.role",
			Action:   string(audit.UserRole),
			Outcome:  "console.result.ok",
			Tone:     "ok",
			Person:   "Jonas Lindqvist",
			PersonID: "u2",
			Actor:    "Maria Ortiz",
			ActorID:  "u1",
			Reason:   "supervisor",
			ID:       "01JC0000000000000000000000",
			At:       now.Add(-time.Hour),
		},
	}
}

func storyActivityPage(now time.Time) activityPage {
	page := activityPage{
		frame:  storyFrame("activity"),
		Form:   activityForm{UserID: "u3"},
		Rows:   storyActivity(now),
		Person: "Aiko Tanaka",
		Older:  "/company/activity?before=01JC0000000000000000000000",
		Export: true,
	}
	page.addFilters(company.ActivityFilter{}, page.Form, storyApps)
	return page
}

var storyApps = map[string]string{"dashboard": "Harbor Dashboard", "phone": "Harbor Phone"}

// storyWrongActivity has every filter, of which three cannot be used.
func storyWrongActivity() activityPage {
	page := activityPage{
		frame: storyFrame("activity"),
		Form: activityForm{
			Text:      "two-factor",
			ActorID:   "u1",
			By:        string(company.ByOther),
			App:       "phone",
			Network:   "203.0.113.0/33",
			Place:     "Valencia",
			RequestID: "7QZK2M4XN5T6",
			From:      "2026-11-20",
			Until:     "2026-11-12",
			Problems: map[string]string{
				"network": "console.activity.network_bad",
				"until":   "console.activity.until_bad",
				"request": "console.activity.request_bad",
			},
		},
		Actor:    "Maria Ortiz",
		Filtered: true,
	}
	page.addFilters(company.ActivityFilter{By: company.ByOther, App: "phone"}, page.Form, storyApps)
	return page
}
