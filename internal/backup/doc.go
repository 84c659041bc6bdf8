// Package backup copies a whole installation into one sealed file while it serves, puts
// such a file into an empty database of either engine, and owns the epoch: what happens
// when an older state of the data takes the place of a newer one, however that came about.
//
// It refuses to put a copy on top of data, to read a file that was changed or that another
// installation's keys sealed, and to let anything serve from older data before everything
// that was open is ended and an operator has said that they know what that means. The key
// file is never in a copy.
package backup
