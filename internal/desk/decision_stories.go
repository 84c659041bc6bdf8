package desk

import (
	"net/http"
	"net/url"
	"time"

	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

func storyDecision() decisionPage {
	page := decisionPage{
		frame:     storyFrame("decision"),
		From:      "2027-01-15",
		Today:     "2026-11-30",
		MayChange: true,
		Methods: []methodOption{
			{Kind: "passkey", Title: "method.passkey", Allowed: true},
			{Kind: "totp", Title: "method.totp", Allowed: true},
			{Kind: "sms", Title: "method.sms"},
		},
		Days: dayOptions(subject{maxDays: tenant.MaxRememberDays}, 14),
	}
	for _, mode := range []tenant.Mode{tenant.Mandatory, tenant.DefaultOn, tenant.DefaultOff} {
		page.Modes = append(page.Modes, pages.NewOption(string(mode), modeKeys[mode], mode == tenant.Mandatory))
	}
	return page
}

func adoptionStories(now time.Time) []web.Story {
	var days []company.AdoptionDay
	for n := 80; n >= 0; n-- {
		days = append(days, company.AdoptionDay{
			Day:       now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -n),
			People:    1200 + 2*(80-n),
			Activated: 300 + 11*(80-n),
			Pending:   120,
		})
	}
	all, one, none := adoptionOf(now, days), adoptionOf(now, days[80:]), adoptionOf(now, nil)
	all.frame, none.frame = storyFrame("adoption"), storyFrame("adoption")
	one.frame, one.ID, one.Name = storyFrame("companies"), "ortiz", "Ortiz & Sons"
	return []web.Story{
		{Name: "desk/adoption", Status: 200, Page: all},
		{Name: "desk/adoption/company", Status: 200, Page: one},
		{Name: "desk/adoption/none", Status: 200, Page: none},
	}
}

// storyOutdated is the form of a decision where someone else has decided since it was opened.
func storyOutdated(now time.Time) decisionPage {
	page := storyDecision()
	page.Outdated = pages.Outdated{
		Stored: []pages.Said{
			{Key: modeKeys[tenant.DefaultOn]},
			{Label: "desk.outdated.start", Day: now.AddDate(0, 0, 20)},
			{Key: "method.passkey"},
			{Label: "desk.decision.days", Key: "console.days.count", Count: 30},
		},
		Yours: []pages.Said{
			{Key: modeKeys[tenant.Mandatory]},
			{Label: "desk.outdated.start", Day: time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)},
			{Key: "method.passkey"},
			{Key: "method.totp"},
			{Label: "desk.decision.days", Key: "console.days.count", Count: 14},
		},
	}
	return page
}

func decisionStories(now time.Time) []web.Story {
	all, one := storyDecision(), storyDecision()
	one.frame, one.ID, one.Name = storyFrame("companies"), "ortiz", "Ortiz & Sons"
	one.Modes = append([]pages.Option{pages.NewOption("", modeKeys[tenant.Inherit], true)}, one.Modes...)
	one.Modes[1].Selected, one.Methods[2].RuledOut, one.From = false, true, ""
	one.Days = dayOptions(subject{id: "ortiz", maxDays: tenant.MaxRememberDays}, tenant.InheritDays)
	over, look := all, all
	over.Problem, look.MayChange = pages.Problem{Problem: "activation.start_past"}, false
	plan := planPage{
		frame: storyFrame("decision"),
		Mode:  modeKeys[tenant.Mandatory],
		Days:  14,
		Plan: company.DecisionPlan{
			From:      now.AddDate(0, 0, 20),
			Begins:    14,
			People:    1312,
			Extends:   3,
			Locks:     20,
			Unchanged: 1,
			Own:       2,
		},
		Methods: []string{"method.passkey", "method.totp"},
		Form:    url.Values{"mode": {"mandatory"}, "from": {"2026-12-12"}, "days": {"14"}, "method": {"passkey", "totp"}},
	}
	alarming := plan
	alarming.ID, alarming.Name = "ortiz", "Ortiz & Sons"
	alarming.Days = tenant.InheritDays
	alarming.Plan = company.DecisionPlan{
		Begins:    1,
		People:    12,
		LockedOut: []string{"maria@harbor.example"},
		NoOwner:   []string{"Ortiz & Sons"},
		Stranded: company.Stranded{
			MustSetUp: []string{"jonas@harbor.example"},
			LockedOut: []string{"aiko@harbor.example"},
		},
		Unseen: 2,
	}
	return []web.Story{
		{Name: "desk/decision", Status: 200, Page: all},
		{Name: "desk/decision/support", Status: 200, Page: look},
		{Name: "desk/decision/past", Status: 422, Page: over},
		{Name: "desk/decision/company", Status: 200, Page: one},
		{Name: "desk/decision/outdated", Status: http.StatusPreconditionFailed, Page: storyOutdated(now)},
		{Name: "desk/decision/plan", Status: 200, Page: plan},
		{Name: "desk/decision/plan-locked-out", Status: 200, Page: alarming},
	}
}
