// Package rig runs the program that people download and looks at it from outside: it
// builds the binary, starts it on a database with a mail server of its own, and offers
// people (an HTTP browser without scripts), a real browser, apps and attackers. It refuses
// to reach into the program: what a test learns, it learns through HTTP, mail, the
// command line, the log, or the rows at rest.
package rig
