package typed

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Problem is what a text that people will read may not contain.
type Problem struct {
	What string // "an invisible character", "a control character", "an unassigned character"
	Rune rune
	At   int // its place, counted in characters from 1; spaces before the text don't count
}

func (p *Problem) Error() string { return fmt.Sprintf("%s at position %d (%U)", p.What, p.At, p.Rune) }

// Line returns a name or label as it is stored: in NFC, on one line, with single blanks. What
// it refuses is what the FreeformClass of PRECIS (RFC 8264 section 4.3) refuses because it can't
// be seen: controls, format characters, fillers, unassigned and private characters. The two
// joiners are allowed where a script needs them (RFC 5892 appendices A.1 and A.2: Persian,
// Hindi), and, with the variation selector, inside an emoji. The error is a *Problem.
func Line(s string) (string, error) {
	s = strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	return s, Visible(s)
}

// Visible reports the first character of s that can't be seen, as a *Problem.
func Visible(s string) error {
	all := []rune(s)
	for i, r := range all {
		if what := problemOf(all, i); what != "" {
			return &Problem{What: what, Rune: r, At: i + 1}
		}
	}
	return nil
}

// Seen reports whether the character at i of a text can be seen, or belongs to one that can.
func Seen(text []rune, i int) bool { return problemOf(text, i) == "" }

// Plain is Visible for addresses, where the joiners and selectors have no place either.
func Plain(s string) error {
	for i, r := range []rune(s) {
		if what := unseen(r); what != "" {
			return &Problem{What: what, Rune: r, At: i + 1}
		}
	}
	return nil
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	emojiStyle         = '\ufe0f' // variation selector 16
)

func problemOf(all []rune, i int) string {
	switch r := all[i]; {
	case (r == zeroWidthJoiner || r == emojiStyle) && inEmoji(all, i):
		return ""
	case (r == zeroWidthJoiner || r == zeroWidthNonJoiner) && joins(all, i):
		return ""
	default:
		return unseen(r)
	}
}

func unseen(r rune) string {
	switch {
	case r == utf8.RuneError:
		return "a broken character"
	case unicode.IsControl(r):
		return "a control character"
	case unicode.Is(unicode.Cf, r), unicode.In(r, unicode.Zl, unicode.Zp), Invisible(r):
		return "an invisible character"
	case !unicode.IsGraphic(r):
		return "an unassigned character"
	}
	return ""
}

// inEmoji reports whether a joiner or selector stands inside an emoji: after a symbol, its skin
// tone or the base of a keycap, and, for a joiner, before another symbol.
func inEmoji(all []rune, i int) bool {
	before := i - 1
	for before >= max(0, i-3) && (all[before] == emojiStyle || unicode.Is(unicode.Sk, all[before])) {
		before--
	}
	if before < 0 || !symbol(all[before]) &&
		(all[i] == zeroWidthJoiner || !strings.ContainsRune("0123456789#*", all[before])) {
		return false
	}
	return all[i] == emojiStyle && all[i-1] != emojiStyle ||
		all[i] == zeroWidthJoiner && i+1 < len(all) && symbol(all[i+1])
}

func symbol(r rune) bool { return unicode.Is(unicode.So, r) && !Invisible(r) }

// joins asks PRECIS whether a joiner changes how its word is written there. Of the word only
// letters and marks matter.
func joins(all []rune, i int) bool {
	from, to := i, i+1
	for from > 0 && inWord(all[from-1]) {
		from--
	}
	for to < len(all) && inWord(all[to]) {
		to++
	}
	_, err := precis.NewFreeform().String(string(all[from:to]))
	return err == nil
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) && !Invisible(r) || unicode.IsMark(r) && !Invisible(r)
}
