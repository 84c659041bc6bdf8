package user_test

import (
	"slices"
	"strings"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// TestSQLKnowsTheFactorsOfPolicy: the kinds that protect an account are named in SQL a second
// time.
func TestSQLKnowsTheFactorsOfPolicy(t *testing.T) {
	var want []string
	for _, k := range authenticator.SecondSteps {
		if policy.Factor(k) {
			want = append(want, "'"+string(k)+"'")
		}
	}
	got := strings.Split(strings.Trim(user.FactorKinds, "()"), ", ")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("SQL has %v, policy has %v", got, want)
	}
}
