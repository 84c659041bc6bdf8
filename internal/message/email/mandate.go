package email

import "time"

// MandateAnnounced tells the owners of a company that the vendor requires two-factor authentication, or turns it on.
type MandateAnnounced struct {
	Vendor, Company string
	From            time.Time // zero: at once
	Locked          bool      // the company cannot turn it off
	By              ChangedBy
}

func (MandateAnnounced) kind() string { return "mandate_announced" }

func (c MandateAnnounced) letter(w *writer) letter {
	vendor, company := cleanName(c.Vendor), defang(c.Company)
	l := letter{
		Subject:    w.say("mail.mandate.subject_now", "Company", company),
		Title:      w.say("mail.mandate.title_now"),
		Lead:       w.say("mail.mandate.text_now", "Vendor", vendor, "Company", company),
		Vendor:     vendor,
		FactsTitle: w.say("mail.changed.facts"),
		Facts:      w.changedBy(c.By, vendor),
		Never:      w.say("mail.mandate.prepare_now"),
		Footer:     w.say("mail.footer_alert", "Vendor", vendor),
	}
	if !c.From.IsZero() {
		from := w.words.Date(c.From)
		l.Subject = w.say("mail.mandate.subject", "Company", company, "From", from)
		l.Title = w.say("mail.mandate.title", "From", from)
		l.Lead = w.say("mail.mandate.text", "Vendor", vendor, "Company", company, "From", from)
		l.Never = w.say("mail.mandate.prepare")
	}
	off := w.say("mail.mandate.may_turn_off")
	if c.Locked {
		off = w.say("mail.mandate.locked")
	}
	l.Facts = append([]line{{w.say("mail.lowered.switch"), off}}, l.Facts...)
	l.Preheader = l.Lead
	return l
}
