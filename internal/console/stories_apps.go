package console

import (
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/tenant"
)

func storyCoverage() company.Coverage {
	return company.Coverage{
		Covered: []string{"Harbor Dashboard", "Harbor Admin"},
		Exempt:  []company.ExemptApp{{ID: "phone", Name: "Harbor Phone", Until: db.Forever}},
	}
}

func storyAppsChoices() appsChoices {
	return appsChoices{
		Vendor:    "Harbor",
		MayChange: true,
		Always:    []string{"Harbor Dashboard", "Harbor Admin"},
		Exempt: []appChoice{
			{ID: "phone", Name: "Harbor Phone"},
			{
				ID:       "talk",
				Name:     "Harbor Talk",
				Until:    time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC),
				Required: true,
			},
		},
	}
}

func storyAppsPages(removed bool) appsPage {
	page := appsPage{
		frame:  storyFrame("security"),
		Chosen: []string{"phone"},
		Added:  []string{"Harbor Phone"},
		Counts: securityCounts{
			People:    212,
			Ready:     180,
			MustSetUp: 24,
			LockedOut: 2,
			Invited:   6,
		},
		On:   true,
		Seen: company.MarkOf(tenant.Tenant{}, access.SetApps),
	}
	if !removed {
		return page
	}
	page.Chosen, page.Added, page.Removed = nil, nil, page.Added
	page.Weaker = storyWeaker("Harbor Phone")
	return page
}
