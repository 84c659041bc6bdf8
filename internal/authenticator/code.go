package authenticator

import "countersign/internal/typed"

// Canonical folds what was typed, without blanks and hyphens, and accepts exactly n ASCII digits; every
// check of a code begins here (OpenBao's replay through white space began elsewhere).
func Canonical(text string, n int) (string, bool) {
	if len(text) > 16*n { // a full-width digit has three bytes, and separators stand between
		return "", false
	}
	code := typed.Compact(text)
	if len(code) != n {
		return "", false
	}
	for _, c := range []byte(code) {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	return code, true
}
