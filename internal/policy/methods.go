package policy

import (
	"slices"
	"strings"

	"countersign/internal/tenant"
)

// ParseMethods reads second steps as they are written in commands: words separated by commas or spaces; "all" or
// nothing means every one.
func ParseMethods(s string) (tenant.Methods, error) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) == 0 || slices.Equal(words, []string{"all"}) {
		return "", nil
	}
	return tenant.Methods(strings.Join(words, " ")).Clean()
}
