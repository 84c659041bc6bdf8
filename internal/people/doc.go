// Package people is the journey of administering people: adding, inviting and importing them, and every change of
// a person that an administrator, the command line or another program makes. Each function checks access, changes,
// records and tells in one transaction. It refuses what people do to their own account: that is profile.
package people
