package email

import "time"

// ReceiverGone tells a person that a browser receives no codes any more.
type ReceiverGone struct {
	Vendor string
	Label  string // the person's own name for it
	At     time.Time
}

func (ReceiverGone) kind() string { return "receiver_gone" }

func (c ReceiverGone) letter(w *writer) letter {
	lead := w.say("mail.receiver_gone.text", "Vendor", w.from(c.Vendor))
	var facts []line
	if label := defang(c.Label); label != "" {
		facts = append(facts, line{w.say("word.name"), label})
	}
	return letter{
		Subject:    w.say("mail.receiver_gone.subject", "Vendor", w.from(c.Vendor)),
		Preheader:  lead,
		Title:      w.say("mail.receiver_gone.title"),
		Lead:       lead,
		Vendor:     w.from(c.Vendor),
		FactsTitle: w.say("mail.restored.facts"),
		Facts:      append(facts, line{w.say("word.time"), w.words.Time(c.At)}),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
	}
}
