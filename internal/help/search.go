package help

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"countersign/internal/locale"
)

// find lists the topics whose texts hold every word of a query, those with one in the title first. Without a query it
// lists all.
func find(p *locale.Printer, of audience, query string) []topic {
	words := strings.Fields(fold(query))
	var inTitle, inText []topic
	for _, t := range topics {
		switch {
		case t.For != of || len(query) > maxQuery && query != "":
		case len(words) == 0 || hasAny(fold(p.T(t.Title)), words) && hasAll(fold(t.text(p)), words):
			inTitle = append(inTitle, t)
		case hasAll(fold(t.text(p)), words):
			inText = append(inText, t)
		}
	}
	return append(inTitle, inText...)
}

func hasAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func hasAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// text is everything that a topic says.
func (t topic) text(p *locale.Printer) string {
	var b strings.Builder
	for _, key := range slices.Concat([]string{t.Title, t.Intro}, t.Steps, t.Points, t.Notes) {
		b.WriteString(p.T(key) + "\n")
	}
	return b.String()
}

// fold makes small letters without accents, so that “codigo” finds “código”.
func fold(text string) string {
	plain := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	out, _, err := transform.String(plain, strings.ToLower(text))
	if err != nil {
		return strings.ToLower(text)
	}
	return out
}
