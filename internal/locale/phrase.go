package locale

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// phrase is a message with placeholders, parsed once: to execute a template each time that it
// is said costs more than the rest of a page.
type phrase struct {
	forms   map[plural.Form][]part
	counted bool // its form depends on Count
}

// part is some text and the name of the value behind it; the last part of a form has none.
type part struct{ text, name string }

// categories are the names that CLDR gives the plural forms.
var categories = map[string]plural.Form{
	"zero":  plural.Zero,
	"one":   plural.One,
	"two":   plural.Two,
	"few":   plural.Few,
	"many":  plural.Many,
	"other": plural.Other,
}

// parsePhrase reads one message of a catalogue: a text, or one text for each plural form.
// Placeholders look like {{.Name}}; anything else between braces is refused.
func parsePhrase(message json.RawMessage) (phrase, error) {
	var text string
	if json.Unmarshal(message, &text) == nil {
		parts, err := split(text)
		return phrase{forms: map[plural.Form][]part{plural.Other: parts}}, err
	}
	var texts map[string]string
	if err := json.Unmarshal(message, &texts); err != nil {
		return phrase{}, errors.New("neither a text nor plural forms")
	}
	p := phrase{forms: map[plural.Form][]part{}, counted: true}
	for category, text := range texts {
		form, known := categories[category]
		if !known {
			return p, fmt.Errorf("%q is not a plural form", category)
		}
		parts, err := split(text)
		if err != nil {
			return p, fmt.Errorf("form %s: %w", category, err)
		}
		p.forms[form] = parts
	}
	if p.forms[plural.Other] == nil {
		return p, errors.New(`the plural form "other" is missing`)
	}
	return p, nil
}

func split(text string) (parts []part, err error) {
	if text == "" {
		return nil, errors.New("the text is empty")
	}
	for {
		before, rest, found := strings.Cut(text, "{{")
		if strings.Contains(before, "}}") {
			return nil, errors.New("}} without {{")
		}
		if !found {
			return append(parts, part{text: text}), nil
		}
		inside, after, closed := strings.Cut(rest, "}}")
		name, named := strings.CutPrefix(inside, ".")
		if !closed || !named || name == "" || strings.ContainsFunc(name, notLetter) {
			return nil, fmt.Errorf("{{%s is not a placeholder like {{.Name}}", rest)
		}
		parts, text = append(parts, part{before, name}), after
	}
}

func notLetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }

// fixed is the text of a message that is the same whatever the values are.
func (s phrase) fixed() (text string, ok bool) {
	parts := s.forms[plural.Other]
	return parts[0].text, !s.counted && len(parts) == 1
}

// say puts the values in. A missing one leaves its placeholder, so that the mistake is seen.
func (s phrase) say(tag language.Tag, args []any) string {
	form := plural.Other
	if n, ok := value(args, "Count").(int); ok && s.counted {
		form = formOf(tag, n)
	}
	parts, ok := s.forms[form]
	if !ok {
		parts = s.forms[plural.Other]
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
		if p.name == "" {
			continue
		}
		switch v := value(args, p.name).(type) {
		case nil:
			b.WriteString("{{." + p.name + "}}")
		case string:
			b.WriteString(v)
		default:
			fmt.Fprint(&b, v)
		}
	}
	return b.String()
}

const million = 1_000_000

// countMillions are languages that say "un millón de días": CLDR gave whole millions the form
// "many" there after the tables of x/text were made.
var countMillions = []string{"ca", "es", "fr", "it", "pt"}

// formOf is the plural form that goes with n.
func formOf(tag language.Tag, n int) plural.Form {
	n = max(n, -n)
	if base, _ := tag.Base(); n > 0 && n%million == 0 && slices.Contains(countMillions, base.String()) {
		return plural.Many
	}
	return plural.Cardinal.MatchPlural(tag, n%(10*million), 0, 0, 0, 0)
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
