package console

import (
	"time"

	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/web"
)

// manyStories are what a company with many people sees, of whom not everyone can be counted while someone waits.
func manyStories(now time.Time) []web.Story {
	counting := checkPage{frame: storyFrame("security"), Vendor: "Harbor", At: people.AsOf{Kept: true}}
	counted := assurancePage{frame: storyFrame("security"), At: people.AsOf{Kept: true, At: now.Add(-time.Minute)}}
	searching := usersPage{
		frame:    storyFrame("users"),
		Filtered: true,
		LookedTo: "maria.santos@harbor.example",
		Next:     "/company/users?after=u2&status=pending",
	}
	searching.addFilters(people.Search{Status: policy.Pending})
	found := searching
	found.People = pages.StoryRows(now)
	waiting := countingPage{storyFrame("security"), pages.Counting{
		Action: "/company/security/methods",
		Posts:  true,
		Fields: []pages.Field{{Name: "method", Value: "totp"}},
	}}
	return []web.Story{
		{Name: "company/counting", Status: 200, Page: waiting},
		{Name: "company/check/counting", Status: 200, Page: counting},
		{Name: "company/assurance/counted", Status: 200, Page: counted},
		{Name: "company/users/searching", Status: 200, Page: searching},
		{Name: "company/users/search-goes-on", Status: 200, Page: found},
	}
}
