// Package typed brings what a person typed or pasted into one form before it is validated: phones, keyboards of other
// scripts and word processors put other digits, spaces and dashes where people mean the plain ones.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxBytes bounds what is folded; longer input can't be a code, a number or an address and is
// left for validation to refuse.
const maxBytes = 1024

// Fold returns s in NFKC with every decimal digit as ASCII, every space as a blank, every dash as a hyphen, without
// format characters and other characters that draw nothing, and without blanks at either end. Input that is not valid
// UTF-8 or is too long stays as it is.
func Fold(s string) string {
	if len(s) > maxBytes || !utf8.ValidString(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(plain, norm.NFKC.String(strings.Map(plain, s))))
}

// Compact is Fold without blanks and hyphens, for codes and references, where people put them as they like.
func Compact(s string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(Fold(s))
}

func plain(r rune) rune {
	switch {
	case r >= ' ' && r < utf8.RuneSelf-1:
		return r
	case unicode.IsSpace(r), unicode.In(r, unicode.Zl, unicode.Zp):
		return ' '
	case unicode.Is(unicode.Cf, r), Invisible(r):
		return -1
	case unicode.Is(unicode.Pd, r), r == '\u2212', r == '\u2043', r == '\u02d7': // minus, hyphen bullet, modifier minus
		return '-'
	}
	if d, ok := digit(r); ok {
		return d
	}
	return r
}

// digit returns the ASCII digit of the same value. Unicode assigns decimal digits in runs of ten from zero to nine.
func digit(r rune) (rune, bool) {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10, true
		}
	}
	return 0, false
}

// Invisible reports letters and marks that draw nothing although Unicode calls them graphic.
func Invisible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}
