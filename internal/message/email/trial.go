package email

import "time"

// Trial shows an operator that mail arrives.
type Trial struct {
	Vendor, Host string // Host is the installation's public address
	At           time.Time
}

func (Trial) kind() string { return "trial" }

func (c Trial) letter(w *writer) letter {
	lead := w.say("mail.trial.text", "Host", cleanName(c.Host))
	return letter{
		Subject:    w.say("mail.trial.subject", "Vendor", cleanName(c.Vendor)),
		Preheader:  lead,
		Title:      w.say("mail.trial.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      []line{{w.say("word.time"), w.words.Time(c.At)}},
		Footer:     w.say("mail.trial.footer", "Vendor", cleanName(c.Vendor)),
	}
}
