//go:build !rig

package db

// Point is a place at which a binary built with -tags rig can be made to die, or to be told
// of a failure: right before and right after everything that must last. In any other binary
// it is nothing.
func Point(_, _ string) error { return nil }

func points(string, []*unit) error { return nil }

// origin names the step that a unit of work is part of, for the places of Point.
func origin() string { return "" }
