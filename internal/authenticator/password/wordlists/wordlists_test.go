package wordlists

import (
	"testing"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

// TestTheListsAreHeldBackAndThenUsed: before, the estimator knows no word; afterwards it knows
// those of every list, and the lists themselves are gone.
func TestTheListsAreHeldBackAndThenUsed(t *testing.T) {
	if held != len(files) || len(frequency.Lists) != 0 {
		t.Fatalf("%d of %d lists are held back, %d are not", held, len(files), len(frequency.Lists))
	}
	if err := Load(func() { zxcvbn.PasswordStrength("first", nil) }); err != nil {
		t.Fatal(err)
	}
	if len(frequency.Lists) != 0 {
		t.Error("the lists stay beside their tables")
	}
	found := map[string]bool{}
	for _, word := range []string{"christopher", "jennifer", "rodriguez", "yesterday", "trustno1"} {
		for _, m := range zxcvbn.PasswordStrength(word, nil).MatchSequence {
			found[m.DictionaryName] = true
		}
	}
	for name := range files {
		if !found[name] {
			t.Errorf("nothing is found in %s: %v", name, found)
		}
	}
}
