package pages

import (
	"slices"
	"strings"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// ChosenMethods are the methods that a form ticked; ok is false where it ticked none of those that are offered. All of
// them together are every one, also those to come.
func ChosenMethods(ticked []string, offered []authenticator.Kind) (methods tenant.Methods, ok bool) {
	var out []string
	for _, k := range offered {
		if slices.Contains(ticked, string(k)) {
			out = append(out, string(k))
		}
	}
	if len(out) == len(offered) {
		return "", true
	}
	return tenant.Methods(strings.Join(out, " ")), len(out) > 0
}

// SameMethods reports whether two choices allow the same of some kinds.
func SameMethods(a, b tenant.Methods, kinds []authenticator.Kind) bool {
	return !slices.ContainsFunc(kinds, func(k authenticator.Kind) bool {
		return a.Allow(string(k)) != b.Allow(string(k))
	})
}
