package desk

import (
	"countersign/internal/tenant"
	"countersign/internal/web"
)

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
