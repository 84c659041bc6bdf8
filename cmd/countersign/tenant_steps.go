package main

import (
	"fmt"

	"countersign/internal/tenant"
)

// shownSteps is how a company turns two-factor authentication on, in words.
func shownSteps(s tenant.Steps) string {
	if s.Days == 0 {
		return "everyone at once"
	}
	out := fmt.Sprintf("three, %d days apart, %s", s.Days, shownNumber(s.StopAt, "no limit", "percent"))
	if !s.StoppedAt.IsZero() {
		out += ", stopped at " + shown(s.StoppedAt)
	}
	return out
}
