// Package signin moves one claimant from "who are you" to a session. Nothing is stored
// before a password is right; from then on a flow is a row, bound to the browser that
// began it, and every call loads it, adds at most one proof, and asks next what remains.
// Steps never call each other, and no face decides anything: faces draw the Step.
package signin
