package email

import (
	"strconv"
	"time"
)

// SpendingCeiling tells owners and operators that no more may be spent on text messages today.
type SpendingCeiling struct {
	Vendor  string
	Company string // whose ceiling was reached; empty: not a company's
	Account string // which other one: "all", "country:DE", "range:+4915112345"; empty for a company's
	Ceiling int64  // micro-units of the operator's currency
	At      time.Time
}

// TextsPaused tells owners and operators that a company's texts to a country are paused, because
// hardly anyone enters their codes.
type TextsPaused struct {
	Vendor, Company string
	Country         string // "DE (+49)"
	At              time.Time
}

func (SpendingCeiling) kind() string { return "spending_ceiling" }
func (TextsPaused) kind() string     { return "texts_paused" }

func (c TextsPaused) letter(w *writer) letter {
	lead := w.say("mail.paused.text", "Company", defang(c.Company), "Country", cleanName(c.Country))
	return letter{
		Subject:    w.say("mail.paused.subject"),
		Preheader:  lead,
		Title:      w.say("mail.paused.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.ceiling.facts"),
		Facts:      []line{{w.say("bind.sms.country"), cleanName(c.Country)}, {w.say("word.time"), w.words.Time(c.At)}},
		Footer:     w.say("mail.ceiling.footer", "Vendor", cleanName(c.Vendor)),
	}
}

// money writes micro-units as a decimal number: 1500000 is 1.50.
func money(micros int64) string {
	return strconv.FormatFloat(float64(micros)/1e6, 'f', 2, 64)
}

func (c SpendingCeiling) letter(w *writer) letter {
	lead := w.say("mail.ceiling.text_all")
	if c.Company != "" {
		lead = w.say("mail.ceiling.text_company", "Company", defang(c.Company))
	}
	facts := []line{{w.say("mail.ceiling.limit"), money(c.Ceiling)}, {w.say("word.time"), w.words.Time(c.At)}}
	if c.Company == "" {
		facts = append([]line{{w.say("mail.ceiling.account"), cleanName(c.Account)}}, facts...)
	}
	return letter{
		Subject:    w.say("mail.ceiling.subject"),
		Preheader:  lead,
		Title:      w.say("mail.ceiling.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.ceiling.facts"),
		Facts:      facts,
		Footer:     w.say("mail.ceiling.footer", "Vendor", cleanName(c.Vendor)),
	}
}
