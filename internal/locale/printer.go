package locale

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Printer says things in one language. It is safe for concurrent use.
type Printer struct {
	lang    string
	tag     language.Tag
	fixed   map[string]string // messages without placeholders
	phrases map[string]phrase
	months  []string
}

// Lang is the BCP 47 tag, for the lang attribute.
func (p *Printer) Lang() string { return p.lang }

// Has reports whether key is a sentence of this language.
func (p *Printer) Has(key string) bool {
	if _, ok := p.fixed[key]; ok {
		return true
	}
	_, ok := p.phrases[key]
	return ok
}

// T says the message of key. args are alternating names and values; an int named Count also
// selects the plural form. An unknown key comes back as it is.
func (p *Printer) T(key string, args ...any) string {
	if s, ok := p.fixed[key]; ok {
		return s
	}
	if s, ok := p.phrases[key]; ok {
		return s.say(p.tag, args)
	}
	return key
}

// Date says the day of t in UTC, for example "22 Nov 2026".
func (p *Printer) Date(t time.Time) string { return p.date(t.UTC()) }

func (p *Printer) date(t time.Time) string {
	return p.T("time.date", "Day", t.Day(), "Month", p.months[t.Month()-1], "Year", t.Year())
}

// Clock says the time of day of t, for example "10:42 UTC".
func (p *Printer) Clock(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// Time says the day and the time of t, for example "22 Nov 2026, 10:42 UTC".
func (p *Printer) Time(t time.Time) string { return p.Date(t) + ", " + p.Clock(t) }

// TimeIn is Time in the zone of a place, which it names: "22 Nov 2026, 11:42 CET (UTC+1)". UTC
// where zone is nil.
func (p *Printer) TimeIn(t time.Time, zone *time.Location) string {
	if zone == nil {
		return p.Time(t)
	}
	t = t.In(zone)
	name, seconds := t.Zone()
	offset := "UTC"
	if seconds != 0 {
		offset += strings.TrimSuffix(fmt.Sprintf("%+d:%02d", seconds/3600, max(seconds, -seconds)/60%60), ":00")
	}
	if strings.ContainsAny(name, "+-0123456789") { // most zones have no name of their own
		return fmt.Sprintf("%s, %s (%s)", p.date(t), t.Format("15:04"), offset)
	}
	return fmt.Sprintf("%s, %s %s (%s)", p.date(t), t.Format("15:04"), name, offset)
}

// Duration says d in its largest whole unit, rounded up, for example "10 minutes": a
// person told to wait must not come back too early.
func (p *Printer) Duration(d time.Duration) string {
	switch {
	case d <= time.Minute:
		return p.T("duration.seconds", "Count", ceil(d, time.Second))
	case d <= 2*time.Hour:
		return p.T("duration.minutes", "Count", ceil(d, time.Minute))
	case d <= 48*time.Hour:
		return p.T("duration.hours", "Count", ceil(d, time.Hour))
	}
	return p.T("duration.days", "Count", ceil(d, 24*time.Hour))
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }
