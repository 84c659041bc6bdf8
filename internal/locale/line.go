package locale

import (
	"slices"
	"strings"
	"unicode"

	"countersign/internal/typed"
)

// Line makes someone else's text safe to stand in one line of ours: no control
// characters, line breaks, bidirectional or zero-width marks (which let a name pretend to
// be another; joiners stay where their script needs them), single spaces, and at most limit
// characters.
func Line(s string, limit int) string {
	text := seen([]rune(s))
	if len(text) <= limit {
		return string(text)
	}
	return strings.TrimSpace(string(seen(text[:limit]))) + "…"
}

// seen leaves out what can't be seen, until nothing more is: a joiner that has lost its
// neighbour goes, too.
func seen(text []rune) []rune {
	for {
		var out []rune
		for i, r := range text {
			switch {
			case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
				if len(out) > 0 && out[len(out)-1] != ' ' {
					out = append(out, ' ')
				}
			case typed.Seen(text, i):
				out = append(out, r)
			}
		}
		if n := len(out); n > 0 && out[n-1] == ' ' {
			out = out[:n-1]
		}
		if slices.Equal(out, text) {
			return out
		}
		text = out
	}
}
