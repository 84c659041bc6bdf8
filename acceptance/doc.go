// Package acceptance tests the shipped binary from outside, on both databases: what it
// promises (one file per source of requirements) and what it must withstand (one file per
// family of attacks). It refuses to import the program's journeys and faces. A comment
// "guard:" names what has to be removed for the test to fail.
package acceptance
