// Package binding is the journey of adding, naming and removing the things people sign in
// with. What is being set up waits in a draft, sealed, until its first proof is right; then
// every address of the account is told. It refuses to decide who may bind: its caller shows
// the fresh sign-in, or the flow that waits for a set-up.
package binding
