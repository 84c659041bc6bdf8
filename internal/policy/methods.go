package policy

import (
	"slices"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/tenant"
)

// ParseMethods reads second steps as they are written in commands: words apart by commas or
// spaces, "all" or nothing for every one.
func ParseMethods(s string) (tenant.Methods, error) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) == 0 || slices.Equal(words, []string{"all"}) {
		return "", nil
	}
	for _, w := range words {
		if !slices.Contains(authenticator.SecondSteps, authenticator.Kind(w)) {
			return "", fault.New(fault.Invalid, "tenant.unknown_method")
		}
	}
	slices.Sort(words)
	return tenant.Methods(strings.Join(slices.Compact(words), " ")), nil
}
