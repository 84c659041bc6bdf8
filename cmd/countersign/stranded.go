package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"countersign/internal/company"
)

// confirmStranding says whom a change of the allowed methods would leave without a method that they can use, and asks.
func confirmStranding(yes bool, stranded company.Stranded) error {
	if stranded.None() {
		return nil
	}
	listPeople(stranded.MustSetUp,
		"must show a method that is no longer allowed and set up another at their next sign-in")
	listPeople(stranded.LockedOut, "can't sign in any more until you allow what they have or reset their methods: "+
		"nothing that protects their account is allowed")
	return confirm(yes, "Change the allowed methods?")
}

// confirmOutsiders says which owners and admins last signed in from outside the networks to be allowed, and asks.
func confirmOutsiders(yes bool, outside []company.Outsider) error {
	if len(outside) == 0 {
		return nil
	}
	var people []string
	for _, o := range outside {
		people = append(people, fmt.Sprintf("%s (%s)", o.Email, o.IP))
	}
	listPeople(people, "are owners or admins who last signed in from outside these networks, and can't from there")
	return confirm(yes, "Allow only these networks?")
}

// listPeople names people, twenty at most.
func listPeople(people []string, what string) {
	if len(people) == 0 {
		return
	}
	slices.Sort(people)
	shown := people[:min(len(people), 20)]
	fmt.Fprintf(os.Stderr, "People affected: %d. They %s: %s", len(people), what, strings.Join(shown, ", "))
	if more := len(people) - len(shown); more > 0 {
		fmt.Fprintf(os.Stderr, " and %d more", more)
	}
	fmt.Fprintln(os.Stderr)
}
