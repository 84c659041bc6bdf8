package email

import "time"

// ByHand tells a person that those who run the installation changed their account, which no
// link of ours takes back.
type ByHand struct {
	Vendor   string
	What     string // what the record calls it, with a space for the dot
	Old, New string // addresses, masked; where the address was changed
	At       time.Time
}

func (ByHand) kind() string { return "by_hand" }

func (c ByHand) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	var lead string
	switch c.What {
	case "user disabled":
		lead = w.say("mail.by_hand.disabled", "Vendor", vendor)
	case "user enabled":
		lead = w.say("mail.by_hand.enabled", "Vendor", vendor)
	case "user address":
		lead = w.say("mail.by_hand.address", "Vendor", vendor)
	case "methods restored":
		lead = w.say("mail.by_hand.methods_restored", "Vendor", vendor)
	case "methods wait_ended":
		lead = w.say("mail.by_hand.wait_ended", "Vendor", vendor)
	case "methods reset":
		lead = w.say("mail.by_hand.methods_reset", "Vendor", vendor)
	case "methods suspended":
		lead = w.say("mail.by_hand.methods_suspended", "Vendor", vendor)
	default:
		lead = w.say("mail.by_hand.password", "Vendor", vendor)
	}
	l := letter{
		Subject:    w.say("mail.by_hand.subject", "Vendor", vendor),
		Preheader:  lead,
		Title:      w.say("mail.by_hand.title"),
		Lead:       lead,
		Vendor:     vendor,
		FactsTitle: w.say("mail.restored.facts"),
		Facts:      []line{{w.say("word.time"), w.words.Time(c.At)}},
		Never:      w.say("mail.by_hand.ask", "Vendor", cleanName(c.Vendor)),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
	}
	if c.Old != "" {
		l.Facts = append(w.addressLines(c.Old, c.New), l.Facts...)
	}
	return l
}
