// Package db is the seam between the house and its database. It opens SQLite or
// PostgreSQL, runs migrations, and gives every unit of work one transaction, one tenant
// and one instant. It knows no product nouns: each feature keeps its own SQL, one text
// for both engines.
//
// Correctness never rests on an isolation level: a transition is one guarded UPDATE
// whose row count is read.
package db
