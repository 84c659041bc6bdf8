package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"countersign/internal/fault"
	"countersign/internal/secret"
)

// Lengths in characters (NIST SP 800-63B-4 §3.1.1.2). A password may be the only factor
// wherever an app is exempt or a browser is remembered, so 15 is the rule.
const (
	MinLength = 15
	MaxLength = 256
)

// Check judges a new password. words are what an attacker would try first: the product's,
// the company's and the user's names. It fails with fault Invalid and the reason.
func Check(typed secret.Text, words ...string) error {
	plain := norm.NFC.String(typed.Reveal()) // as it is stored
	n := utf8.RuneCountInString(plain)
	switch {
	case !utf8.ValidString(typed.Reveal()) || strings.ContainsRune(plain, 0):
		return fault.New(fault.Invalid, "error.malformed")
	case n < MinLength:
		return fault.New(fault.Invalid, "password.problem.short")
	case n > MaxLength:
		return fault.New(fault.Invalid, "password.problem.long")
	}
	if consistsOfOwnWords(plain, split(words)) {
		return fault.New(fault.Invalid, "password.problem.personal")
	}
	guessed, err := isCommon(plain, split(words))
	if err != nil {
		return fmt.Errorf("read common words: %w", err)
	}
	if guessed || famous[lettersAndDigits(plain)] {
		return fault.New(fault.Invalid, "password.problem.common")
	}
	return nil
}

// consistsOfOwnWords reports whether little is left of a password without the user's own words.
func consistsOfOwnWords(plain string, words []string) bool {
	rest := strings.ToLower(plain)
	for _, w := range words {
		if len(w) > 2 {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	return utf8.RuneCountInString(lettersAndDigits(rest)) < MinLength/2
}

// lettersAndDigits keeps the letters and digits, in lower case.
func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.So, r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// famous are long passwords that people learn by heart from the same places.
var famous = map[string]bool{"correcthorsebatterystaple": true, "tobeornottobethatisthequestion": true,
	"ihavenothingtohide": true, "maytheforcebewithyou": true}

func split(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, strings.FieldsFunc(strings.ToLower(w),
			func(r rune) bool { return r == ' ' || r == '@' || r == '.' })...)
	}
	return out
}
