package email

import (
	"cmp"
	"fmt"
	html "html/template"
	"net/url"
	"strings"
	"time"
	"unicode"

	"countersign/internal/locale"
)

// maxName caps every value that someone else chose, in characters.
const maxName = 80

// letter is what the two templates draw. Subject, Preheader and the start of Lead are what
// a locked telephone shows, so none of them holds the code (NIST SP 800-63B-4 3.1.3.1).
type letter struct {
	*writer
	Subject, Preheader, Title, Lead string
	Vendor, Code, Until, Never      string
	Link, NotMe, NotMeLink          string
	LinkLead, LinkText, Button      string // what is said before the link in HTML and in plain text, and on it
	FactsTitle                      string
	Facts                           []line
	Support                         []supportLine // of the company
	Footer                          string
}

// supportLine is a way to reach a company's support. Link is empty where mail programs need none.
type supportLine struct{ Text, Link string }

func supportLines(c Contact) (out []supportLine) {
	if c.Email != "" {
		out = append(out, supportLine{c.Email, "mailto:" + c.Email})
	}
	if c.Phone != "" {
		out = append(out, supportLine{c.Phone, ""})
	}
	if at := webAddress(c.URL); at != "" {
		out = append(out, supportLine{at, at})
	}
	return out
}

// line is a name and what it stands for.
type line struct{ Name, Value string }

// Addresses repeats the links in full, for mail programs that show no buttons.
func (l letter) Addresses() ([]line, error) {
	var all []line
	if l.Link != "" {
		all = append(all, line{l.Button, l.Link})
	}
	if l.NotMeLink != "" {
		all = append(all, line{l.say("mail.not_me.button"), l.NotMeLink})
	}
	return all, l.err
}

// writer says sentences and remembers the first one that was missing.
type writer struct {
	words   *locale.Printer
	zone    func(ip string) *time.Location // nil = everything in UTC
	accent  Accent
	company string // the company's own name for what its people sign in to
	err     error
}

// from is the name that the reader of a mail about their account knows: their company's own, or the vendor's. Who sent
// the mail, and what the vendor itself has done, is told with the vendor's name.
func (w *writer) from(vendor string) string { return cmp.Or(w.company, cleanName(vendor)) }

// Act is the accent on light mails.
func (w *writer) Act() html.CSS { return html.CSS(w.accent.Light) }

// ActDark is the accent on dark mails.
func (w *writer) ActDark() html.CSS { return html.CSS(w.accent.Dark) }

// time says t in the zone of the place that ip is in.
func (w *writer) time(t time.Time, ip string) string {
	if w.zone == nil {
		return w.words.Time(t)
	}
	return w.words.TimeIn(t, w.zone(ip))
}

func (w *writer) say(key string, args ...any) string {
	if !w.words.Has(key) && w.err == nil {
		w.err = fmt.Errorf("no sentence %q in %s", key, w.words.Lang())
	}
	return w.words.T(key, args...)
}

// Say is say for the templates.
func (w *writer) Say(key string) (string, error) {
	s := w.say(key)
	return s, w.err
}

// Lang is the language of the mail (BCP 47).
func (w *writer) Lang() string { return w.words.Lang() }

// cleanName shortens and cleans a name that the operator of the installation chose. Its dots stay:
// a mail may link to a company that is named after its own site.
func cleanName(s string) string { return locale.Line(s, maxName) }

// defang shortens and cleans text that anyone else chose, and keeps mail programs from turning
// "evil.test/login" into a link: a dot inside a word becomes a character that looks like it (a
// leader), and no colon or backslash touches what would make an address of it. Invisible characters
// would work as well, but forgers use them, and spam filters punish them.
func defang(s string) string {
	in := []rune(locale.Line(s, maxName))
	var b strings.Builder
	for i, r := range in {
		inside := i > 0 && i+1 < len(in) && !unicode.IsSpace(in[i-1]) && !unicode.IsSpace(in[i+1])
		switch {
		case inside && strings.ContainsRune(".\u3002\uff0e\uff61", r):
			b.WriteRune('\u2024')
		case r == ':' && i+1 < len(in) && !unicode.IsSpace(in[i+1]):
			b.WriteString(": ")
		case r == '\\':
			b.WriteRune('/')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// webAddress is s if it is a web address, and otherwise empty: nothing else becomes a link.
func webAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// origin is where a sign-in came from.
type origin struct {
	ip, place, browser string
	at                 time.Time
}

// originLines lists where a request came from. The place is called a guess, because it is derived from the IP address.
func (w *writer) originLines(o origin) []line {
	place := defang(o.place)
	if place != "" {
		place = w.say("word.approximate", "Place", place)
	}
	all := []line{
		{w.say("word.place"), w.orUnknown(place)},
		{w.say("word.browser"), w.orUnknown(defang(o.browser))},
		{w.say("word.ip"), w.orUnknown(cleanName(o.ip))},
	}
	if o.at.IsZero() {
		return all
	}
	return append([]line{{w.say("word.time"), w.time(o.at, o.ip)}}, all...)
}

// orUnknown is s, or the word for unknown where s is empty.
func (w *writer) orUnknown(s string) string {
	if s == "" {
		return w.say("word.unknown")
	}
	return s
}
