package locale

import (
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// phrase is a sentence with placeholders, taken apart once: to have it read as a template
// each time that it is said costs more than the rest of a page.
type phrase struct {
	forms   map[plural.Form][]part
	counted bool // its form depends on Count
}

// part is some text and the name of the value behind it; the last part of a form has none.
type part struct{ text, name string }

// takeApart reads the forms of a message; ok is false for one that is more than text and
// names.
func takeApart(m *i18n.Message) (s phrase, ok bool) {
	s = phrase{forms: map[plural.Form][]part{}, counted: m.One != ""}
	for form, text := range map[plural.Form]string{
		plural.Zero: m.Zero, plural.One: m.One, plural.Two: m.Two, plural.Few: m.Few, plural.Many: m.Many, plural.Other: m.Other,
	} {
		parts, plain := split(text)
		if !plain {
			return s, false
		}
		if text != "" {
			s.forms[form] = parts
		}
	}
	return s, s.forms[plural.Other] != nil
}

func split(text string) (parts []part, plain bool) {
	for {
		before, rest, found := strings.Cut(text, "{{")
		if !found {
			return append(parts, part{text: text}), true
		}
		inside, after, closed := strings.Cut(rest, "}}")
		name, named := strings.CutPrefix(inside, ".")
		if !closed || !named || name == "" || strings.ContainsFunc(name, notLetter) {
			return nil, false
		}
		parts, text = append(parts, part{before, name}), after
	}
}

func notLetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }

// say puts the values in; ok is false where one is missing or is neither text nor a number.
func (s phrase) say(tag language.Tag, args []any) (said string, ok bool) {
	parts, ok := s.parts(tag, args)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
		if p.name == "" {
			continue
		}
		switch v := value(args, p.name).(type) {
		case string:
			b.WriteString(v)
		case int:
			b.WriteString(strconv.Itoa(v))
		default:
			return "", false
		}
	}
	return b.String(), true
}

// millions take a form of their own in languages of which these rules do not know it.
const millions = 1_000_000

// parts are those of the form that goes with Count.
func (s phrase) parts(tag language.Tag, args []any) ([]part, bool) {
	form := plural.Other
	if s.counted {
		n, ok := value(args, "Count").(int)
		if !ok || n < 0 || n >= millions {
			return nil, false
		}
		form = plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)
	}
	parts, ok := s.forms[form]
	return parts, ok
}

// value is the one behind a name; nil where there is none. Of two with one name it is the
// last, as in a map.
func value(args []any, name string) (v any) {
	for i := 0; i+1 < len(args); i += 2 {
		if n, ok := args[i].(string); ok && n == name {
			v = args[i+1]
		}
	}
	return v
}
