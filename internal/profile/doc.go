// Package profile is the journey of changing one's own account: where it is signed in, which
// browsers are remembered, the password, the address, the language, whether a second step is asked. It
// refuses to decide who may: its caller shows a session, and for what a thief would change
// first a fresh one. Methods are the business of binding.
package profile
