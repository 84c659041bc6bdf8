package email

import "time"

// Reminder asks a person to set up a sign-in method, because their company requires one.
type Reminder struct {
	Vendor, Company string
	SetUpBy         time.Time // zero: set-up comes first at the next sign-in
	Link            string
}

func (Reminder) kind() string { return "reminder" }

func (c Reminder) letter(w *writer) letter {
	vendor, company := w.from(c.Vendor), defang(c.Company)
	lead := w.say("mail.reminder.text", "Company", company)
	if !c.SetUpBy.IsZero() {
		lead = w.say("mail.reminder.text_by", "Company", company, "By", w.words.Time(c.SetUpBy))
	}
	return letter{
		Subject:   w.say("mail.reminder.subject", "Vendor", vendor),
		Preheader: lead,
		Title:     w.say("mail.reminder.title"),
		Lead:      lead,
		Vendor:    vendor,
		Button:    w.say("mail.reminder.button"),
		Link:      c.Link,
		Footer:    w.say("mail.footer_reminder", "Vendor", cleanName(c.Vendor), "Company", company),
	}
}
