package audit

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestNothingHiddenIsKept: every character by itself, and within a word, is kept as it is or
// not at all; what is plain is what nothing would be taken from.
func TestNothingHiddenIsKept(t *testing.T) {
	for r := rune(0); r < 0x20000; r++ {
		s := "a" + string(r) + "z"
		got := cleanText(s, longestWord)
		if want := map[bool]string{true: "az", false: s}[isHidden(r)]; got != want {
			t.Fatalf("%U: %q, want %q", r, got, want)
		}
		if plain(s) && (isHidden(r) || r > '~') {
			t.Fatalf("%U is called plain", r)
		}
	}
	for _, s := range []string{"\x00", "a\nb", "\x7f", "a\xff", "\u202eabc", strings.Repeat("é", 400),
		strings.Repeat("x", 5000), strings.Repeat("\x80", 900)} {
		if got := cleanText(s, longestWord); len(got) > longestWord || !utf8.ValidString(got) ||
			strings.IndexFunc(got, isHidden) >= 0 {
			t.Errorf("%.20q becomes %q", s, got)
		}
	}
}

// TestInsertsAreWhatWouldBeWritten for any number of events.
func TestInsertsAreWhatWouldBeWritten(t *testing.T) {
	for n := 1; n <= 2*len(inserts); n++ {
		if inserting(recordedIn, n) != inserted(recordedIn, n) ||
			strings.Count(inserting(recordedIn, n), "$") != n*recorded {
			t.Errorf("%d events: %s", n, inserting(recordedIn, n))
		}
	}
}
