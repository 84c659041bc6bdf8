package email

import "time"

// ActivationCode carries the code with which an owner or admin proves that mail reaches them, before they switch
// two-factor authentication on for their company. It has no link.
type ActivationCode struct {
	Vendor, Company    string
	Code, Reference    string
	IP, Place, Browser string
	At, ExpiresAt      time.Time
}

func (ActivationCode) kind() string { return "activation_code" }

func (c ActivationCode) letter(w *writer) letter {
	vendor, company, reference := w.from(c.Vendor), defang(c.Company), cleanName(c.Reference)
	l := letter{
		Subject:    w.say("mail.activation_code.subject", "Company", company, "Reference", reference),
		Preheader:  w.say("mail.activation_code.preheader", "Reference", reference),
		Title:      w.say("mail.activation_code.title"),
		Lead:       w.say("mail.activation_code.text", "Company", company),
		Vendor:     vendor,
		Code:       cleanName(c.Code),
		Until:      w.say("mail.code.until", "Time", w.time(c.ExpiresAt, c.IP)),
		Never:      w.say("mail.code.never", "Vendor", vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.activation_code.footer", "Vendor", cleanName(c.Vendor)),
	}
	l.Facts = append(l.Facts, line{w.say("word.reference"), reference})
	return l
}
