// Package signin moves one claimant from a right first step to a session. Nothing is stored
// before package firststep has found a password or a passkey right; from then on a flow is a row,
// bound to the browser that began it, and every call loads it, adds at most one proof, and asks
// next what remains. Steps never call each other, and no interface decides anything: it draws the
// Step.
package signin
