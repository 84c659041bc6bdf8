package console

import (
	"time"

	"countersign/internal/sharing"
	"countersign/internal/web"
)

func sharingStories(now time.Time) []web.Story {
	page := sharingPage{
		frame:  storyFrame("sharing"),
		People: storySuspects(now),
		Looked: 212,
		Places: true,
		Next:   "/company/sharing?after=u9",
	}
	empty := sharingPage{frame: storyFrame("sharing"), Looked: 12}
	return []web.Story{
		{Name: "company/sharing", Status: 200, Page: page},
		{Name: "company/sharing/none", Status: 200, Page: empty},
	}
}

func storySuspects(now time.Time) []suspectRow {
	here := useRow{
		At:      now.Add(-3 * time.Hour),
		Place:   "Valencia, Spain",
		IP:      "203.0.113.7",
		Browser: "Firefox, Linux",
	}
	there := useRow{
		At:      now.Add(-2 * time.Hour),
		Place:   "Osaka, Japan",
		IP:      "198.51.100.20",
		Browser: "Safari, iOS",
	}
	early, late := here, there
	early.Clock, late.Clock = stepSeconds, -stepSeconds
	far := []pairRow{{From: here, To: there, Distance: 10400}}
	team := suspectRow{
		ID:     "u5",
		Name:   "Front desk",
		Email:  "front.desk@harbor.example",
		Status: likelihoodKeys[sharing.VeryLikely],
		Tone:   likelihoodTones[sharing.VeryLikely],
		Invite: "/company/users/new?role=agent",
		Evidence: []evidence{
			{Title: "console.sharing.journeys", Pairs: far, More: 14},
			{Title: "console.sharing.overlaps", Pairs: far},
			{Title: "console.sharing.clocks", Pairs: []pairRow{{From: early, To: late, Clocks: true}}},
			{Title: "console.sharing.browsers", Uses: []useRow{here, there}},
		},
	}
	traveller := suspectRow{
		ID:       "u2",
		Name:     "Jonas Lindqvist",
		Email:    "jonas@harbor.example",
		Status:   likelihoodKeys[sharing.Low],
		Tone:     likelihoodTones[sharing.Low],
		Evidence: []evidence{{Title: "console.sharing.journeys", Pairs: far}},
	}
	return []suspectRow{team, traveller}
}
