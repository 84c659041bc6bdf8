package email

import (
	"strconv"
	"time"
)

// Alert is what a letter to the owners of a company is about.
type Alert string

// The alerts.
const (
	AlertUsersExported    Alert = "users_exported"
	AlertActivityExported Alert = "activity_exported"
	AlertMethodsReset     Alert = "methods_reset"
	AlertExempted         Alert = "exempted" // a person need not set up a method for some time
	AlertExemptedMany     Alert = "exempted_many"
	AlertFailures         Alert = "failures"
	AlertSupport          Alert = "support_contact"
)

// CompanyAlert tells the owners of a company what they should know of at once.
type CompanyAlert struct {
	Vendor, Company string
	What            Alert
	Name, Email     string    // the person whom it concerns; empty where it concerns no one in particular
	Count, Accounts int       // of failures: how many in the last hour, and at how many accounts
	By              ChangedBy // of failures: only the time
	Next            time.Time // no further alert of this kind comes before; zero = the next one comes at once
}

func (CompanyAlert) kind() string { return "company_alert" }

func (c CompanyAlert) letter(w *writer) letter {
	vendor, company := cleanName(c.Vendor), defang(c.Company)
	subject, title, text := alertKeys(c.What)
	l := letter{
		Subject: w.say(subject, "Company", company, "User", defang(c.Name)),
		Title:   w.say(title),
		Lead:    w.say(text, "Company", company, "User", defang(c.Name), "Email", cleanName(c.Email)),
		Vendor:  vendor,
		Never:   w.say("mail.alert.ask", "Vendor", vendor),
		Footer:  w.say("mail.footer_alert", "Vendor", vendor),
	}
	l.Preheader = l.Lead
	if c.What != AlertFailures {
		l.FactsTitle, l.Facts = w.say("mail.alert.facts"), append(w.changedBy(c.By, vendor), c.pause(w)...)
		return l
	}
	l.Never = w.say("mail.alert.failures.ask")
	l.FactsTitle = w.say("mail.alert.facts")
	l.Facts = []line{
		{w.say("mail.alert.failures.count"), strconv.Itoa(c.Count)},
		{w.say("mail.alert.failures.accounts"), strconv.Itoa(c.Accounts)},
		{w.say("word.time"), w.words.Time(c.By.At)},
	}
	return l
}

// pause says that there have been many alerts of this kind, and when the next can come.
func (c CompanyAlert) pause(w *writer) []line {
	if c.Next.IsZero() {
		return nil
	}
	return []line{{w.say("mail.alert.next"), w.say("mail.alert.next.value", "Next", w.words.Time(c.Next))}}
}

// alertKeys are the catalogue keys of an alert.
func alertKeys(a Alert) (subject, title, text string) {
	switch a {
	case AlertActivityExported:
		return "mail.alert.activity.subject", "mail.alert.activity.title", "mail.alert.activity.text"
	case AlertMethodsReset:
		return "mail.alert.reset.subject", "mail.alert.reset.title", "mail.alert.reset.text"
	case AlertFailures:
		return "mail.alert.failures.subject", "mail.alert.failures.title", "mail.alert.failures.text"
	case AlertExempted:
		return "mail.alert.exempted.subject", "mail.alert.exempted.title", "mail.alert.exempted.text"
	case AlertExemptedMany:
		return "mail.alert.exempted_many.subject", "mail.alert.exempted_many.title", "mail.alert.exempted_many.text"
	case AlertSupport:
		return "mail.alert.support.subject", "mail.alert.support.title", "mail.alert.support.text"
	case AlertUsersExported:
	}
	return "mail.alert.users.subject", "mail.alert.users.title", "mail.alert.users.text"
}
