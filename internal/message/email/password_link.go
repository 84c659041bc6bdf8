package email

import "time"

// PasswordLink carries a link with which a person sets a password: a new one, or, where they
// have none yet, their first.
type PasswordLink struct {
	Vendor, Company    string
	Email              string // the address that it goes to and that they sign in with
	Invitation         bool
	Asked              bool // by someone on the sign-in page, where the request came from IP
	Link               string
	IP, Place, Browser string
	At, ExpiresAt      time.Time
}

func (PasswordLink) kind() string { return "password_link" }

func (c PasswordLink) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	l := letter{
		Vendor:   vendor,
		Link:     webAddress(c.Link),
		LinkLead: w.say("mail.reset.link", "Time", w.time(c.ExpiresAt, c.IP)),
		LinkText: w.say("mail.reset.link_text", "Time", w.time(c.ExpiresAt, c.IP)),
		Button:   w.say("mail.reset.button"),
		Subject:  w.say("mail.reset.subject", "Vendor", vendor),
		Title:    w.say("mail.reset.title"),
		Lead:     w.say("mail.reset.text", "Vendor", vendor, "Email", cleanName(c.Email)),
		Never:    w.say("mail.reset.ignore"),
		Footer:   w.say("mail.reset.footer", "Vendor", cleanName(c.Vendor)),
	}
	if c.Invitation {
		l.Subject, l.Title = w.say("mail.invitation.subject", "Vendor", vendor),
			w.say("mail.invitation.title", "Vendor", vendor)
		l.Lead = w.say("mail.invitation.text",
			"Vendor", vendor, "Company", defang(c.Company), "Email", cleanName(c.Email))
		l.Button, l.Never = w.say("mail.invitation.button"), w.say("mail.invitation.ignore")
		l.Footer = w.say("mail.invitation.footer", "Vendor", cleanName(c.Vendor))
	}
	if c.Asked {
		l.FactsTitle, l.Facts = w.say("mail.reset.facts"), w.originLines(origin{c.IP, c.Place, c.Browser, c.At})
	}
	l.Preheader = l.Lead
	return l
}
