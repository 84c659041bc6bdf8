package locale

import (
	"strings"
	"unicode"
)

// Line makes somebody else's text safe to stand in one line of ours: no control
// characters, line breaks, bidirectional or zero-width marks (which let a name pretend to
// be another), single spaces, and at most limit characters.
func Line(s string, limit int) string {
	var b strings.Builder
	n, gap := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) || r == '\u2028' || r == '\u2029' {
			gap = n > 0
			continue
		}
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || invisible(r) {
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap, n = false, n+1
		}
		if n >= limit {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// invisible are the letters and marks that draw nothing although Unicode calls them graphic.
func invisible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}
