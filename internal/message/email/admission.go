package email

import "time"

// Admission carries a link that lets a new browser try to sign in where others' failures would
// make it wait. It signs no one in.
type Admission struct {
	Vendor, Link       string
	IP, Place, Browser string
	At, ExpiresAt      time.Time
}

func (Admission) kind() string { return "admission" }

func (c Admission) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	return letter{
		Subject:    w.say("mail.admission.subject", "Vendor", vendor),
		Preheader:  w.say("mail.admission.preheader", "Vendor", vendor),
		Title:      w.say("mail.admission.title"),
		Lead:       w.say("mail.admission.text", "Vendor", vendor),
		Vendor:     vendor,
		Link:       webAddress(c.Link),
		LinkLead:   w.say("mail.admission.link", "Time", w.time(c.ExpiresAt, c.IP)),
		LinkText:   w.say("mail.admission.link", "Time", w.time(c.ExpiresAt, c.IP)),
		Button:     w.say("mail.admission.button"),
		Never:      w.say("mail.admission.ignore"),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.admission.footer", "Vendor", cleanName(c.Vendor)),
	}
}
