package pages

import "time"

// SeenField is the field in which a form sends back the mark of what its page showed.
const SeenField = "seen"

// Outdated is what a form says where someone else has changed the same thing since its page was opened: nothing was
// saved, and both versions are shown. Saving again replaces theirs.
type Outdated struct {
	Stored, Yours []Said
	Again         bool // the form shows what is stored, so theirs must be chosen again
}

// Any reports whether something is outdated.
func (o Outdated) Any() bool { return len(o.Stored)+len(o.Yours) > 0 }

// Said is a value in words: a catalogue key with its numbers, a day, or a text as it is.
type Said struct {
	Label   string // catalogue key of what it is a value of; empty = it needs none
	Key     string
	Count   int
	Minutes int
	Day     time.Time
	Text    string
}
