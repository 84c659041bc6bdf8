package desk

import (
	"time"

	"countersign/internal/company"
	"countersign/internal/message"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/web"
)

// fastTally is of messages all of which were taken within two seconds.
func fastTally(arrived, delayed, lost int) message.Tally {
	return message.Tally{
		Arrived: arrived,
		Delayed: delayed,
		Lost:    lost,
		Timed:   arrived,
		Within:  [5]int{arrived, arrived, arrived, arrived, arrived},
	}
}

func storyDelivery(now time.Time) company.Delivery {
	slow := message.Tally{
		Arrived: 40,
		Delayed: 6,
		Timed:   40,
		Within:  [5]int{2, 9, 18, 25, 34},
	}
	stuck := message.Tally{
		Arrived: 9,
		Delayed: 1,
		Timed:   9,
		Within:  [5]int{0, 0, 1, 1, 2},
	}
	return company.Delivery{
		Mail: message.Health{All: 140, Bad: 3, Worst: []message.Destination{
			{
				Channel:   "email",
				Name:      "brightwater.example",
				Day:       message.Tally{Lost: 12},
				Week:      fastTally(310, 2, 14),
				Problem:   message.Refused,
				ProblemAt: now.Add(-9 * time.Minute),
			},
			{
				Channel:   "email",
				Name:      "mail.fennel.example",
				Day:       slow,
				Week:      slow,
				Problem:   message.Postponed,
				ProblemAt: now.Add(-2 * time.Hour),
			},
			{
				Channel: "email",
				Name:    "ortiz.example",
				Day:     stuck,
				Week:    stuck,
			},
			{
				Channel:   "email",
				Name:      "quiet.example",
				Week:      message.Tally{Lost: 1},
				Problem:   message.Returned,
				ProblemAt: now.AddDate(0, 0, -3),
			},
			{
				Channel: "email",
				Name:    "a-mail-domain-with-a-long-name.of-a-subsidiary.example",
				Day:     fastTally(1, 0, 0),
				Week:    fastTally(1204, 0, 0),
			},
		}},
		SMS: message.Health{All: 2, Bad: 1, Worst: []message.Destination{
			{
				Channel:   "sms",
				Name:      "BR",
				Day:       fastTally(20, 0, 9),
				Week:      fastTally(90, 1, 9),
				Problem:   message.Stopped,
				ProblemAt: now.Add(-time.Hour),
			},
			{
				Channel: "sms",
				Name:    "DE",
				Day:     fastTally(12, 0, 0),
				Week:    fastTally(100, 0, 0),
			},
		}},
	}
}

func deliveryStories(now time.Time) []web.Story {
	page := deliveryPageOf(storyDelivery(now), "en")
	page.frame = storyFrame("delivery")
	none := deliveryPageOf(company.Delivery{}, "en")
	none.frame = storyFrame("delivery")
	list := companiesPage{
		frame:     storyFrame("companies"),
		States:    stateOptions(""),
		Companies: storyCompanies(now),
		Delivery:  &deliveryState{Mail: 3, SMS: 1},
	}
	good := list
	good.Delivery = &deliveryState{}
	counting := deliveryPageOf(company.Delivery{At: people.AsOf{Kept: true}}, "en")
	counting.frame = storyFrame("delivery")
	waiting := countingPage{storyFrame("decision"), pages.Counting{
		Action: decisionPath,
		Posts:  true,
		Fields: []pages.Field{{Name: "mode", Value: "mandatory"}},
	}}
	return []web.Story{
		{Name: "desk/counting", Status: 200, Page: waiting},
		{Name: "desk/delivery/counting", Status: 200, Page: counting},
		{Name: "desk/delivery", Status: 200, Page: page},
		{Name: "desk/delivery/empty", Status: 200, Page: none},
		{Name: "desk/companies/delivery-bad", Status: 200, Page: list},
		{Name: "desk/companies/delivery-good", Status: 200, Page: good},
	}
}
