package desk

import (
	"time"

	"countersign/internal/company"
	"countersign/internal/message"
	"countersign/internal/tenant"
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
	return []web.Story{
		{Name: "desk/delivery", Status: 200, Page: page},
		{Name: "desk/delivery/empty", Status: 200, Page: none},
		{Name: "desk/companies/delivery-bad", Status: 200, Page: list},
		{Name: "desk/companies/delivery-good", Status: 200, Page: good},
	}
}

const storyWhy = "Since the spring many of our customers’ passwords have been found on the internet.\n\n" +
	"A second step keeps your bookings safe, also where your password is known to others."

func whyStories() []web.Story {
	texts := []tenant.WhyText{
		{Language: "en", Body: storyWhy, Version: 3},
		{Language: "de"},
		{Language: "es", Body: "Porque sus reservas nos importan.", Version: 1},
		{Language: "fr"},
		{Language: "pt-BR"},
	}
	own := whyTextPage{
		frame:     storyFrame("why"),
		Language:  "en",
		Text:      storyWhy,
		Version:   3,
		Own:       true,
		Preview:   whyPreview{"Why two-factor authentication?", tenant.Paragraphs(storyWhy)},
		MayChange: true,
	}
	support := own
	support.MayChange = false
	builtIn := own
	builtIn.Text, builtIn.Own, builtIn.Version = "", false, 0
	builtIn.Preview.Paragraphs = []string{"Passwords get out.", "The second step checks that you also have a device."}
	typed := own
	typed.Previewed, typed.Text = true, storyWhy+"\n\n<b>Ask us anything.</b>"
	typed.Preview.Paragraphs = tenant.Paragraphs(typed.Text)
	tooLong, outdated, stale := typed, typed, typed
	tooLong.Problem.Problem = "text.too_long"
	outdated.Stored = &tenant.WhyText{Language: "en", Body: "Because we care.", Version: 4}
	stale.Stale = true
	return []web.Story{
		{Name: "desk/why", Status: 200, Page: whyTextsPage{storyFrame("why"), texts}},
		{Name: "desk/why/own", Status: 200, Page: own},
		{Name: "desk/why/support", Status: 200, Page: support},
		{Name: "desk/why/built-in", Status: 200, Page: builtIn},
		{Name: "desk/why/preview", Status: 200, Page: typed},
		{Name: "desk/why/too-long", Status: 422, Page: tooLong},
		{Name: "desk/why/outdated", Status: 412, Page: outdated},
		{Name: "desk/why/stale", Status: 403, Page: stale},
	}
}
