// Package auditor looks at an installation after something went wrong, and says what must
// not be: it compares the rows at rest, the audit chain, the mail that arrived and what
// every client was told, and checks the invariants I1 to I7:
//
//	I1  no code, link, authorization code or refresh token worked twice, and no session
//	    exists without the proofs of its level
//	I2  what succeeded stands in the audit record once and the other way round, the chain
//	    holds, and what a client was told is so
//	I3  a failure that was told as counted stays counted
//	I4  what was told to be revoked is revoked, and nothing comes back to life
//	I5  nothing was let through that the rows do not know
//	I6  nothing is stuck for longer than its life
//	I7  no secret stands in the database, in a log or in a file
//
// It refuses to repair, to call the program's own code, and to trust an answer: it reads.
package auditor
