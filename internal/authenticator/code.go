package authenticator

import "strings"

var separators = strings.NewReplacer(" ", "", "-", "", "\t", "", "\r", "", "\n", "")

// Canonical strips ASCII spaces and hyphens and accepts exactly n ASCII digits; every
// check of a code begins here (OpenBao's replay through white space began elsewhere).
func Canonical(typed string, n int) (string, bool) {
	if len(typed) > 4*n {
		return "", false
	}
	code := separators.Replace(typed)
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
