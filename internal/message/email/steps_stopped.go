package email

import (
	"strconv"
	"time"
)

// StepsStopped tells the owners and admins of a company that two-factor authentication is not turned on for further
// people, because too many of those who were asked could not sign in.
type StepsStopped struct {
	Vendor, Company string
	Asked, Failed   int // people
	Percent         int // above which the company wanted it to stop
	Step            int // the one that has begun
	At              time.Time
	Link            string // where it is continued
}

func (StepsStopped) kind() string { return "steps_stopped" }

func (c StepsStopped) letter(w *writer) letter {
	vendor, company := cleanName(c.Vendor), defang(c.Company)
	limit := w.say("mail.steps_stopped.percent", "Percent", strconv.Itoa(c.Percent))
	lead := w.say("mail.steps_stopped.text", "Company", company)
	return letter{
		Subject:    w.say("mail.steps_stopped.subject", "Company", company),
		Preheader:  lead,
		Title:      w.say("mail.steps_stopped.title"),
		Lead:       lead,
		Vendor:     vendor,
		Button:     w.say("mail.steps_stopped.button"),
		Link:       c.Link,
		FactsTitle: w.say("mail.alert.facts"),
		Facts: []line{
			{w.say("mail.steps_stopped.failed"), w.say("mail.steps_stopped.of",
				"Failed", strconv.Itoa(c.Failed), "Asked", strconv.Itoa(c.Asked))},
			{w.say("mail.steps_stopped.limit"), limit},
			{w.say("mail.steps_stopped.step"), w.say("mail.steps_stopped.step_of", "Step", strconv.Itoa(c.Step))},
			{w.say("word.time"), w.words.Time(c.At)},
		},
		Never:  w.say("mail.steps_stopped.ask"),
		Footer: w.say("mail.footer_alert", "Vendor", vendor),
	}
}
