package desk

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/web"
)

// Stories is every page in every state, with canned data, as seen at now.
func Stories(now time.Time) []web.Story {
	return slices.Concat(companyStories(now), decisionStories(now), adoptionStories(now), appStories(now),
		deliveryStories(now), whyStories())
}

func storyFrame(current string) frame { return frame{Current: current} }

func storyCompanies(now time.Time) []companyRow {
	required, optional, off := ruleKeys[policy.Everyone], ruleKeys[policy.OwnChoice], ruleKeys[policy.Off]
	return []companyRow{
		{
			ID:     "brightwater",
			Name:   "Brightwater Travel",
			Rule:   required,
			Tone:   "activated",
			Locked: true,
		},
		{
			ID:       "fennel",
			Name:     "Fennel Street Clinic",
			Rule:     off,
			Tone:     "disabled",
			StartsAt: now.AddDate(0, 0, 20),
		},
		{
			ID:     "harbor",
			Name:   "Harbor",
			Vendor: true,
			Rule:   required,
			Tone:   "activated",
		},
		{
			ID:        "ortiz-and-sons-and-all-of-their-cousins",
			Name:      "Ortiz & Sons & All Of Their Cousins In Three Countries",
			Rule:      optional,
			Tone:      "activated",
			Suspended: true,
		},
	}
}

func companyStories(now time.Time) []web.Story {
	list := companiesPage{
		frame:     storyFrame("companies"),
		States:    stateOptions(""),
		Companies: storyCompanies(now),
		Next:      "/desk/companies?after=ortiz&from=Ortiz",
		MayCreate: true,
	}
	none := companiesPage{
		frame:    storyFrame("companies"),
		Text:     "zz",
		States:   stateOptions("suspended"),
		Filtered: true,
	}
	created := newCompanyPage{
		frame:     storyFrame("companies"),
		Problem:   pages.Problem{Problem: "user.address_taken"},
		ID:        "ortiz",
		Name:      "Ortiz & Sons",
		OwnerName: "Maria Ortiz",
		Address:   "maria@harbor.example",
	}
	users := usersPage{
		frame:  storyFrame("companies"),
		ID:     "ortiz",
		Name:   "Ortiz & Sons",
		People: pages.StoryRows(now),
		First:  "/desk/companies/ortiz/users",
		Next:   "/desk/companies/ortiz/users?after=u4",
	}
	users.addStatuses("")
	return append([]web.Story{
		{Name: "desk/companies", Status: 200, Page: list},
		{Name: "desk/companies/none-found", Status: 200, Page: none},
		{Name: "desk/companies/empty", Status: 200, Page: companiesPage{
			frame:     storyFrame("companies"),
			States:    stateOptions(""),
			MayCreate: true,
		}},
		{Name: "desk/companies/new", Status: 200, Page: newCompanyPage{frame: storyFrame("companies")}},
		{Name: "desk/companies/new-taken", Status: http.StatusConflict, Page: created},
		{Name: "desk/company", Status: 200, Page: storyCompany(now)},
		{Name: "desk/company/support", Status: 200, Page: storySuspended(now)},
		{Name: "desk/company/users", Status: 200, Page: users},
		{Name: "desk/company/users-empty", Status: 200, Page: usersPage{
			frame: storyFrame("companies"),
			ID:    "ortiz",
			Name:  "Ortiz & Sons",
			First: "/desk/companies/ortiz/users",
		}},
	}, stateStories()...)
}

func storyCompany(now time.Time) companyPage {
	page := companyPage{
		frame:       storyFrame("companies"),
		ID:          "ortiz",
		Name:        "Ortiz & Sons",
		Vendor:      "Harbor",
		Created:     now.AddDate(-1, 0, 0),
		Rule:        ruleKeys[policy.Off],
		Tone:        "disabled",
		StartsAt:    now.AddDate(0, 0, 20),
		DaysLeft:    20,
		AnnouncedBy: "Harbor",
		Inherits:    true,
		Statuses:    people.StatusCounts{People: 212, Disabled: 212},
		Methods:     []string{"method.passkey", "method.totp"},
		Days:        30,
		Owners:      []ownerRow{{"Maria Ortiz", "maria@harbor.example", false}, {"Tom Ortiz", "tom@harbor.example", true}},
		MoreOwners:  true,
		Apps: company.Coverage{
			Covered: []string{"Harbor Dashboard"},
			Exempt:  []company.ExemptApp{{Name: "Harbor Phone", Until: db.Forever}},
		},
		MaySuspend: true,
		MayDecide:  true,
	}
	page.Done = doneKeys["created"]
	return page
}

// storySuspended is a company that is suspended, as support sees it.
func storySuspended(now time.Time) companyPage {
	return companyPage{
		frame:       storyFrame("companies"),
		ID:          "ortiz",
		Name:        "Ortiz & Sons",
		Vendor:      "Harbor",
		Created:     now.AddDate(-1, 0, 0),
		SuspendedAt: now.AddDate(0, 0, -2),
		Rule:        ruleKeys[policy.Everyone],
		Tone:        "activated",
		Locked:      true,
		LockedSince: now.AddDate(0, -2, 0),
		Statuses: people.StatusCounts{
			People:    12,
			Activated: 10,
			Pending:   2,
		},
	}
}

func stateStories() []web.Story {
	suspending := statePage{
		frame:       storyFrame("companies"),
		stateChange: suspend,
		ID:          "ortiz",
		Name:        "Ortiz & Sons",
		People:      212,
	}
	refused := suspending
	refused.Problem, refused.Reason, refused.Typed = pages.Problem{Problem: "company.confirm_name"}, "Unpaid", "Ortiz"
	resuming := suspending
	resuming.stateChange = resume
	return []web.Story{
		{Name: "desk/company/suspend", Status: 200, Page: suspending},
		{Name: "desk/company/suspend-refused", Status: 422, Page: refused},
		{Name: "desk/company/resume", Status: 200, Page: resuming},
	}
}
