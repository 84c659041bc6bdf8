// Package histories holds races to what a sequential machine would have answered: many
// clients at both replicas at once (REL-15), every operation with the instants of its call
// and its return, and a checker that looks for one order of them that explains every
// answer. Counting winners is not enough: it misses a loser that lost before anyone won.
// The package refuses to know how the program keeps its promises.
package histories
